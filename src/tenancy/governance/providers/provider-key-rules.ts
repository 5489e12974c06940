import type { Failure } from '../../../domain/failure.ts'
import type { CustomProviderConfig, ProviderSettings } from '../facts.ts'
import { variableIn } from '../routing/variables.ts'
import { badWhitelist } from './model-lists.ts'
import type { CloudBlocks } from './providers.sql.ts'

/** Where the cloud's own credentials, or the address, may be enough. */
const valueIsOptional: ReadonlySet<string> = new Set([
  'azure',
  'bedrock',
  'bedrock_mantle',
  'vertex',
  'ollama',
  'vllm',
  'sgl',
])

/** What must be of a key as it will be stored. */
export interface KeyToJudge {
  readonly value: string | null
  readonly models: readonly string[]
  readonly blacklistedModels: readonly string[]
  readonly aliases: Readonly<Record<string, unknown>>
  readonly cloud: CloudBlocks
}

/** Judges a key of a provider, `settings` being the provider's. */
export function badProviderKey(
  provider: string,
  settings: ProviderSettings,
  key: KeyToJudge,
): Failure | null {
  return (
    badList('models', key.models) ??
    badList('blacklisted_models', key.blacklistedModels) ??
    badAliases(key.aliases) ??
    badCloud(key) ??
    badCredential(provider, settings, key)
  )
}

/** Aliases in lower case, as they are looked up; a fault where two become one, or one is blank. */
export function foldAliases(aliases: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(aliases).map(([alias, model]) => [alias.toLowerCase(), model]))
}

function badList(member: string, list: readonly string[]): Failure | null {
  const why = badWhitelist(list)
  return why === null ? null : invalid(member, why)
}

function badAliases(aliases: Readonly<Record<string, unknown>>): Failure | null {
  const seen = new Set<string>()
  for (const [alias, model] of Object.entries(aliases)) {
    const folded = alias.toLowerCase()
    if (alias.trim() === '') return invalid('aliases', 'must not be blank')
    if (seen.has(folded)) return invalid(`aliases.${alias}`, 'stands there twice, in another case')
    if (typeof model === 'string' && model.trim() === '')
      return invalid(`aliases.${alias}`, 'must not be blank')
    seen.add(folded)
  }
  return null
}

function badCloud({ cloud, value }: KeyToJudge): Failure | null {
  const { azure_key_config: azure, vertex_key_config: vertex, bedrock_key_config: bedrock } = cloud
  if (azure && isBlank(azure.endpoint)) return required('azure_key_config.endpoint')
  if (vertex && isBlank(vertex.region)) return required('vertex_key_config.region')
  if (vertex && value === null && isBlank(vertex.project_id)) return required('vertex_key_config.project_id')
  if (vertex && !isCredentials(vertex.auth_credentials))
    return invalid('vertex_key_config.auth_credentials', 'must be the JSON of credentials, with their type')
  if (bedrock && isBlank(bedrock.access_key) !== isBlank(bedrock.secret_key))
    return invalid('bedrock_key_config', 'takes access_key and secret_key together')
  for (const block of ['vllm_key_config', 'ollama_key_config', 'sgl_key_config']) {
    const served = cloud[block]
    if (served && isBlank(served.url)) return required(`${block}.url`)
  }
  return null
}

function badCredential(
  provider: string,
  { custom_provider_config: custom, network_config = {} }: ProviderSettings,
  { value, cloud }: KeyToJudge,
): Failure | null {
  if (custom?.is_key_less === true) return invalid('value', 'is not for a provider without keys')
  if (value === null && needsOwnValue(provider, custom ?? null)) return required('value')
  if (provider === 'azure' && !cloud.azure_key_config) return required('azure_key_config')
  if (provider === 'vertex' && !cloud.vertex_key_config) return required('vertex_key_config')
  const isServed = provider === 'vllm' || provider === 'ollama' || provider === 'sgl'
  if (isServed && !cloud[`${provider}_key_config`] && !network_config.base_url)
    return required(`${provider}_key_config`)
  return null
}

function needsOwnValue(provider: string, custom: CustomProviderConfig | null): boolean {
  return custom === null ? !valueIsOptional.has(provider) : custom.base_provider_type !== 'bedrock'
}

function isCredentials(text: unknown): boolean {
  if (text === undefined || typeof text !== 'string' || variableIn(text) !== null) return true
  try {
    const parsed: unknown = JSON.parse(text)
    return (
      typeof parsed === 'object' && parsed !== null && typeof (parsed as { type?: unknown }).type === 'string'
    )
  } catch {
    return false
  }
}

function isBlank(text: unknown): boolean {
  return typeof text !== 'string' || text.trim() === ''
}

function required(member: string): Failure {
  return invalid(member, 'is required')
}

function invalid(member: string, message: string): Failure {
  return { failure: 'invalid', message: `${member}: ${message}` }
}
