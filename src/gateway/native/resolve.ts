import type { Catalog } from '../../catalog/catalog.ts'
import { isKnownProvider } from '../../providers/table.ts'
import type { ProviderFact } from '../../tenancy/governance/facts.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import { aliasOf, listsModel } from './model-lists.ts'

/** What a caller asks for; `provider` is null where that is left to us. */
export interface AskedModel {
  readonly provider: string | null
  readonly model: string
}

/** Takes the provider off a model's name: what stands before the first slash, if that is a provider. */
export function splitModel(text: string, world: GovernanceWorld): AskedModel {
  const slash = text.indexOf('/')
  const left = slash < 0 ? '' : text.slice(0, slash)
  const isProvider = left !== '' && (isKnownProvider(left) || world.provider(left) !== null)
  return isProvider ? { provider: left, model: text.slice(slash + 1) } : { provider: null, model: text }
}

/** What a provider calls a model that was asked for without naming a provider. */
export function nameAt(provider: string, model: string, catalog: Catalog): string {
  return catalog.nameAt(provider, model) ?? model
}

/** The configured providers that are known to serve a bare name: by an alias or a list of their keys, else by catalogue. */
export function providersOf(model: string, world: GovernanceWorld, catalog: Catalog): readonly string[] {
  const byKeys = world.providers.filter((provider) => namesModel(provider, model)).map(({ name }) => name)
  const byCatalog = catalog.providersOf(model).filter((name) => world.provider(name) !== null)
  return [...new Set([...byKeys, ...byCatalog])]
}

function namesModel({ keys }: ProviderFact, model: string): boolean {
  return keys.some(
    (key) => key.enabled && (aliasOf(key, model) !== null || listsModel(key.models, key.provider, model)),
  )
}
