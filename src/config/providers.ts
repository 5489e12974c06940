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
  default_request_timeout_in_seconds: seconds(1, 86_400),
  connect_timeout_in_seconds: seconds(1, 86_400),
  first_token_timeout_in_seconds: seconds(0, 86_400),
  stream_idle_timeout_in_seconds: seconds(1, 86_400),
  max_retries: z.int().min(0).max(100),
  retry_backoff_initial: wait,
  retry_backoff_max: wait,
  max_retry_after_in_seconds: seconds(0, 86_400),
  insecure_skip_verify: flag.describe('Excludes `ca_cert_pem`.'),
  ca_cert_pem: emptyIsNull(z.string().max(1_000_000)),
  allow_private_network: flag.describe('Counts only for networks that `network.allow_private` names.'),
  max_conns_per_host: z.int().min(1).max(10_000),
  keep_alive_timeout_in_seconds: seconds(1, 3600),
  enforce_http2: flag,
  beta_header_overrides: z.record(z.string(), flag),
  stream_throughput_guard: z.object({
    minimum_output_characters_per_second: z.number().min(1).max(100_000),
    probe_window_in_seconds: z.number().min(1).max(60).default(5),
  }),
}).meta({ id: 'NetworkConfig' })

const ProxyConfig = members({
  type: z.enum(['none', 'http', 'socks5', 'environment']),
  url: emptyIsNull(z.string().max(2048)),
  username: emptyIsNull(z.string().max(1024)),
  password: emptyIsNull(z.string().max(8192)),
  ca_cert_pem: emptyIsNull(z.string().max(1_000_000)),
}).meta({ id: 'ProxyConfig' })

const CustomProviderConfig = z
  .looseObject({
    base_provider_type: z.enum([
      'openai',
      'anthropic',
      'bedrock',
      'cohere',
      'gemini',
      'huggingface',
      'replicate',
    ]),
    is_key_less: flag.optional(),
    allowed_requests: z
      .record(z.string().max(64), flag)
      .nullable()
      .optional()
      .describe('By kind of request. Left out: everything; otherwise what is true, and nothing else.'),
    request_path_overrides: z.record(z.string().max(64), z.string().min(1).max(2048)).optional(),
    does_not_send_done_marker: flag.optional(),
    wait_for_usage: flag.optional(),
  })
  .meta({ id: 'CustomProviderConfig' })

const label = z.string().max(1024)

const providerMembers = {
  network_config: NetworkConfig,
  concurrency_and_buffer_size: z
    .object({ concurrency: z.int().min(1).max(1_000_000), buffer_size: z.int().min(1).max(10_000_000) })
    .meta({ id: 'ConcurrencyAndBufferSize' }),
  proxy_config: ProxyConfig,
  send_back_raw_request: flag,
  send_back_raw_response: flag,
  store_raw_request_response: flag,
  custom_provider_config: CustomProviderConfig,
  provider_request_id: z.object({ enabled: flag, header_name: headerName.optional() }),
  prompt_cache: z.looseObject({
    auto_inject: flag.optional(),
    ttl: z.enum(['5m', '1h']).optional(),
    cache_control_injection_points: z.array(z.unknown()).optional(),
  }),
  metadata: z
    .record(z.string().min(1).max(255), label)
    .refine((pairs) => Object.keys(pairs).length <= 50, 'must have at most 50 pairs'),
  tags: z.array(z.string().min(1).max(255)).max(50),
}

export const ProviderChange = members(providerMembers).meta({
  id: 'ProviderChange',
  description: 'What is left out stays as it is, in sections too; null brings the default back.',
})

const providerName = z
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
  endpoint: EnvText,
  api_version: EnvText,
  client_id: EnvText,
  client_secret: EnvText,
  tenant_id: EnvText,
  scopes: texts(50),
}).meta({ id: 'AzureKeyConfig' })

const VertexKeyConfig = members({
  project_id: EnvText,
  project_number: EnvText,
  region: EnvText,
  auth_credentials: EnvText,
  force_single_region: flag,
}).meta({ id: 'VertexKeyConfig' })

const BedrockKeyConfig = members({
  access_key: EnvText,
  secret_key: EnvText,
  session_token: EnvText,
  region: EnvText,
  arn: EnvText,
  role_arn: EnvText,
  external_id: EnvText,
  session_name: EnvText,
  project_id: EnvText,
  batch_s3_config: z.looseObject({}),
  use_openai_endpoints: flag,
}).meta({ id: 'BedrockKeyConfig' })

const served = members({ url: EnvText, model_name: z.string().max(255) })

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
  schema.extend({ deployments: z.record(z.string(), z.string()).nullable().optional() })

const keyMembers = {
  name,
  value: EnvText,
  models: texts(10_000),
  blacklisted_models: texts(10_000),
  weight: z.number().min(0).max(1_000_000),
  aliases: z.record(z.string(), alias),
  enabled: flag,
  use_for_batch_api: flag,
  description: z.string().max(1024),
  azure_key_config: withDeployments(AzureKeyConfig),
  vertex_key_config: withDeployments(VertexKeyConfig),
  bedrock_key_config: withDeployments(BedrockKeyConfig),
  vllm_key_config: served,
  ollama_key_config: served,
  sgl_key_config: served,
  replicate_key_config: members({ use_deployments_endpoint: flag }),
}

export const ProviderKeyChange = members(keyMembers).meta({
  id: 'ProviderKeyChange',
  description: 'What is left out stays as it is; a secret as it is shown keeps what it stands for.',
})

export const NewProviderKey = members(keyMembers)
  .extend({ id: z.string().min(1).max(255).optional(), name })
  .meta({ id: 'NewProviderKey' })

export const NewProvider = members(providerMembers)
  .extend({ provider: providerName, keys: z.array(NewProviderKey).max(1000).optional() })
  .meta({ id: 'NewProvider' })
