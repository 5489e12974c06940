import type { ProviderConfigFact, ProviderFact, VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import { allowsModel, keyAllows, listsModel } from './model-lists.ts'
import { type Problem, refused } from './problem.ts'

/**
 * Whether a virtual key may use a provider's model, by the name that the caller sent; null if it may. A list that
 * allows everything allows no more than the provider's keys can serve.
 */
export function permissionProblem(
  virtualKey: VirtualKeyFact,
  provider: string,
  askedModel: string,
  configured: ProviderFact | null,
): Problem | null {
  const config = configOf(virtualKey, provider)
  if (config === null) return providerBlocked(provider)
  return mayUse(config, askedModel, configured) ? null : modelBlocked(askedModel)
}

export function configOf(virtualKey: VirtualKeyFact, provider: string): ProviderConfigFact | null {
  return virtualKey.providerConfigs.find((config) => config.provider === provider) ?? null
}

export function providerBlocked(provider: string): Problem {
  const message = `Provider '${provider}' is not allowed for this virtual key`
  return refused(403, 'provider_blocked', message, 'policy_provider_blocked', false)
}

export function modelBlocked(model: string): Problem {
  const message = `Model '${model}' is not allowed for this virtual key`
  return refused(403, 'model_blocked', message, 'policy_model_blocked', false)
}

export function mayUse(
  { provider, allowedModels, blacklistedModels }: ProviderConfigFact,
  model: string,
  configured: ProviderFact | null,
): boolean {
  if (allowsModel(blacklistedModels, provider, model)) return false
  if (!allowedModels.includes('*')) return listsModel(allowedModels, provider, model)
  const keys = configured?.keys.filter(({ enabled }) => enabled) ?? []
  return keys.length === 0 || keys.some((key) => keyAllows(key, model))
}
