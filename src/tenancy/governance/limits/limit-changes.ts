import type { EpochMs } from '../../../domain/time.ts'
import type { MemoryCounters } from '../../../limits/memory.ts'
import type { Charge, PlanRow } from '../../../limits/plan.ts'
import type { OwnedLimits, VirtualKeyFact } from '../facts.ts'
import type { GovernanceChanges, GovernanceWorld } from '../world.ts'
import { limitRows } from './limit-rows.ts'

/** What writes, of whatever instance, mean for those who count. */
export interface LimitChanges {
  /** Names of counters whose limit is gone. */
  readonly gone: readonly string[]
  /** In the order in which they are to be done, after what is gone. */
  readonly steps: readonly LimitStep[]
}

export type LimitStep =
  /** A counter goes on in another generation; what it has counted counts on, or does not. */
  | {
      readonly step: 'rebase'
      readonly before: PlanRow
      readonly after: PlanRow
      readonly keepsUsage: boolean
      /** When it was changed: what the period of that instant had used is what goes on, whenever this is heard of. */
      readonly changedAt: EpochMs
    }
  /** An operator adds to what a counter has counted in one period. */
  | { readonly step: 'adjust'; readonly adjustment: Charge }

/** Compares what was with what is. Costs what has changed. */
export function limitChanges(
  before: GovernanceWorld,
  changes: GovernanceChanges,
  now: EpochMs,
): LimitChanges {
  const { tables } = before
  const old = new Map<string, PlanRow>()
  const next = new Map<string, Counted>()
  const compare = <Fact>(
    changed: ReadonlyMap<string, Fact | null>,
    known: { get(id: string): Fact | undefined },
    limitsOf: (fact: Fact) => readonly OwnedLimits[],
  ) => {
    for (const [id, fact] of changed) {
      const was = known.get(id)
      if (was === undefined) continue
      for (const limits of limitsOf(was)) {
        for (const row of limitRows(limits, now)) old.set(row.counter, row)
      }
      for (const limits of fact === null ? [] : limitsOf(fact)) {
        for (const counted of countedIn(limits, now)) next.set(counted.row.counter, counted)
      }
    }
  }
  compare(changes.customers, tables.customers, own)
  compare(changes.teams, tables.teams, own)
  compare(changes.virtualKeys, tables.virtualKeys, ofKey)
  compare(changes.modelConfigs, tables.modelConfigs, own)
  compare(changes.providerLimits, tables.providerLimits, own)

  const rebased = [...next.values()].flatMap(({ row, keptSince, changedAt }) => {
    const was = old.get(row.counter)
    if (was === undefined || was.generation === row.generation) return []
    const keepsUsage = keptSince <= was.generation
    return [{ step: 'rebase', before: was, after: row, keepsUsage, changedAt } as const]
  })
  const isEarlier = ({ counter, generation }: Charge) =>
    generation < (next.get(counter)?.row.generation ?? generation)
  const adjusted = changes.adjustments.map((adjustment) => ({ step: 'adjust', adjustment }) as const)
  return {
    gone: [...old.keys()].filter((counter) => !next.has(counter)),
    steps: [
      ...adjusted.filter(({ adjustment }) => isEarlier(adjustment)),
      ...rebased,
      ...adjusted.filter(({ adjustment }) => !isEarlier(adjustment)),
    ],
  }
}

/** Has counters in memory follow what became of their limits. */
export function followLimits(
  counters: Pick<MemoryCounters, 'forget' | 'rebase' | 'adjust'>,
  { gone, steps }: LimitChanges,
): void {
  counters.forget(gone)
  for (const it of steps) {
    if (it.step === 'rebase') counters.rebase(it.before, it.after, it.keepsUsage, it.changedAt)
    else counters.adjust(it.adjustment)
  }
}

/** A row, and the earliest generation whose usage still counts for it. */
interface Counted {
  readonly row: PlanRow
  readonly keptSince: number
  readonly changedAt: EpochMs
}

function countedIn(limits: OwnedLimits, now: EpochMs): Counted[] {
  const { budgets, rateLimit } = limits
  const rateChangedAt = rateLimit?.updatedAt ?? now
  const counted = [
    ...budgets.map(({ keptSince, updatedAt }) => ({ keptSince, changedAt: updatedAt })),
    ...[rateLimit?.tokens ?? null, rateLimit?.requests ?? null]
      .filter((half) => half !== null)
      .map(({ keptSince }) => ({ keptSince, changedAt: rateChangedAt })),
  ]
  return limitRows(limits, now).map((row, at) => ({
    row,
    ...(counted[at] ?? { keptSince: 0, changedAt: now }),
  }))
}

function own(fact: OwnedLimits): readonly OwnedLimits[] {
  return [fact]
}

function ofKey(key: VirtualKeyFact): readonly OwnedLimits[] {
  return [key, ...key.providerConfigs]
}
