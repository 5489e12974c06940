import type { LimitNotice } from '../domain/failure.ts'
import { dollarsText, toDollars } from '../domain/money.ts'
import type { Quantity } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Limited, Metric, PlanRow, Refusal, Standing } from './plan.ts'
import { endOfTime, lengthOf } from './window.ts'

/** What a refused caller is told. Times count from `now`; `model` is the caller's own name for it. */
export function noticeOf(refusal: Limited, model: string, now: EpochMs): LimitNotice {
  const { row, remaining, opensAt } = refusal
  return {
    metric: row.metric,
    unit: row.unit,
    ceiling: numberOf(row.metric, row.ceiling),
    remaining: numberOf(row.metric, remaining),
    windowMs: lengthOf(row.window, now),
    opensAt,
    retryAfterMs: waitMs(opensAt, now),
    model,
  }
}

/** How long something is to be waited for that ends or opens at an instant; Infinity where it never does. */
function waitMs(until: EpochMs, now: EpochMs): number {
  return until < endOfTime ? until - now : Number.POSITIVE_INFINITY
}

/** Says in the caller's terms why a call can never be admitted as it is, and what would help. */
export function wordImpossible(refusal: Exclude<Refusal, Limited>): string {
  const { row } = refusal
  if (refusal.refusal === 'unpriced') return 'This model has no price, and its cost is limited.'
  const ceiling = amountText(row.metric, row.ceiling)
  const bound = amountText(row.metric, refusal.bound)
  return (
    `This call may use ${bound}, but the limit is ${ceiling} per ${row.unit} and may not be overrun. ` +
    'Send less input, or ask for fewer output tokens or choices.'
  )
}

function amountText(metric: Metric, amount: Quantity): string {
  return metric === 'cost' ? `$${dollarsText(amount)}` : `${amount.whole} ${metric}s`
}

/** Headers of a refusal, name and value in turn. No time is told to come again where waiting does not help. */
export function refusalHeaders(limit: LimitNotice): readonly string[] {
  const seconds = Math.max(1, Math.ceil(limit.retryAfterMs / 1000))
  const rate = rateHeaders(wordsOf(limit), limit.remaining, limit.retryAfterMs, seconds)
  return Number.isFinite(seconds) ? ['retry-after', String(seconds), ...rate] : rate
}

/** Headers of an admitted call for its tightest row, name and value in turn. */
export function standingHeaders(standing: Standing, now: EpochMs): readonly string[] {
  const { row, remaining } = standing
  const resetMs = row.window.kind === 'endless' ? Number.POSITIVE_INFINITY : standing.resetMs
  return rateHeaders(rowWords(row, now), numberOf(row.metric, remaining), resetMs, Math.ceil(resetMs / 1000))
}

type Rate = Pick<LimitNotice, 'metric' | 'unit' | 'ceiling' | 'windowMs'>

/** What of a limit's headers is the same from call to call. */
interface RateWords {
  readonly metric: Metric
  readonly policy: string
  /** Of `RateLimit`, up to the number that is left. */
  readonly left: string
  /** What SDKs read; null for money, which they do not know. */
  readonly sdk: {
    readonly limit: string
    readonly ceiling: string
    readonly remaining: string
    readonly reset: string
  } | null
}

/** A plan's row stays the same object until a limit changes. Months and years change their length by themselves. */
const wordsByRow = new WeakMap<PlanRow, RateWords>()

function rowWords(row: PlanRow, now: EpochMs): RateWords {
  const known = wordsByRow.get(row)
  if (known !== undefined) return known
  const { metric, unit, window } = row
  const words = wordsOf({
    metric,
    unit,
    ceiling: numberOf(metric, row.ceiling),
    windowMs: lengthOf(window, now),
  })
  if (window.kind !== 'calendar') wordsByRow.set(row, words)
  return words
}

function wordsOf({ metric, unit, ceiling, windowMs }: Rate): RateWords {
  const name = `"${metric}-${unit}"`
  // Structured fields have no number for dollars and cents, so money is counted in microdollars, and says so.
  const quotaUnit = metric === 'cost' ? ';qu="microdollars"' : ''
  const counted = metric === 'request' ? 'requests' : 'tokens'
  const window = Number.isFinite(windowMs) ? `;w=${Math.ceil(windowMs / 1000)}` : ''
  return {
    metric,
    policy: `${name};q=${quotaOf(metric, ceiling)}${quotaUnit}${window}`,
    left: `${name};r=`,
    sdk:
      metric === 'cost'
        ? null
        : {
            limit: `x-ratelimit-limit-${counted}`,
            ceiling: String(ceiling),
            remaining: `x-ratelimit-remaining-${counted}`,
            reset: `x-ratelimit-reset-${counted}`,
          },
  }
}

function rateHeaders(
  { metric, policy, left, sdk }: RateWords,
  remaining: number,
  resetMs: number,
  resetSeconds: number,
): readonly string[] {
  const room = `${left}${quotaOf(metric, remaining)}`
  const hasReset = Number.isFinite(resetMs)
  const rate = hasReset ? `${room};t=${resetSeconds}` : room
  if (sdk === null) return ['ratelimit-policy', policy, 'ratelimit', rate]
  const headers = [
    'ratelimit-policy',
    policy,
    'ratelimit',
    rate,
    sdk.limit,
    sdk.ceiling,
    sdk.remaining,
    String(remaining),
    sdk.reset,
    durationText(resetMs),
  ]
  return hasReset ? headers : headers.slice(0, -2)
}

/** The largest integer that a structured field may hold. */
const largestInteger = 999_999_999_999_999

function quotaOf(metric: Metric, amount: number): number {
  return Math.min(metric === 'cost' ? Math.round(amount * 1_000_000) : amount, largestInteger)
}

function numberOf(metric: Metric, amount: Quantity): number {
  return metric === 'cost' ? toDollars(amount) : amount.whole
}

/** A duration as Go writes it, and OpenAI sends it: `12ms`, `1.5s`, `6m0s`, `24h0m0s`. */
export function durationText(durationMs: number): string {
  if (durationMs > 0 && durationMs < 1000) return `${durationMs}ms`
  const minutes = Math.floor(durationMs / 60_000)
  const seconds = `${(durationMs % 60_000) / 1000}s`
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}
