import type { Catalog } from '../../catalog/catalog.ts'
import type { ProviderFact, ProviderKeyFact } from '../../tenancy/governance/facts.ts'

/** A model that keys can be used for. */
export interface KnownModel {
  readonly name: string
  readonly provider: string
  /** `key_id`s. */
  readonly keys: readonly string[]
}

/** What is looked for. */
export interface ModelQuery {
  readonly query: string
  readonly provider: string
  readonly keys: readonly string[]
  /** Takes in what keys leave out, and keys that cannot be used. */
  readonly unfiltered: boolean
}

/**
 * The models of providers: what their keys name, and what the catalogue knows of a provider's, which keys for all
 * models can be used for. By provider, then name.
 */
export function knownModels(
  providers: readonly ProviderFact[],
  catalog: Pick<Catalog, 'modelsOf'>,
  { query, provider: only, keys: wanted, unfiltered }: ModelQuery,
): readonly KnownModel[] {
  return providers
    .filter(({ name }) => only === '' || name === only)
    .flatMap((provider) => {
      const keys = provider.keys.filter(({ keyId }) => wanted.length === 0 || wanted.includes(keyId))
      const usable = keys.filter(({ enabled }) => enabled || unfiltered)
      const names = new Set([...catalog.modelsOf(provider.name), ...usable.flatMap(namedBy)])
      return [...names]
        .filter((name) => name.toLowerCase().includes(query.toLowerCase()))
        .sort()
        .map((name) => ({
          name,
          provider: provider.name,
          keys: usable.filter((key) => mayUse(key, name)).map(({ keyId }) => keyId),
        }))
        .filter((model) => model.keys.length > 0 || (unfiltered && wanted.length === 0))
    })
}

function namedBy({ models, aliases }: ProviderKeyFact): readonly string[] {
  return [...models.filter((model) => model !== '*'), ...Object.keys(aliases)]
}

function mayUse({ models, blacklistedModels, aliases }: ProviderKeyFact, name: string): boolean {
  const folded = name.toLowerCase()
  const holds = (list: readonly string[]) =>
    list.includes('*') || list.some((model) => model.toLowerCase() === folded)
  return !holds(blacklistedModels) && (holds(models) || aliases[folded] !== undefined)
}
