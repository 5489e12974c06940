import { type Failure, isFailure } from '../../domain/failure.ts'
import type { ProviderFact } from '../../tenancy/governance/facts.ts'
import { changedSettings } from '../../tenancy/governance/providers/providers.ts'
import { variableIn } from '../../tenancy/governance/routing/variables.ts'
import type { Egress } from '../../upstream/egress.ts'
import { parseOrigin } from '../../upstream/origin.ts'

/** Members of a key that name an address, by their block. */
const keyAddresses: readonly (readonly [block: string, member: string])[] = [
  ['azure_key_config', 'endpoint'],
  ['vllm_key_config', 'url'],
  ['ollama_key_config', 'url'],
  ['sgl_key_config', 'url'],
]

type Written = Readonly<Record<string, unknown>>
/** Whose an address is, as far as it says how far that may lead. */
type Owner = Pick<ProviderFact, 'settings'>

/**
 * Why an address that somebody writes for a provider cannot be: it is none, or one that calls would not be led to. A name
 * is judged by what it resolves to, whenever a connection is made. `before` is the provider as it stands, null for one
 * that is to be made: what a change leaves as it was is not judged again.
 */
export function badProviderAddress(
  egress: Egress,
  before: ProviderFact | null,
  written: Written,
): Failure | null {
  const after = { settings: changedSettings(before?.settings ?? {}, written) }
  const { base_url: baseUrl } = after.settings.network_config ?? {}
  const { network_config: stood } = before?.settings ?? {}
  const isAsItWas =
    baseUrl === stood?.base_url &&
    (before?.secrets.isBaseUrlTrusted === true ||
      after.settings.network_config?.allow_private_network === stood?.allow_private_network)
  const whole = Object.entries(pathsOf(after)).filter(
    ([kind, path]) => !path.startsWith('/') && path !== pathsOf(before)[kind],
  )
  return first([
    isAsItWas ? null : fault(egress, after, 'network_config.base_url', baseUrl),
    ...whole.map(([kind, path]) =>
      fault(egress, after, `custom_provider_config.request_path_overrides.${kind}`, path),
    ),
  ])
}

/** The same of the addresses that stand with a key. */
export function badKeyAddress(egress: Egress, provider: Owner, written: Written): Failure | null {
  return first(
    keyAddresses.map(([block, member]) => {
      const url = (written[block] as Written | null | undefined)?.[member]
      return fault(egress, provider, `${block}.${member}`, url)
    }),
  )
}

function pathsOf(provider: Owner | null): Readonly<Record<string, string>> {
  return provider?.settings.custom_provider_config?.request_path_overrides ?? {}
}

function first(faults: readonly (Failure | null)[]): Failure | null {
  return faults.find((found) => found !== null) ?? null
}

function fault(egress: Egress, owner: Owner, member: string, url: unknown): Failure | null {
  if (typeof url !== 'string' || url === '' || variableIn(url) !== null) return null
  const found = judge(egress, owner, url)
  return found === null ? null : { failure: 'invalid', message: `${member}: ${found}` }
}

function judge(egress: Egress, owner: Owner, url: string): string | null {
  const origin = parseOrigin(url)
  if (isFailure(origin)) return 'must be an http or https URL without credentials'
  if (isFailure(egress.route(origin, 'allowed'))) return 'is an address that this gateway may not reach'
  const mayBePrivate = owner.settings.network_config?.allow_private_network === true
  return mayBePrivate || !isFailure(egress.route(origin, 'public'))
    ? null
    : 'is a private address: calls need network_config.allow_private_network to be true'
}
