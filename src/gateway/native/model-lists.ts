import type { ProviderKeyFact } from '../../tenancy/governance/facts.ts'

// Lists of models, as provider configs and keys have them: names in any case, with or without the provider in front.

/** Whether a list names a model. */
export function listsModel(list: readonly string[], provider: string, model: string): boolean {
  const name = model.toLowerCase()
  const full = `${provider.toLowerCase()}/${name}`
  return list.some((entry) => {
    const listed = entry.toLowerCase()
    return listed === name || listed === full
  })
}

/** Whether a list names a model, or all by `*`. */
export function allowsModel(list: readonly string[], provider: string, model: string): boolean {
  return list.includes('*') || listsModel(list, provider, model)
}

/** What a key calls the model that callers name so; null without an alias. */
export function aliasOf({ aliases }: ProviderKeyFact, model: string): string | null {
  const alias = Object.hasOwn(aliases, model.toLowerCase()) ? aliases[model.toLowerCase()] : undefined
  if (alias === undefined) return null
  if (typeof alias === 'string') return alias
  return typeof alias.model_id === 'string' ? alias.model_id : null
}

/** Whether a key may be used for a model: under the name that was asked for, or the one that its alias stands for. */
export function keyAllows(key: ProviderKeyFact, model: string): boolean {
  const { provider, models, blacklistedModels } = key
  const alias = aliasOf(key, model)
  const names = alias === null ? [model] : [model, alias]
  if (names.some((name) => allowsModel(blacklistedModels, provider, name))) return false
  return names.some((name) => allowsModel(models, provider, name))
}
