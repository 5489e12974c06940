import type { Failure } from '../../../domain/failure.ts'
import { isFailure } from '../../../domain/failure.ts'
import { type MoneyFault, readCeiling } from '../../../domain/money.ts'
import { isZero, type Quantity } from '../../../domain/quantity.ts'
import { isSameDuration, parseResetDuration, type ResetDuration, windowOf } from '../../../limits/duration.ts'
import type { BudgetFact, OwnedLimits } from '../facts.ts'
import type { Half } from './limit-rows.ts'

// What an owner's limits are to become, judged before anything is written.

/** What somebody wants of an owner's limits. What is left out stays as it is. */
export interface LimitsInput {
  /** The older form, for an owner with one budget at most. */
  readonly budget?: BudgetInput | undefined
  /** All budgets that the owner is to have. */
  readonly budgets?: readonly BudgetInput[] | undefined
  /** Null takes the rate limit away. */
  readonly rateLimit?: RateLimitInput | null | undefined
  /** Of all budgets that do not say it themselves. */
  readonly calendarAligned?: boolean | undefined
  /** Budgets have used nothing, in the windows that they are in. */
  readonly resetsUsage?: boolean | undefined
}

export interface BudgetInput {
  /** Of a budget that the owner has. */
  readonly id?: string | undefined
  /** Dollars in decimal text, as JSON has numbers. Null takes the budget away, in the older form. */
  readonly maxLimit?: string | null | undefined
  readonly resetDuration?: string | undefined
  readonly calendarAligned?: boolean | undefined
  readonly strict?: boolean | undefined
}

/** Replaces both halves. */
export interface RateLimitInput {
  readonly tokens: RateHalfInput
  readonly requests: RateHalfInput
  readonly calendarAligned?: boolean | undefined
  readonly strict?: boolean | undefined
}

export interface RateHalfInput {
  readonly max: number | null
  readonly resetDuration: string | null
}

/** How an owner's refusals are worded: clients know them by heart. */
export interface LimitsWording {
  readonly duplicate: 'Duplicate' | 'duplicate'
  readonly rateLimitPrefix: '' | 'Invalid rate limit: '
}

/** Of virtual keys and their provider configs. */
export const keyWording: LimitsWording = { duplicate: 'Duplicate', rateLimitPrefix: '' }
/** Of customers and teams. */
export const partyWording: LimitsWording = { duplicate: 'duplicate', rateLimitPrefix: 'Invalid rate limit: ' }
/** Of models and providers. */
export const modelWording: LimitsWording = { duplicate: 'duplicate', rateLimitPrefix: '' }

/** What a budget is to be. */
export interface BudgetTerms {
  readonly maxLimit: Quantity
  readonly duration: ResetDuration
  readonly calendarAligned: boolean
  readonly strict: boolean
}

export interface RateTerms {
  readonly tokens: HalfTerms | null
  readonly requests: HalfTerms | null
  readonly calendarAligned: boolean
  readonly strict: boolean
}

export interface HalfTerms {
  readonly max: number
  readonly duration: ResetDuration
}

/** What is to be written: legal, whatever happens meanwhile to other owners. */
export interface LimitsPlan {
  readonly kept: readonly { readonly before: BudgetFact; readonly terms: BudgetTerms }[]
  readonly made: readonly BudgetTerms[]
  readonly dropped: readonly BudgetFact[]
  /** Null: it has none any more; undefined: it stays as it is. */
  readonly rateLimit: RateTerms | null | undefined
  readonly resetsUsage: boolean
}

export const noLimits: OwnedLimits = { budgets: [], rateLimit: null }

/**
 * Judges a wish against the limits that an owner has. `alignedByDefault` is what the owner says for budgets that do not
 * say it themselves.
 *
 * A budget of the new set is an old one by its id, else by the same duration, and keeps its id, what it has used and
 * since when; the others of the old ones go.
 */
