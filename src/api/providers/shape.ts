import type { z } from 'zod'
import { toRfc3339 } from '../../domain/time.ts'
import type { ProviderFact, ProviderKeyFact } from '../../tenancy/governance/facts.ts'
import { cloudSecrets } from '../../tenancy/governance/providers/provider-keys.ts'
import { redact } from '../../tenancy/governance/providers/redaction.ts'
import type { Secret } from '../../tenancy/sealing/secret.ts'
import type { KeyOfProvider, Provider, ProviderKey, ShownText } from './schemas.ts'

type Held = Secret | 'sealed' | null

/** A secret in part, and the variable that it was taken from. */
function toShown(held: Held, envVar: string): z.input<typeof ShownText> {
  const text = held === null || held === 'sealed' ? '' : held.reveal()
  return {
    value: redact(text),
    env_var: envVar === '' ? '' : `env.${envVar}`,
    from_env: envVar !== '',
  }
}

export function toProvider(provider: ProviderFact): z.input<typeof Provider> {
  const { settings, secrets } = provider
  const { network_config, concurrency_and_buffer_size, proxy_config, ...others } = settings
  const { send_back_raw_request, send_back_raw_response, store_raw_request_response, ...rest } = others
  const isDown = provider.keys.length > 0 && provider.keys.every(({ enabled }) => !enabled)
  return {
    id: provider.id,
    name: provider.name,
    network_config: { ...networkDefaults, ...network_config, ...headersOf(provider) },
    concurrency_and_buffer_size: concurrency_and_buffer_size ?? { concurrency: 1000, buffer_size: 5000 },
    proxy_config: {
      type: 'none',
      ...proxy_config,
      ...(secrets.proxyPassword === null
        ? {}
        : { password: writable(secrets.proxyPassword, secrets.envVars.proxy_password) }),
    },
    send_back_raw_request: send_back_raw_request ?? false,
    send_back_raw_response: send_back_raw_response ?? false,
    store_raw_request_response: store_raw_request_response ?? false,
    ...(rest as object),
    custom_provider_config: settings.custom_provider_config ?? null,
    metadata: (settings.metadata as Record<string, string> | undefined) ?? {},
    tags: (settings.tags as string[] | undefined) ?? [],
    provider_status: isDown ? 'error' : 'active',
    config_hash: provider.configHash,
    created_at: toRfc3339(provider.createdAt),
    updated_at: toRfc3339(provider.updatedAt),
  }
}

const networkDefaults = {
  default_request_timeout_in_seconds: 30,
  connect_timeout_in_seconds: 10,
  first_token_timeout_in_seconds: 0,
  stream_idle_timeout_in_seconds: 60,
  max_retries: 0,
  retry_backoff_initial: 500,
  retry_backoff_max: 5000,
  insecure_skip_verify: false,
  allow_private_network: false,
  max_conns_per_host: 5000,
  keep_alive_timeout_in_seconds: 30,
  enforce_http2: false,
}

function headersOf({ secrets }: ProviderFact): { readonly extra_headers?: Record<string, string> } {
  const entries = Object.entries(secrets.extraHeaders)
  if (entries.length === 0) return {}
  const shown = entries.map(([name, held]) => [
    name,
    writable(held, secrets.envVars[`extra_headers.${name}`]),
  ])
  return { extra_headers: Object.fromEntries(shown) }
}

/** Where the wire has a mere text: what may be written back. */
function writable(held: Secret | 'sealed', envVar: string | undefined): string {
  if (envVar !== undefined) return `env.${envVar}`
  return held === 'sealed' ? '' : redact(held.reveal())
}

export function toProviderKey(key: ProviderKeyFact): z.input<typeof ProviderKey> {
  return {
    id: key.keyId,
    name: key.name,
    value: toShown(key.value, key.envVar),
    models: [...key.models],
    blacklisted_models: [...key.blacklistedModels],
    weight: key.weight,
    aliases: { ...key.aliases },
    enabled: key.enabled,
    use_for_batch_api: key.useForBatchApi,
    description: key.description,
    status: key.status,
    ...blocksOf(key),
    config_hash: key.configHash,
    created_at: toRfc3339(key.createdAt),
    updated_at: toRfc3339(key.updatedAt),
  }
}

export function toKeyOfProvider(key: ProviderKeyFact, provider: ProviderFact): z.input<typeof KeyOfProvider> {
  return {
    ...toProviderKey(key),
    key_id: key.keyId,
    provider: provider.name,
    provider_id: provider.id,
  }
}

/** Texts as they are told, with their variables; secrets among them in part. */
function blocksOf({ cloud, cloudEnvVars }: ProviderKeyFact): Record<string, Record<string, unknown>> {
  if (cloud === null || cloud === 'sealed') return {}
  const blocks = JSON.parse(cloud.reveal()) as Record<string, Record<string, unknown>>
  return Object.fromEntries(
    Object.entries(blocks).map(([name, members]) => [
      name,
      Object.fromEntries(
        Object.entries(members).map(([member, value]) => {
          if (typeof value !== 'string' || member === 'model_name') return [member, value]
          const envVar = cloudEnvVars[`${name}.${member}`]
          const isSecret = cloudSecrets[name]?.includes(member) ?? false
          return [
            member,
            {
              value: isSecret ? redact(value) : value,
              env_var: envVar === undefined ? '' : `env.${envVar}`,
              from_env: envVar !== undefined,
            },
          ]
        }),
      ),
    ]),
  )
}
