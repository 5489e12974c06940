import { z } from 'zod'
import { baseUrlRule } from '../tenancy/rules/base-url.ts'
import { nameRule } from '../tenancy/rules/names.ts'
import type { TextRule } from '../tenancy/rules/text-rule.ts'

// What a provider and its keys may say. Members that are left out stay as they are, and null takes them back.

const textOf = ({ holds, allowed }: TextRule) =>
  z.string().refine(holds, `must be ${allowed}`).meta({ allowed })
const name = textOf(nameRule)
const flag = z.boolean()
const seconds = (least: number, most: number) => z.int().min(least).max(most)
const emptyIsNull = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? null : value), schema.nullable())

const wait = z
  .union([
    z.int().min(0).max(86_400_000),
    z
      .string()
      .regex(/^\d{1,8}(?:ms|s)$/, 'must be milliseconds, or a duration such as 500ms')
      .transform((text) => Number.parseInt(text, 10) * (text.endsWith('ms') ? 1 : 1000)),
  ])
  .describe('Milliseconds, or a duration such as `500ms`.')

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}$/, 'must be the name of a header')
const headerValue = z
  .string()
  .regex(/^[\t\x20-\x7e]*$/, 'must be what a header can hold')
  .max(8192)

/** Members whose absence means the default. */
function members<Shape extends z.ZodRawShape>(shape: Shape) {
  const all = Object.entries(shape).map(([member, schema]) => [
    member,
    (schema as z.ZodType).nullable().optional(),
  ])
  return z.object(
    Object.fromEntries(all) as {
      [Member in keyof Shape]: z.ZodOptional<z.ZodNullable<Shape[Member] & z.ZodType>>
    },
  )
}

const NetworkConfig = members({
  base_url: emptyIsNull(textOf(baseUrlRule)).describe(
    'Where the provider is reached instead of its own host.',
  ),
  extra_headers: z
    .record(headerName, headerValue)
    .refine((headers) => Object.keys(headers).length <= 100, 'must have at most 100 headers')
    .describe('Sent with each request. Values are secrets; `env.NAME` takes them from the environment.'),
  default_request_timeout_in_seconds: seconds(1, 86_400).describe(
    'For a whole answer, and for the first byte of a stream.',
  ),
  connect_timeout_in_seconds: seconds(1, 86_400).describe('For connecting, TLS included.'),
  first_token_timeout_in_seconds: seconds(0, 86_400).describe('For the first content of an answer; 0: none.'),
  stream_idle_timeout_in_seconds: seconds(1, 86_400).describe('Between two pieces of an answer.'),
  max_retries: z.int().min(0).max(100).describe('Further attempts after one that failed.'),
  retry_backoff_initial: wait.describe(
    'Wait before the first of them, doubled each time: milliseconds, or `500ms`.',
  ),
  retry_backoff_max: wait.describe('Longest of these waits: milliseconds, or `5s`.'),
  max_retry_after_in_seconds: seconds(0, 86_400).describe('Longest wait that a provider may ask for.'),
  insecure_skip_verify: flag.describe('Excludes `ca_cert_pem`.'),
  ca_cert_pem: emptyIsNull(z.string().max(1_000_000)).describe(
    'Certificates that are trusted besides the usual, in PEM.',
  ),
  allow_private_network: flag.describe(
    'Calls may lead to a private address, within the networks that `network.allow_private` names.',
  ),
  max_conns_per_host: z
    .int()
    .min(1)
    .max(10_000)
    .describe('Most connections at once. Kept; has no effect yet.'),
  keep_alive_timeout_in_seconds: seconds(1, 3600).describe(
    'How long an idle connection is kept. Kept; has no effect yet.',
  ),
  enforce_http2: flag.describe('HTTP/2 only. Kept; has no effect yet.'),
  beta_header_overrides: z
    .record(z.string(), flag)
    .describe('Beta headers to send or not, by prefix. Kept; has no effect yet.'),
  stream_throughput_guard: z
    .object({
      minimum_output_characters_per_second: z
        .number()
        .min(1)
        .max(100_000)
        .describe('Slower streams fail, as long as nothing has been sent on.'),
      probe_window_in_seconds: z.number().min(1).max(60).default(5).describe('How long they are watched.'),
    })
    .describe('Fails streams that begin too slowly. Kept; has no effect yet.'),
}).meta({ id: 'NetworkConfig' })

