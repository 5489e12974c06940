import { isZero, negate, type Quantity, zero } from '../../../domain/quantity.ts'
import type { EpochMs } from '../../../domain/time.ts'
import { isSameDuration, parseResetDuration, type ResetDuration, windowOf } from '../../../limits/duration.ts'
import type { PlanRow } from '../../../limits/plan.ts'
import { type Period, type PeriodWindow, periodOf } from '../../../limits/window.ts'
import type { Operator, Stamp, Write } from '../../write.ts'
import type { GovernanceContext } from '../context.ts'
import type { BudgetFact, OwnedLimits, OwnerKind, RateHalf, RateLimitFact } from '../facts.ts'
import { budgetCounter, budgetRow, type Half, halves, rateCounter, windowOfLimit } from './limit-rows.ts'
import type { BudgetTerms, HalfTerms, LimitsPlan, RateTerms } from './limits-plan.ts'
import {
  deleteBudgets,
  deleteRateLimits,
  insertAdjustment,
  insertBudget,
  insertGeneration,
  insertRateLimit,
  readRateGenerations,
  updateBudget,
  updateRateLimit,
} from './owned-limits.sql.ts'

/** Whose limits they are. A provider's id is its name, a provider config's its number as text. */
export interface Owner {
  readonly kind: OwnerKind
  readonly id: string
}

/** Where and by whom limits are written. */
export interface LimitsWrite extends Pick<GovernanceContext, 'counters' | 'newUlid'> {
  readonly it: Write
  readonly stamp: Stamp
  readonly operator: Operator
  /** Names a new limit. */
  newId(): string
  /**
   * Which generation a new limit begins with: 0 under an id that nobody has had. One that is named by hand may have been
   * that of a limit that is gone, whose charges still lie about: above all of those.
   */
  readonly firstGeneration?: number
}

/** Brings an owner's limits to what was planned, in a write that has begun and moves the owner's revision. */
export async function applyLimits(
  write: LimitsWrite,
  owner: Owner,
  before: OwnedLimits,
  plan: LimitsPlan,
): Promise<void> {
  for (const { before: budget, terms } of plan.kept)
    await changeBudget(write, budget, terms, plan.resetsUsage)
  for (const terms of plan.made) await makeBudget(write, owner, plan, terms)
  await deleteBudgets(write.it.transaction, plan.dropped)
  const { rateLimit } = plan
  if (rateLimit === undefined) return
  if (rateLimit === null) await deleteRateLimits(write.it.transaction, listOf(before.rateLimit))
  else if (before.rateLimit === null) await makeRateLimit(write, owner, rateLimit)
  else await changeRateLimit(write, before.rateLimit, rateLimit)
}

/** Takes away all that an owner has, with whatever was noted about it. */
export async function deleteLimits({ transaction }: Write, limits: readonly OwnedLimits[]): Promise<void> {
  await deleteBudgets(
    transaction,
    limits.flatMap(({ budgets }) => budgets),
  )
  await deleteRateLimits(
    transaction,
    limits.flatMap(({ rateLimit }) => listOf(rateLimit)),
  )
}

/** Has a budget used nothing: one that follows the calendar keeps its window, any other begins a new one now. */
export async function resetBudget(write: LimitsWrite, budget: BudgetFact): Promise<void> {
  const { at } = write.stamp
  if (budget.calendarAligned) return takeBack(write, budget)
  const next = {
    ...budget,
    ...(await beginGeneration(write, budgetCounter(budget.id), budget, restartOf(budget, at), false)),
  }
  await updateBudget(write.it.transaction, { ...next, updatedAt: movedOn(budget, at) })
}

async function changeBudget(
  write: LimitsWrite,
  budget: BudgetFact,
  terms: BudgetTerms,
  resetsUsage: boolean,
): Promise<void> {
  const { at } = write.stamp
  const { maxLimit, duration, calendarAligned, strict } = terms
  const first = firstOfChanged(budget, terms, at)
  const next: BudgetFact = {
    ...budget,
    maxLimit,
    resetDuration: duration.text,
    calendarAligned,
    strict,
    ...(first && (await beginGeneration(write, budgetCounter(budget.id), budget, first, !resetsUsage))),
  }
  if (resetsUsage && first === null) await takeBack(write, budget)
  if (isSameBudget(budget, next)) return
  await updateBudget(write.it.transaction, { ...next, updatedAt: movedOn(budget, at) })
}

