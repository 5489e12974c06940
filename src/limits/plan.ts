import type { Quantity } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'

export type Metric = 'request' | 'token' | 'cost'

/** When a limit's count starts afresh. All in UTC. */
export type Window =
  | { readonly kind: 'rolling'; readonly lengthMs: number }
  | { readonly kind: 'fixed'; readonly lengthMs: number; readonly anchor: EpochMs }
  | { readonly kind: 'calendar'; readonly unit: CalendarUnit }
  /** Never: one period, from `anchor` on. */
  | { readonly kind: 'endless'; readonly anchor: EpochMs }

export type CalendarUnit = 'day' | 'week' | 'month' | 'quarter' | 'year'

/** Whose limit a row is, in the terms of those who set it. */
export interface Subject {
  readonly level: 'provider' | 'model' | 'provider_config' | 'virtual_key' | 'team' | 'customer' | 'key_model'
  /** As refusals call it: of a provider or a model its name. */
  readonly name: string
  /** The budget or the rate limit that the row belongs to: rows for tokens and for requests may share one. */
  readonly limitId: string
}

/**
 * One ceiling over one counter. Rows with the same `counter` share what it counted: of one generation of it,
 * they agree on all but ceiling, unit, strictness and refunds.
 */
export interface PlanRow {
  /** The name of the counter: the bucket it is, not the threshold that caps it. */
  readonly counter: string
  readonly generation: number
  readonly metric: Metric
  readonly ceiling: Quantity
  readonly window: Window
  /** As callers know it: `second`, `minute`, `day`, or a duration such as `1h`. */
  readonly unit: string
  /** Held at its worst case, so that it cannot be overrun. Has no effect on requests. */
  readonly strict: boolean
  /** A failed attempt gives its request unit back. */
  readonly refundsFailed: boolean
  /** Whether a charge belongs to the period of admission or to that of its completion. Rolling windows: completion. */
  readonly chargedAt: 'admission' | 'completion'
  /** Null for limits of groups, which are not named to callers. */
  readonly subject: Subject | null
}

/** Everything that one attempt has to pass, in the order in which refusals are reported. Names a counter once. */
export interface Plan {
  readonly rows: readonly PlanRow[]
  /** Some row is strict and counts tokens or cost. */
  readonly isStrict: boolean
}

/** What one attempt may use, as far as that is known before it is made. All numbers are safe integers from 0. */
export interface Amounts {
  /** Expected input tokens. */
  readonly inputEstimate: number
  /** Input tokens that cannot be exceeded: one per body byte, and the provider's hidden overhead. */
  readonly inputBound: number
  /** Expected output tokens of one choice. */
  readonly outputEstimate: number
  /** The caller's own cap per choice; null where there is none. */
  readonly outputCap: number | null
  /** The cap per choice that strict rows may grant a caller who named none. */
  readonly defaultOutputCap: number
  /** Answers asked for at once, at least 1: `n`. */
  readonly choices: number
  /** Prices for cost rows; null for a model without a price. */
  readonly rates: Rates | null
}

/** Dearest prices that may apply, in 1e-18 dollars per token. */
export interface Rates {
  readonly input: bigint
  readonly output: bigint
}

/** What an attempt did use. */
export interface Actual {
  /** Input and output tokens: as reported, else an estimate or 0. */
  readonly tokens: number
  readonly costPico: bigint
  /** False: nobody told what was used. Strict rows are then charged their whole hold, the others `tokens` and `costPico`. */
  readonly reported: boolean
  /** Charged all the same, but the request unit is returned where the row refunds. */
  readonly failed: boolean
}

/** An admitted attempt's claim on its plan. Settled or released exactly once. */
export interface Reservation {
  readonly plan: Plan
  readonly admittedAt: EpochMs
  /** The output cap per choice that strict rows granted; null when no strict row asks for one. */
  readonly outputCap: number | null
  /** What strict rows hold, for the crash record; empty where no row is strict. */
  readonly strictHolds: readonly StrictHold[]
  /** The row with the least room left, relative to its ceiling, after this admission. */
  readonly tightest: Standing | null
}