const ProxyConfig = members({
  type: z
    .enum(['none', 'http', 'socks5', 'environment'])
    .describe('What kind of proxy. Kept; has no effect yet.'),
  url: emptyIsNull(z.string().max(2048)).describe('Where the proxy is.'),
  username: emptyIsNull(z.string().max(1024)).describe('Who asks it.'),
  password: emptyIsNull(z.string().max(8192)).describe('The password.'),
  ca_cert_pem: emptyIsNull(z.string().max(1_000_000)).describe(
    'Certificates that are trusted of it, in PEM.',
  ),
}).meta({ id: 'ProxyConfig' })

const CustomProviderConfig = z
  .looseObject({
    base_provider_type: z
      .enum(['openai', 'anthropic', 'bedrock', 'cohere', 'gemini', 'huggingface', 'replicate'])
      .describe('Whose language it speaks.'),
    is_key_less: flag.optional().describe('It needs no key, and none is sent.'),
    allowed_requests: z
      .record(z.string().max(64), flag)
      .nullable()
      .optional()
      .describe('By kind of request. Left out: everything; otherwise what is true, and nothing else.'),
    request_path_overrides: z
      .record(z.string().max(64), z.string().min(1).max(2048))
      .optional()
      .describe('Path or URL by kind of request, where it is not the usual one.'),
    does_not_send_done_marker: flag.optional().describe('Its streams end without `[DONE]`.'),
    wait_for_usage: flag.optional().describe('Its usage comes after the last content.'),
  })
  .meta({ id: 'CustomProviderConfig' })

const label = z.string().max(1024)

const providerMembers = {
  network_config: NetworkConfig.describe('How it is reached.'),
  concurrency_and_buffer_size: z
    .object({
      concurrency: z.int().min(1).max(1_000_000).describe('Calls at once.'),
      buffer_size: z.int().min(1).max(10_000_000).describe('Calls that wait.'),
    })
    .meta({
      id: 'ConcurrencyAndBufferSize',
      description: 'Kept; has no effect: calls do not wait in queues here.',
    }),
  proxy_config: ProxyConfig.describe('A proxy on the way to it. Kept; has no effect yet.'),
  send_back_raw_request: flag.describe('Answers show what the provider was asked. Kept; has no effect yet.'),
  send_back_raw_response: flag.describe('Answers show what the provider answered. Kept; has no effect yet.'),
  store_raw_request_response: flag.describe('Both go into logs. Kept; has no effect yet.'),
  custom_provider_config: CustomProviderConfig.describe('What a provider is that is not known by its name.'),
  provider_request_id: z
    .object({
      enabled: flag.describe('Whether it is.'),
      header_name: headerName.optional().describe('In which header.'),
    })
    .describe("Whether the call's id is sent to the provider. Kept; has no effect yet."),
  prompt_cache: z
    .looseObject({
      auto_inject: flag.optional().describe('Marks what a provider may keep.'),
      ttl: z.enum(['5m', '1h']).optional().describe('How long it may.'),
      cache_control_injection_points: z.array(z.unknown()).optional().describe('Where marks go.'),
    })
    .describe("Marks for the provider's cache. Kept; has no effect yet."),
  metadata: z
    .record(z.string().min(1).max(255), label)
    .refine((pairs) => Object.keys(pairs).length <= 50, 'must have at most 50 pairs')
    .describe('Anything, for people.'),
  tags: z.array(z.string().min(1).max(255)).max(50).describe('Anything, for people.'),
}

export const ProviderChange = members(providerMembers).meta({
  id: 'ProviderChange',
  description: 'What is left out stays as it is, in sections too; null brings the default back.',
})

export const providerName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 letters, digits, . _ and -')

/** A text, or the variable that it is taken from, as it is shown. */
export const EnvText = z
  .union([
    z.string().max(65_536),
    z.object({
      value: z.string().max(65_536).default(''),
      env_var: z.string().max(255).default(''),
      from_env: flag.default(false),
    }),
  ])
  .transform((given) => {
    if (typeof given === 'string') return given
    const { value, env_var, from_env } = given
    if (!from_env || env_var === '') return value
    return env_var.startsWith('env.') ? env_var : `env.${env_var}`
  })
  .meta({ id: 'EnvText', description: 'A text; `env.NAME` takes it from the environment.' })

const texts = (max: number) => z.array(z.string().min(1).max(255)).max(max)

