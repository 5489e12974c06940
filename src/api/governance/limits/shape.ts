import type { z } from 'zod'
import { toDollars } from '../../../domain/money.ts'
import { add, compare, type Quantity, zero } from '../../../domain/quantity.ts'
import type { EpochMs } from '../../../domain/time.ts'
import type { CounterStore } from '../../../limits/plan.ts'
import { readSlices } from '../../../limits/read-slices.ts'
import { periodOf } from '../../../limits/window.ts'
import type { BudgetFact, OwnedLimits, RateHalf, RateLimitFact } from '../../../tenancy/governance/facts.ts'
import {
  budgetCounter,
  type Half,
  limitRows,
  raiseOf,
  rateCounter,
  windowOfLimit,
} from '../../../tenancy/governance/limits/limit-rows.ts'
import type { Owner } from '../../../tenancy/governance/limits/owned-limits.ts'
import type { Budget, RateLimit } from './schemas.ts'

type WireBudget = z.output<typeof Budget>
type WireRateLimit = z.output<typeof RateLimit>

/** What limits have counted, as of now. */
export interface Counted {
  readonly now: EpochMs
  used(counter: string): Quantity
}

/** Reads what some limits have counted, however many they are. */
export async function readCounted(
  counters: Pick<CounterStore, 'read'>,
  owners: Iterable<OwnedLimits>,
  now: EpochMs,
): Promise<Counted> {
  const rows = new Map(
    [...owners].flatMap((limits) => limitRows(limits, now)).map((row) => [row.counter, row]),
  )
  const used = new Map<string, Quantity>()
  for await (const { readings } of readSlices(counters, [...rows.values()], () => now, giveWay)) {
    for (const reading of readings) if (reading.used !== null) used.set(reading.row.counter, reading.used)
  }
  return { now, used: (counter) => used.get(counter) ?? zero }
}

function giveWay(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Instants are told to the millisecond. */
export function toTimestamp(at: EpochMs): string {
  return new Date(at).toISOString()
}

/** Where something comes from, and when it was written. */
export function stampsOf(fact: Pick<BudgetFact, 'configHash' | 'createdAt' | 'updatedAt'>) {
  return {
    config_hash: fact.configHash,
    created_at: toTimestamp(fact.createdAt),
    updated_at: toTimestamp(fact.updatedAt),
  }
}

/** A budget in its wire form. */
export function toBudget(budget: BudgetFact, owner: Owner, { now, used }: Counted): WireBudget {
  const { config_hash, ...instants } = stampsOf(budget)
  return {
    id: budget.id,
    max_limit: toDollars(budget.maxLimit),
    reset_duration: budget.resetDuration,
    calendar_aligned: budget.calendarAligned,
    last_reset: lastReset(budget, now),
    current_usage: toDollars(atLeastNothing(used(budgetCounter(budget.id)))),
    ...(budget.strict ? { strict: true } : {}),
    config_hash,
    ...ownerMember(owner),
    ...instants,
    ...toRaise(budget, now),
  }
}

/** While it is raised. */
function toRaise(budget: BudgetFact, now: EpochMs): Partial<WireBudget> {
  const raise = raiseOf(budget, now)
  if (raise === null) return {}
  const { amount, remainingCycles } = raise
  return {
    override_max_limit: toDollars(amount),
    ...(remainingCycles === null
      ? { override_mode: 'forever' }
      : { override_mode: 'cycles', override_remaining_cycles: remainingCycles }),
    effective_max_limit: toDollars(add(budget.maxLimit, amount)),
  }
}

function ownerMember({ kind, id }: Owner): Partial<WireBudget> {
  switch (kind) {
    case 'virtual_key':
      return { virtual_key_id: id }
    case 'provider_config':
      return { provider_config_id: Number(id) }
    case 'team':
      return { team_id: id }
    case 'customer':
      return { customer_id: id }
    case 'model_config':
      return { model_config_id: id }
    case 'provider':
      return { provider: id }
  }
}

/** A rate limit in its wire form. */
export function toRateLimit(rateLimit: RateLimitFact, counted: Counted): WireRateLimit {
  const { id, tokens, requests, calendarAligned, strict } = rateLimit
  const lastResetOf = (half: RateHalf | null) =>
    half === null ? toTimestamp(rateLimit.createdAt) : lastReset({ ...half, calendarAligned }, counted.now)
  const usageOf = (half: Half) => atLeastNothing(counted.used(rateCounter(id, half))).whole
  return {
    id,
    token_max_limit: tokens?.max ?? null,
    token_reset_duration: tokens?.resetDuration ?? null,
    token_current_usage: tokens === null ? 0 : usageOf('tokens'),
    token_last_reset: lastResetOf(tokens),
    request_max_limit: requests?.max ?? null,
    request_reset_duration: requests?.resetDuration ?? null,
    request_current_usage: requests === null ? 0 : usageOf('requests'),
    request_last_reset: lastResetOf(requests),
    ...(calendarAligned ? { calendar_aligned: true } : {}),
    ...(strict ? { strict: true } : {}),
    ...stampsOf(rateLimit),
  }
}

/** What is shown of an owner's limits, in pieces: owners put them in different places. */
export function shownLimits({ budgets, rateLimit }: OwnedLimits, owner: Owner, counted: Counted) {
  const all = budgets.map((budget) => toBudget(budget, owner, counted))
  const [first] = all
  return {
    all,
    budgetId: first ? { budget_id: first.id } : {},
    budget: first ? { budget: first } : {},
    budgets: first ? { budgets: all } : {},
    rateLimitId: rateLimit ? { rate_limit_id: rateLimit.id } : {},
    rateLimit: rateLimit ? { rate_limit: toRateLimit(rateLimit, counted) } : {},
  }
}

/** Whether an owner's budgets follow the calendar; what it says of new ones where it has none. */
export function alignedOf({
  budgets,
  calendarAligned,
}: OwnedLimits & { readonly calendarAligned: boolean }): boolean {
  return budgets.length > 0 ? budgets.every((budget) => budget.calendarAligned) : calendarAligned
}

function lastReset(counted: Parameters<typeof windowOfLimit>[0], now: EpochMs): string {
  return toTimestamp(periodOf(windowOfLimit(counted), now).startsAt)
}

/** What was taken back while calls were under way may come before what they are charged. */
function atLeastNothing(used: Quantity): Quantity {
  return compare(used, zero) < 0 ? zero : used
}
