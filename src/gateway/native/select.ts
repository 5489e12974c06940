import type { ProviderConfigFact } from '../../tenancy/governance/facts.ts'
import { pickByWeight } from './keys.ts'

/** A permission that may be used for a call now. */
export interface Candidate {
  readonly config: ProviderConfigFact
  /** Its provider is known to serve the model. */
  readonly isKnown: boolean
}

/**
 * The order in which the providers of a virtual key are tried for a model that names none: one by weight, then the
 * others, heaviest first, those of no weight last. Where none has a weight, those that are known to serve the model, in
 * the order of the key.
 */
export function orderByWeight(
  candidates: readonly Candidate[],
  random: () => number,
): readonly ProviderConfigFact[] {
  const weighted = candidates.map(({ config }) => config).filter(({ weight }) => weight !== null)
  const heavy = weighted.filter(({ weight }) => (weight ?? 0) > 0)
  const first = pickByWeight(heavy, ({ weight }) => weight ?? 0, random)
  if (first === null) {
    const unweighted = candidates.filter(({ config, isKnown }) => config.weight === null && isKnown)
    return [...unweighted.map(({ config }) => config), ...weighted]
  }
  const others = heavy
    .filter((config) => config !== first)
    .sort((left, right) => (right.weight ?? 0) - (left.weight ?? 0))
  return [first, ...others, ...weighted.filter(({ weight }) => weight === 0)]
}