/** A budget over a longer window than others goes on from what the next shorter one has used. */
async function makeBudget(
  write: LimitsWrite,
  owner: Owner,
  { kept, resetsUsage }: LimitsPlan,
  { maxLimit, duration, calendarAligned, strict }: BudgetTerms,
): Promise<void> {
  const { at } = write.stamp
  const generation = write.firstGeneration ?? 0
  const id = write.newId()
  const budget: BudgetFact = {
    id,
    maxLimit,
    resetDuration: duration.text,
    calendarAligned,
    strict,
    generation,
    startsAt: firstPeriod(duration, calendarAligned, at).startsAt,
    keptSince: generation,
    override: null,
    configHash: null,
    createdAt: at,
    updatedAt: at,
  }
  await insertBudget(write.it.transaction, owner, budget)
  const shorter = kept
    .filter(({ terms }) => terms.duration.lengthMs < duration.lengthMs)
    .sort((left, right) => right.terms.duration.lengthMs - left.terms.duration.lengthMs)
  const [closest] = shorter
  if (closest === undefined || resetsUsage) return
  await adjust(write, budgetRow(budget, at), await usedOf(write, closest.before))
}

async function makeRateLimit(write: LimitsWrite, owner: Owner, terms: RateTerms): Promise<void> {
  const { at } = write.stamp
  const generation = write.firstGeneration ?? 0
  const { calendarAligned, strict } = terms
  const newHalf = (half: HalfTerms | null): RateHalf | null =>
    half && {
      max: half.max,
      resetDuration: half.duration.text,
      generation,
      startsAt: firstPeriod(half.duration, calendarAligned, at).startsAt,
      keptSince: generation,
    }
  await insertRateLimit(write.it.transaction, owner, {
    id: write.newId(),
    tokens: newHalf(terms.tokens),
    requests: newHalf(terms.requests),
    calendarAligned,
    strict,
    configHash: null,
    createdAt: at,
    updatedAt: at,
  })
}

async function changeRateLimit(
  write: LimitsWrite,
  rateLimit: RateLimitFact,
  terms: RateTerms,
): Promise<void> {
  const { calendarAligned, strict } = terms
  const next: RateLimitFact = {
    ...rateLimit,
    tokens: await changedHalf(write, rateLimit, 'tokens', terms),
    requests: await changedHalf(write, rateLimit, 'requests', terms),
    calendarAligned,
    strict,
  }
  if (isSameRateLimit(rateLimit, next)) return
  await updateRateLimit(write.it.transaction, { ...next, updatedAt: movedOn(rateLimit, write.stamp.at) })
}

async function changedHalf(
  write: LimitsWrite,
  rateLimit: RateLimitFact,
  half: Half,
  terms: RateTerms,
): Promise<RateHalf | null> {
  const [before, wish] = [rateLimit[half], terms[half]]
  if (wish === null) return null
  const { at } = write.stamp
  const counter = rateCounter(rateLimit.id, half)
  const named = { max: wish.max, resetDuration: wish.duration.text }
  if (before === null) {
    // What it counted before it was taken away must not come back.
    const last = (await readRateGenerations(write.it.transaction, rateLimit.id))[half]
    const first = firstPeriod(wish.duration, terms.calendarAligned, at)
    const ended = { generation: last, keptSince: last }
    return { ...named, ...(await beginGeneration(write, counter, ended, first, false)) }
  }
  const { calendarAligned } = terms
  const first = firstOfChanged(
    { ...before, calendarAligned: rateLimit.calendarAligned },
    { duration: wish.duration, calendarAligned },
    at,
  )
  if (first === null) return { ...before, ...named }
  return { ...named, ...(await beginGeneration(write, counter, before, first, true)) }
}

interface Counted {
  readonly resetDuration: string
  readonly calendarAligned: boolean
  readonly startsAt: EpochMs
}

/**
 * The first period of a limit that is to count differently: the calendar's present one, or, where it does not follow
 * the calendar, one from the beginning of the period that it was in. Null where nothing is different.
 */
