import { addressOf } from '../dialects/openai-native/address.ts'
import type { NativeOperation } from '../dialects/openai-native/operation.ts'
import { knownProvider, type ProviderDefinition } from './table.ts'

/** A provider as an operator configured it, as far as its addresses depend on that. */
export interface ConfiguredProvider {
  readonly name: string
  readonly settings: {
    readonly network_config?: { readonly base_url?: string }
    readonly custom_provider_config?: {
      readonly base_provider_type: string
      readonly is_key_less?: boolean
      readonly allowed_requests?: Readonly<Record<string, boolean>>
      readonly request_path_overrides?: Readonly<Record<string, string>>
    } | null
  }
}

/** Why a provider cannot be asked for something. */
export interface NoEndpoint {
  readonly problem: 'unsupported' | 'unaddressed'
}

/** What a provider is, built in or by the one that it is modelled on. */
export function definitionOf({ name, settings }: ConfiguredProvider): ProviderDefinition | null {
  const known = knownProvider(name)
  if (known !== null) return known
  const model = knownProvider(settings.custom_provider_config?.base_provider_type ?? 'openai')
  if (model === null) return null
  // Another's service at another's address: that of the model would be wrong, and so might be what it cannot do.
  return { ...model, id: name, baseUrl: null, keyAddress: null, paths: {} }
}

/** Whether it is served without any key of its own. */
export function isKeyless({ settings }: ConfiguredProvider): boolean {
  return settings.custom_provider_config?.is_key_less === true
}

/** Whether a provider may be asked for an operation: whether it can do it, and nobody has forbidden it. */
export function serves(provider: ConfiguredProvider, operation: NativeOperation, isStream: boolean): boolean {
  const definition = definitionOf(provider)
  if (definition === null || !definition.requestTypes.includes(operation)) return false
  const allowed = provider.settings.custom_provider_config?.allowed_requests
  return allowed === undefined || allowed[isStream ? `${operation}_stream` : operation] === true
}

/**
 * Where a provider takes an operation. `keyAddress` is the address that goes with the key; one of the provider's own
 * stands before it, and both before the usual one.
 */
export function endpointOf(
  provider: ConfiguredProvider,
  operation: NativeOperation,
  keyAddress: string | null,
): URL | NoEndpoint {
  const definition = definitionOf(provider)
  if (definition === null) return { problem: 'unsupported' }
  const { network_config: network, custom_provider_config: custom } = provider.settings
  const own = network?.base_url === undefined || network.base_url === '' ? keyAddress : network.base_url
  const base = own ?? definition.baseUrl
  const override = custom?.request_path_overrides?.[operation] ?? definition.paths[operation] ?? null
  if (base === null) {
    const whole = override !== null && URL.canParse(override) ? new URL(override) : null
    return whole ?? { problem: 'unaddressed' }
  }
  const suffix = own === null ? '' : (definition.keyAddress?.suffix ?? '')
  return addressOf(base.replace(/\/+$/, '') + suffix, operation, override) ?? { problem: 'unaddressed' }
}