export interface StrictHold {
  readonly row: PlanRow
  readonly amount: Quantity
}

/** A row as a caller may be told of it. */
export interface Standing {
  readonly row: PlanRow
  readonly remaining: Quantity
  /** Until the window is (or, rolling, may be) empty again. */
  readonly resetMs: number
}

/** Some rows have no room now. */
export interface Limited {
  readonly refusal: 'limited'
  /** The first that refuses, of all that refuse. */
  readonly row: PlanRow
  readonly judged: readonly Judged[]
  /** What is left of the first: less than the attempt needs. */
  readonly remaining: Quantity
  /** When the last of them opens, if nothing else happens: never, at `endOfTime`. */
  readonly opensAt: EpochMs
  /** All of them would have room, but for attempts that are still under way. */
  readonly onlyHeld: boolean
}

/** A row that refused, as it stood then. */
export interface Judged {
  readonly row: PlanRow
  readonly used: Quantity
  readonly held: Quantity
  /** The room that the attempt had to find. */
  readonly needed: Quantity
  readonly opensAt: EpochMs
  /** It would have had the room, but for attempts that are still under way. */
  readonly onlyHeld: boolean
}

export type Refusal =
  | Limited
  /** Not even an empty counter could admit the call under a strict row. `bound` is what the call may use at least. */
  | { readonly refusal: 'impossible'; readonly row: PlanRow; readonly bound: Quantity }
  /** A cost row, and no price. */
  | { readonly refusal: 'unpriced'; readonly row: PlanRow }

/** What a counter was charged. For rolling windows `endsAt` is null and `startsAt` the instant of the charge. */
export interface Charge {
  readonly counter: string
  readonly generation: number
  readonly startsAt: EpochMs
  readonly endsAt: EpochMs | null
  readonly amount: Quantity
}

/** What a row has used. `used` is null when nothing was counted in the current period. */
export interface Reading {
  readonly row: PlanRow
  readonly used: Quantity | null
  readonly held: Quantity
  /** End of the current period; null for rolling windows and those that never end. */
  readonly endsAt: EpochMs | null
  /** Null while the row has room for the smallest call. */
  readonly opening: Opening | null
}

/** When a row that has no room now has some, if nothing else happens. */
export interface Opening {
  /** Null: never, under this ceiling. */
  readonly at: EpochMs | null
  /** Only attempts that are still under way stand in the way. */
  readonly onlyHeld: boolean
}

type Awaitable<T> = T | Promise<T>

/**
 * Where counters live. The in-memory store answers at once; callers await only a promise.
 * Every call judges and changes all rows of a plan, or none.
 */
export interface CounterStore {
  reserve(plan: Plan, amounts: Amounts, now: EpochMs): Awaitable<Reservation | Refusal>
  /** Replaces the holds by what was used. Returns every charge made, the request units included. */
  settle(reservation: Reservation, actual: Actual, now: EpochMs): Awaitable<readonly Charge[]>
  /** Takes the holds back. Returns the charges that stay: request units of rows that do not refund. */
  release(reservation: Reservation, now: EpochMs): Awaitable<readonly Charge[]>
  read(rows: readonly PlanRow[], now: EpochMs): Awaitable<readonly Reading[]>
  /**
   * Begins a generation: what `before` counted goes on by the window of `after`, a row of the same counter, from the
   * instant `at` of the change on. Reservations stay, and are charged in the new generation; their request units stay
   * in the old one, and are not given back. Usage that is kept is dropped all the same where the new window's first
   * period is over. Both rows count in periods and are charged at completion. A generation that was reached already,
   * or passed, is left as it is.
   *
   * To be done before any plan has the new row: one that came first would begin at nothing.
   */
  rebase(before: PlanRow, after: PlanRow, keepsUsage: boolean, at: EpochMs): Awaitable<void>
  /**
   * Adds an amount, which may be negative, to the period of a generation, if it is the present one. No reading goes
   * below nothing, but the sum may: what is given back after a reset has forgiven it leaves that much more room.
   */
  adjust(adjustment: Charge): Awaitable<void>
}

export function isRefusal(value: Reservation | Refusal): value is Refusal {
  return 'refusal' in value
}
