import { z } from 'zod'
import { timestamp } from '../text.ts'

const anything = z.looseObject({})

/** How a secret, or what may be one, is shown. */
export const ShownText = z
  .object({
    value: z.string().describe('A secret only in part: `sk-a****xyz`.'),
    env_var: z.string().describe('`env.NAME` where it is taken from the environment, else empty.'),
    from_env: z.boolean(),
  })
  .meta({ id: 'ShownText' })

export const Provider = z
  .object({
    id: z.int(),
    name: z.string(),
    network_config: anything,
    concurrency_and_buffer_size: z.object({ concurrency: z.int(), buffer_size: z.int() }),
    proxy_config: anything,
    send_back_raw_request: z.boolean(),
    send_back_raw_response: z.boolean(),
    store_raw_request_response: z.boolean(),
    custom_provider_config: anything.nullable(),
    provider_request_id: anything.optional(),
    prompt_cache: anything.optional(),
    metadata: z.record(z.string(), z.string()),
    tags: z.array(z.string()),
    provider_status: z.string().describe('`active`, or `error` where it has keys and none can be used.'),
    config_hash: z.string().nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Provider' })

const block = z.looseObject({}).optional()

export const ProviderKey = z
  .object({
    id: z.string(),
    name: z.string(),
    value: ShownText,
    models: z.array(z.string()),
    blacklisted_models: z.array(z.string()),
    weight: z.number(),
    aliases: z.record(z.string(), z.unknown()),
    enabled: z.boolean().describe('False too where it cannot be used; `status` says why.'),
    use_for_batch_api: z.boolean(),
    description: z.string(),
    status: z.string().describe('Why it cannot be used; empty where nothing is wrong.'),
    azure_key_config: block,
    vertex_key_config: block,
    bedrock_key_config: block,
    vllm_key_config: block,
    ollama_key_config: block,
    sgl_key_config: block,
    replicate_key_config: block,
    config_hash: z.string().nullable(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'ProviderKey' })

export const KeyOfProvider = ProviderKey.extend({
  key_id: z.string(),
  provider: z.string(),
  provider_id: z.int(),
}).meta({ id: 'KeyOfProvider' })
