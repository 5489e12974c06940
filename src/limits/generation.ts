import { add, isZero, type Quantity, zero } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Charge } from './plan.ts'

/** How a counter came to its generation: every one but the first, which is 0, begins with a change of its window. */
export interface GenerationChange {
  readonly counter: string
  readonly generation: number
  /** Its first period, which may have begun before the change. */
  readonly startsAt: EpochMs
  readonly endsAt: EpochMs
  readonly changedAt: EpochMs
  /** What the period that the change found had used counts in the first period, too. */
  readonly keepsUsage: boolean
}

/**
 * What a counter's newest generation took over from those before, as a charge to its first period; null where that is
 * over, or nothing was taken over.
 *
 * `changes` are the counter's, oldest first. Of `charges`, adjustments included and in any order, only those of older
 * generations matter: a charge that is stored late is counted where it belongs, whatever has changed meanwhile.
 */
export function carriedUsage(
  changes: readonly GenerationChange[],
  charges: readonly Charge[],
  now: EpochMs,
): Charge | null {
  const newest = changes.at(-1)
  if (newest === undefined || newest.endsAt <= now) return null
  let amount = zero
  for (let index = changes.length - 1; index >= 0; index -= 1) {
    const change = changes[index]
    if (change === undefined || !change.keepsUsage) break
    amount = add(amount, usedAt(charges, change.generation - 1, change.changedAt))
    if (!beganAs(changes[index - 1], change)) break
  }
  const { counter, generation, startsAt, endsAt } = newest
  return isZero(amount) ? null : { counter, generation, startsAt, endsAt, amount }
}

/** What was charged to a generation in the period that holds an instant. */
function usedAt(charges: readonly Charge[], generation: number, at: EpochMs): Quantity {
  return charges
    .filter((charge) => charge.generation === generation && isIn(charge, at))
    .reduce((sum, { amount }) => add(sum, amount), zero)
}

/** Whether a change found the generation before it in its first period, and with it what that had taken over. */
function beganAs(before: GenerationChange | undefined, change: GenerationChange): boolean {
  return before?.generation === change.generation - 1 && isIn(before, change.changedAt)
}

function isIn({ startsAt, endsAt }: Pick<Charge, 'startsAt' | 'endsAt'>, at: EpochMs): boolean {
  return endsAt !== null && startsAt <= at && at < endsAt
}