const AzureKeyConfig = members({
  endpoint: EnvText.describe('Where the resource is.'),
  api_version: EnvText.describe('Of the API.'),
  client_id: EnvText.describe('Of a service principal.'),
  client_secret: EnvText.describe('Of a service principal.'),
  tenant_id: EnvText.describe('Of a service principal.'),
  scopes: texts(50).describe('Of its tokens.'),
}).meta({ id: 'AzureKeyConfig' })

const VertexKeyConfig = members({
  project_id: EnvText.describe('The project.'),
  project_number: EnvText.describe('Its number, for tuned models.'),
  region: EnvText.describe('The region.'),
  auth_credentials: EnvText.describe('JSON of credentials.'),
  force_single_region: flag.describe('No other region is asked.'),
}).meta({ id: 'VertexKeyConfig' })

const BedrockKeyConfig = members({
  access_key: EnvText.describe('With `secret_key`.'),
  secret_key: EnvText.describe('With `access_key`.'),
  session_token: EnvText.describe('Of temporary keys.'),
  region: EnvText.describe('The region.'),
  arn: EnvText.describe('Before the id of an inference profile.'),
  role_arn: EnvText.describe('The role to assume.'),
  external_id: EnvText.describe('For that role.'),
  session_name: EnvText.describe('For that role.'),
  project_id: EnvText.describe('The project.'),
  batch_s3_config: z.looseObject({}).describe('Where batches are kept.'),
  use_openai_endpoints: flag.describe('Its endpoints in the language of OpenAI.'),
}).meta({ id: 'BedrockKeyConfig' })

const served = members({
  url: EnvText.describe('Where the server is.'),
  model_name: z.string().max(255).describe('What it serves.'),
})

const alias = z.union([
  z.string().min(1).max(255),
  z
    .looseObject({
      model_id: z.string().max(255).optional(),
      model_name: z.string().max(255).optional(),
      model_family: z.string().max(255).optional(),
      description: z.string().max(1024).optional(),
      region: z.string().max(255).optional(),
      project_id: z.string().max(255).optional(),
      api_version: z.string().max(255).optional(),
      endpoint: z.string().max(2048).optional(),
    })
    .meta({ id: 'ModelAlias' }),
])

const withDeployments = <Schema extends z.ZodObject>(schema: Schema) =>
  schema.extend({
    deployments: z
      .record(z.string(), z.string())
      .nullable()
      .optional()
      .describe('An older name of `aliases`.'),
  })

const keyMembers = {
  name: name.describe('What the key is called; unique among the keys of all providers.'),
  value: EnvText.describe('The key itself. An unset `env.NAME` disables it, with a warning.'),
  models: texts(10_000).describe('Models that it is for; `*` alone, or left out: all.'),
  blacklisted_models: texts(10_000).describe('Models that it is not for all the same.'),
  weight: z.number().min(0).max(1_000_000).describe('Share of calls among the keys; left out: 1.'),
  aliases: z.record(z.string(), alias).describe('Models by what callers may call them.'),
  enabled: flag.describe('`false`: it is not used.'),
  use_for_batch_api: flag.describe('It may be used for batches.'),
  description: z.string().max(1024).describe('For people.'),
  azure_key_config: withDeployments(AzureKeyConfig).describe('Of Azure.'),
  vertex_key_config: withDeployments(VertexKeyConfig).describe('Of Vertex.'),
  bedrock_key_config: withDeployments(BedrockKeyConfig).describe('Of Bedrock.'),
  vllm_key_config: served.describe('Of vLLM.'),
  ollama_key_config: served.describe('Of Ollama.'),
  sgl_key_config: served.describe('Of SGLang.'),
  replicate_key_config: members({
    use_deployments_endpoint: flag.describe('Models are deployments.'),
  }).describe('Of Replicate.'),
}

export const ProviderKeyChange = members(keyMembers).meta({
  id: 'ProviderKeyChange',
  description: 'What is left out stays as it is; a secret as it is shown keeps what it stands for.',
})

export const NewProviderKey = members(keyMembers)
  .extend({
    id: z.string().min(1).max(255).optional().describe('Left out: one is made.'),
    name: keyMembers.name,
  })
  .meta({ id: 'NewProviderKey' })

export const NewProvider = members(providerMembers)
  .extend({ provider: providerName, keys: z.array(NewProviderKey).max(1000).optional() })
  .meta({ id: 'NewProvider' })

/** A provider of the configuration file, whose name stands before it. */
export const ProviderSection = members(providerMembers).extend({
  keys: z.array(NewProviderKey).max(1000).default([]).describe('Credentials for it.'),
})