export function planLimits(
  before: OwnedLimits,
  input: LimitsInput,
  alignedByDefault: boolean,
  wording: LimitsWording,
): LimitsPlan | Failure {
  const matched = matchBudgets(before.budgets, input)
  if (isFailure(matched)) return matched
  const aligned = input.calendarAligned ?? alignedByDefault
  const steps: BudgetStep[] = []
  for (const { budget, known } of matched) {
    const terms = readTerms(
      budget,
      known,
      known && input.calendarAligned === undefined ? known.calendarAligned : aligned,
    )
    if (isFailure(terms)) return terms
    steps.push({ known, terms })
  }
  const repeated = repeatedDuration(steps.map(({ terms }) => terms.duration))
  if (repeated) return invalid(`${wording.duplicate} reset_duration in budgets: ${repeated.text}`)
  const rateLimit = readRateLimit(input.rateLimit, before)
  if (isFailure(rateLimit)) return { ...rateLimit, message: `${wording.rateLimitPrefix}${rateLimit.message}` }

  const keptIds = new Set(steps.map(({ known }) => known?.id))
  return {
    kept: steps.flatMap(({ known, terms }) => (known === null ? [] : [{ before: known, terms }])),
    made: steps.flatMap(({ known, terms }) => (known === null ? [terms] : [])),
    dropped: before.budgets.filter(({ id }) => !keptIds.has(id)),
    rateLimit,
    resetsUsage: input.resetsUsage ?? false,
  }
}

interface BudgetStep {
  readonly known: BudgetFact | null
  readonly terms: BudgetTerms
}

/** A wish with the budget that it is about; null where that is a new one. */
interface Matched {
  readonly budget: BudgetInput
  readonly known: BudgetFact | null
}

type Invalid = Extract<Failure, { failure: 'invalid' }>

function matchBudgets(known: readonly BudgetFact[], input: LimitsInput): Matched[] | Invalid {
  const { budget, budgets } = input
  if (budget !== undefined && budgets !== undefined) {
    return invalid("only one of 'budget' or 'budgets' may be set")
  }
  if (budgets !== undefined) return matchAll(known, budgets)
  if (budget === undefined) return known.map((it) => ({ budget: {}, known: it }))
  if (known.length > 1) {
    return invalid(
      "deprecated 'budget' field cannot be used when multiple budgets already exist; use 'budgets'",
    )
  }
  const [only = null] = known
  return takesAway(budget) ? [] : [{ budget, known: only }]
}

/** `{}`, or a ceiling that is null. */
function takesAway({ maxLimit, resetDuration, calendarAligned, strict }: BudgetInput): boolean {
  const isEmpty = [maxLimit, resetDuration, calendarAligned, strict].every((member) => member === undefined)
  return isEmpty || maxLimit === null
}

function matchAll(known: readonly BudgetFact[], wishes: readonly BudgetInput[]): Matched[] | Invalid {
  const free = new Map(known.map((budget) => [budget.id, budget]))
  const byId = new Map<BudgetInput, BudgetFact>()
  for (const wish of wishes) {
    if (wish.id === undefined) continue
    const own = free.get(wish.id)
    if (own === undefined) return invalid(`budget ${wish.id} does not belong to this entity`)
    free.delete(wish.id)
    byId.set(wish, own)
  }
  return wishes.map((budget) => {
    const own = byId.get(budget) ?? ofSameDuration([...free.values()], budget.resetDuration)
    if (own !== null) free.delete(own.id)
    return { budget, known: own }
  })
}

function ofSameDuration(known: readonly BudgetFact[], text = ''): BudgetFact | null {
  const duration = parseResetDuration(text)
  return known.find(({ resetDuration }) => isSame(duration, parseResetDuration(resetDuration))) ?? null
}

function isSame(one: ResetDuration | null, other: ResetDuration | null): boolean {
  return one !== null && other !== null && isSameDuration(one, other)
}