function firstOfChanged(
  before: Counted,
  { duration, calendarAligned }: Pick<BudgetTerms, 'duration' | 'calendarAligned'>,
  at: EpochMs,
): Period | null {
  const known = parseResetDuration(before.resetDuration)
  const isSame = known !== null && isSameDuration(known, duration)
  if (isSame && calendarAligned === before.calendarAligned) return null
  return firstPeriod(duration, calendarAligned, calendarAligned ? at : presentStart(before, at))
}

function presentStart(before: Counted, at: EpochMs): EpochMs {
  return periodOf(windowOfLimit(before), at).startsAt
}

/** Of a window that begins at an instant, or, where it follows the calendar, before it. */
function firstPeriod(duration: ResetDuration, calendarAligned: boolean, from: EpochMs): Period {
  const window = windowOf(duration, calendarAligned, from)
  if ('fault' in window) throw new Error(window.fault)
  return periodOf(window as PeriodWindow, from)
}

/** Of a limit that counts as it did, but from now on. */
function restartOf(before: Counted, at: EpochMs): Period {
  return periodOf(windowOfLimit({ ...before, startsAt: at }), at)
}

async function beginGeneration(
  { it, stamp }: LimitsWrite,
  counter: string,
  { generation, keptSince }: Pick<RateHalf, 'generation' | 'keptSince'>,
  { startsAt, endsAt }: Period,
  keepsUsage: boolean,
): Promise<Pick<RateHalf, 'generation' | 'startsAt' | 'keptSince'>> {
  const next = generation + 1
  await insertGeneration(it.transaction, {
    counter,
    generation: next,
    starts_at: startsAt,
    ends_at: endsAt,
    changed_at: stamp.at,
    keeps_usage: keepsUsage ? 1 : 0,
  })
  return { generation: next, startsAt, keptSince: keepsUsage ? keptSince : next }
}

/** Takes back what a budget has used in its present window, which goes on. */
async function takeBack(write: LimitsWrite, budget: BudgetFact): Promise<void> {
  await adjust(write, budgetRow(budget, write.stamp.at), negate(await usedOf(write, budget)))
}

async function usedOf({ counters, stamp }: LimitsWrite, budget: BudgetFact): Promise<Quantity> {
  const [reading] = await counters.read([budgetRow(budget, stamp.at)], stamp.at)
  return reading?.used ?? zero
}

/** Adds to what a row counts in its present period. */
async function adjust(write: LimitsWrite, row: PlanRow, amount: Quantity): Promise<void> {
  if (isZero(amount)) return
  const { it, stamp, operator, newUlid } = write
  const { startsAt, endsAt } = periodOf(row.window as PeriodWindow, stamp.at)
  await insertAdjustment(it.transaction, {
    id: newUlid(stamp.at),
    counter: row.counter,
    generation: row.generation,
    starts_at: startsAt,
    ends_at: endsAt,
    amount_whole: amount.whole,
    amount_pico: amount.pico,
    at: stamp.at,
    actor: operator.actor,
    revision: stamp.revision,
  })
}

function movedOn({ updatedAt }: { readonly updatedAt: EpochMs }, at: EpochMs): EpochMs {
  return Math.max(at, updatedAt + 1)
}

function isSameBudget(one: BudgetFact, other: BudgetFact): boolean {
  return (
    one.maxLimit.whole === other.maxLimit.whole &&
    one.maxLimit.pico === other.maxLimit.pico &&
    one.resetDuration === other.resetDuration &&
    one.calendarAligned === other.calendarAligned &&
    one.strict === other.strict &&
    one.generation === other.generation
  )
}

function isSameRateLimit(one: RateLimitFact, other: RateLimitFact): boolean {
  return (
    one.calendarAligned === other.calendarAligned &&
    one.strict === other.strict &&
    halves.every((half) => isSameHalf(one[half], other[half]))
  )
}

function isSameHalf(one: RateHalf | null, other: RateHalf | null): boolean {
  return (
    one?.max === other?.max &&
    one?.resetDuration === other?.resetDuration &&
    one?.generation === other?.generation
  )
}

function listOf<Item>(item: Item | null): Item[] {
  return item === null ? [] : [item]
}
