import type { EpochMs } from '../../domain/time.ts'
import { type MovingAverage, newMovingAverage } from '../../limits/estimate.ts'
import type { Plan } from '../../limits/plan.ts'
import { configLists, type GovernedCall, governancePlan, ownersOf, type TimedPlan } from './plan.ts'
import type { GovernanceWorld } from './world.ts'

/** What is kept for one virtual key, provider and model. */
export interface GovernancePlanEntry {
  readonly plan: Plan
  /** Length of the key's answers by this model. Outlives the plan. */
  readonly average: MovingAverage
}

export interface GovernancePlanCache {
  /** The plan of a call as `world` has it at this instant. Some lookups when nothing that it rests on has changed. */
  find(world: GovernanceWorld, call: GovernedCall, now: EpochMs): GovernancePlanEntry
  readonly size: number
}

interface Kept extends GovernancePlanEntry, TimedPlan {
  /** The facts that the plan was made of. They are never changed, only replaced. */
  readonly facts: readonly unknown[]
}

/** A caller may name any model: what is longer than any real name is not worth remembering. */
const longestModel = 512

/** Keeps up to `bound` plans; those that came first are dropped first, and made again when they are asked for. */
export function openGovernancePlanCache(bound: number): GovernancePlanCache {
  const kept = new Map<string, Kept>()

  return {
    get size() {
      return kept.size
    },
    find(world, call, now) {
      const place = placeOf(call)
      const known = kept.get(place)
      const facts = factsOf(world, call)
      if (known !== undefined && now < known.validUntil && areSame(known.facts, facts)) return known
      const average = known?.average ?? newMovingAverage()
      const entry: Kept = { ...governancePlan(world, call, now), facts, average }
      if (call.model.length > longestModel) return entry
      if (known === undefined && kept.size >= bound) dropFirst(kept)
      kept.set(place, entry)
      return entry
    },
  }
}

/** No text has two readings: the lengths of the first two say where each ends. */
function placeOf({ virtualKey, provider, model }: GovernedCall): string {
  const id = virtualKey?.id ?? ''
  return `${id.length}:${provider.length}:${id}${provider}${model}`
}

function factsOf(world: GovernanceWorld, call: GovernedCall): readonly unknown[] {
  const { virtualKey, provider } = call
  const lists = configLists(world, call)
  const limits = world.providerLimits(provider)
  if (virtualKey === null) return [limits, ...lists]
  const { team, customer } = ownersOf(world, virtualKey)
  return [virtualKey, team, customer, limits, ...lists]
}

function areSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((fact, index) => fact === others[index])
}

function dropFirst(kept: Map<string, Kept>): void {
  for (const place of kept.keys()) {
    kept.delete(place)
    return
  }
}