/** What a wish leaves out stays as it was; a new budget needs ceiling and duration. */
function readTerms(
  wish: BudgetInput,
  known: BudgetFact | null,
  alignedByDefault: boolean,
): BudgetTerms | Invalid {
  const maxLimit = wish.maxLimit == null ? known?.maxLimit : readMaxLimit(wish.maxLimit)
  if (maxLimit !== undefined && isFailure(maxLimit)) return maxLimit
  const text = wish.resetDuration ?? known?.resetDuration
  if (maxLimit === undefined || text === undefined) {
    return invalid('both max_limit and reset_duration are required when creating a new budget')
  }
  const duration = parseResetDuration(text)
  if (duration === null) return invalid(`Invalid reset duration (must be a positive duration): ${text}`)
  const calendarAligned = wish.calendarAligned ?? alignedByDefault
  const window = windowOf(duration, calendarAligned, 0)
  if ('fault' in window) return invalid(window.fault)
  return { maxLimit, duration, calendarAligned, strict: wish.strict ?? known?.strict ?? false }
}

function readMaxLimit(text: string): Quantity | Invalid {
  const limit = readCeiling(text)
  if (typeof limit === 'string') return invalid(maxLimitFaults[limit](text))
  return isZero(limit) ? invalid('budget max limit cannot be negative or zero: 0.00') : limit
}

const maxLimitFaults: Readonly<Record<MoneyFault, (text: string) => string>> = {
  malformed: () => 'Budget max_limit must be a number',
  negative: (text) => `Budget max_limit cannot be negative: ${Number(text).toFixed(2)}`,
  too_small: (text) => `Budget max_limit cannot be below 0.000000000001: ${text}`,
  too_large: (text) => `Budget max_limit cannot be above 9000000000: ${text}`,
}

function repeatedDuration(durations: readonly ResetDuration[]): ResetDuration | null {
  const repeated = durations.find((one, at) => durations.slice(0, at).some((other) => isSame(one, other)))
  return repeated ?? null
}

function readRateLimit(
  input: RateLimitInput | null | undefined,
  before: OwnedLimits,
): RateTerms | null | undefined | Invalid {
  if (input === undefined || input === null) return input
  // Whoever takes both ceilings away may well leave the durations.
  const hasNone = input.tokens.max === null && input.requests.max === null
  if (hasNone && before.rateLimit !== null) return null
  const calendarAligned = input.calendarAligned ?? before.rateLimit?.calendarAligned ?? false
  const tokens = readHalf(input.tokens, 'tokens', calendarAligned)
  if (tokens !== null && isFailure(tokens)) return tokens
  const requests = readHalf(input.requests, 'requests', calendarAligned)
  if (requests !== null && isFailure(requests)) return requests
  if (hasNone) return null
  return { tokens, requests, calendarAligned, strict: input.strict ?? before.rateLimit?.strict ?? false }
}

const halfNames: Readonly<Record<Half, string>> = { tokens: 'token', requests: 'request' }

function readHalf(
  { max, resetDuration }: RateHalfInput,
  half: Half,
  calendarAligned: boolean,
): HalfTerms | null | Invalid {
  const name = `rate limit ${halfNames[half]}`
  if (max === null) {
    return resetDuration === null ? null : invalid(`${name} max limit is required`)
  }
  if (max <= 0) return invalid(`${name} max limit cannot be negative or zero: ${max}`)
  if (!Number.isSafeInteger(max))
    return invalid(`${name} max limit must be an integer up to 2^53 - 1: ${max}`)
  if (resetDuration === null || resetDuration === '') return invalid(`${name} reset duration is required`)
  const duration = parseResetDuration(resetDuration)
  if (duration === null || duration.unit === 'never' || duration.unit === 'quarter') {
    return invalid(`invalid ${name} reset duration (must be a positive duration): ${resetDuration}`)
  }
  const window = windowOf(duration, calendarAligned, 0)
  return 'fault' in window ? invalid(window.fault) : { max, duration }
}

function invalid(message: string): Invalid {
  return { failure: 'invalid', message }
}
