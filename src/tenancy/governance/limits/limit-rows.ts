import { add, type Quantity } from '../../../domain/quantity.ts'
import type { EpochMs } from '../../../domain/time.ts'
import { parseResetDuration, windowOf } from '../../../limits/duration.ts'
import type { Metric, PlanRow, Subject } from '../../../limits/plan.ts'
import { type PeriodWindow, periodOf } from '../../../limits/window.ts'
import type { BudgetFact, OwnedLimits, RateHalf, RateLimitFact } from '../facts.ts'

// Budgets and rate limits as the rows that are judged, charged and read. Money, tokens and requests belong to the period
// in which a call ends.

/** Whose limit it is, as a refusal says it; null where a row is only read. */
export type Holder = Omit<Subject, 'limitId'> | null

/** Of a rate limit. */
export type Half = 'tokens' | 'requests'

const metrics = { tokens: 'token', requests: 'request' } as const satisfies Record<Half, Metric>

export const halves = ['tokens', 'requests'] as const satisfies readonly Half[]

/** The row of a budget, whose ceiling is that of an instant: an override ends with a window. */
export function budgetRow(budget: BudgetFact, now: EpochMs, holder: Holder = null): PlanRow {
  return {
    counter: budgetCounter(budget.id),
    generation: budget.generation,
    metric: 'cost',
    ceiling: ceilingOf(budget, now),
    window: windowOfLimit(budget),
    unit: budget.resetDuration,
    strict: budget.strict,
    refundsFailed: true,
    chargedAt: 'completion',
    subject: subjectOf(holder, budget.id),
  }
}

/** The rows of a rate limit: tokens, then requests; those that it has. */
export function rateRows(rateLimit: RateLimitFact, holder: Holder = null): readonly PlanRow[] {
  return halves.flatMap((half) => rateRow(rateLimit, half, holder) ?? [])
}

/** One of them; null where the rate limit does not have it. */
function rateRow(rateLimit: RateLimitFact, half: Half, holder: Holder = null): PlanRow | null {
  const { id, calendarAligned, strict } = rateLimit
  const limit = rateLimit[half]
  if (limit === null) return null
  return {
    counter: rateCounter(id, half),
    generation: limit.generation,
    metric: metrics[half],
    ceiling: { whole: limit.max, pico: 0 },
    window: windowOfLimit({ ...limit, calendarAligned }),
    unit: limit.resetDuration,
    strict,
    refundsFailed: true,
    chargedAt: 'completion',
    subject: subjectOf(holder, id),
  }
}

/** All rows of an owner: budgets, then rate limit. */
export function limitRows({ budgets, rateLimit }: OwnedLimits, now: EpochMs): readonly PlanRow[] {
  return [
    ...budgets.map((budget) => budgetRow(budget, now)),
    ...(rateLimit === null ? [] : rateRows(rateLimit)),
  ]
}

/** The name of what a budget counts: it stays through every change of the budget. */
export function budgetCounter(id: string): string {
  return `budget:${id}`
}

export function rateCounter(id: string, half: Half): string {
  return `rate:${id}:${metrics[half]}`
}

/** Since when, and how, a limit counts. */
type Counted = Pick<RateHalf, 'resetDuration' | 'startsAt'> & { readonly calendarAligned: boolean }

/** The window of a limit as it is stored. */
export function windowOfLimit({ resetDuration, calendarAligned, startsAt }: Counted): PeriodWindow {
  const duration = parseResetDuration(resetDuration)
  const window = duration && windowOf(duration, calendarAligned, startsAt)
  if (window === null || 'fault' in window || window.kind === 'rolling') {
    throw new Error(`A limit is stored with a duration that is none: ${resetDuration}`)
  }
  return window
}

/** What a budget allows in the window that an instant lies in. */
export function ceilingOf(budget: BudgetFact, now: EpochMs): Quantity {
  const raised = raiseOf(budget, now)
  return raised === null ? budget.maxLimit : add(budget.maxLimit, raised.amount)
}

/** What raises a budget now, and for how many windows still, this one included; null: for ever. */
export interface Raise {
  readonly amount: Quantity
  readonly remainingCycles: number | null
}

export function raiseOf(budget: BudgetFact, now: EpochMs): Raise | null {
  const { override } = budget
  if (override === null) return null
  const { amount, cycles, startsAt } = override
  if (cycles === null) return { amount, remainingCycles: null }
  const remainingCycles = cycles - windowsBetween(windowOfLimit(budget), startsAt, now)
  return remainingCycles > 0 ? { amount, remainingCycles } : null
}

/** How many windows begin after the one of `from`, up to the one of `to`. */
function windowsBetween(window: PeriodWindow, from: EpochMs, to: EpochMs): number {
  if (window.kind === 'endless') return 0
  const [first, last] = [periodOf(window, from), periodOf(window, to)]
  if (window.kind === 'fixed') return (last.startsAt - first.startsAt) / window.lengthMs
  const [start, end] = [new Date(first.startsAt), new Date(last.startsAt)]
  const months =
    (end.getUTCFullYear() - start.getUTCFullYear()) * 12 + end.getUTCMonth() - start.getUTCMonth()
  switch (window.unit) {
    case 'day':
    case 'week':
      return (last.startsAt - first.startsAt) / (first.endsAt - first.startsAt)
    case 'month':
      return months
    case 'quarter':
      return months / 3
    case 'year':
      return months / 12
  }
}

function subjectOf(holder: Holder, limitId: string): Subject | null {
  return holder === null ? null : { ...holder, limitId }
}
