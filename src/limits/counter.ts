import { compare, picoPerWhole, type Quantity, quantityOf, zero } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Charge, PlanRow, Window } from './plan.ts'
import { bucketOf, bucketStart, bucketsKept, bucketsPerWindow, periodOf } from './window.ts'

/**
 * What one counter has counted in its present period, or, rolling, in its last 61 buckets.
 *
 * Sums are kept as loose numbers, not as quantities, so that counting allocates nothing. Their pico parts lie between
 * 0 and a million.
 */
export interface Counter {
  readonly name: string
  generation: number
  window: Window
  /** Which of its store's rebases this generation came with, or had come before the counter was made; 0: none. */
  rebase: number
  /** Charges belong to the period of admission, so holds end with it. */
  readonly holdsEndWithPeriod: boolean
  /** Start of the present period; rolling: number of the bucket being filled. */
  mark: number
  /** When that period or bucket is over. */
  turnsAt: EpochMs
  usedWhole: number
  usedPico: number
  heldWhole: number
  heldPico: number
  /** The parts of `used` by bucket number modulo 61; null unless rolling, and `bucketPico` until money comes. */
  readonly bucketWhole: number[] | null
  bucketPico: number[] | null
  /** `idle`: dropped, and made again when needed. `forgotten`: its owner is deleted, charges are ignored. */
  state: 'live' | 'idle' | 'forgotten'
}

export function newCounter(row: PlanRow, now: EpochMs): Counter {
  const { window } = row
  const isRolling = window.kind === 'rolling'
  const counter: Counter = {
    name: row.counter,
    generation: row.generation,
    window,
    rebase: 0,
    holdsEndWithPeriod: row.chargedAt === 'admission' && !isRolling,
    mark: isRolling ? bucketOf(window.lengthMs, now) : 0,
    turnsAt: now,
    usedWhole: 0,
    usedPico: 0,
    heldWhole: 0,
    heldPico: 0,
    bucketWhole: isRolling ? emptyBuckets() : null,
    bucketPico: null,
    state: 'live',
  }
  turn(counter, now)
  return counter
}

/**
 * Brings a counter to the present; every reading and change of it comes after this.
 *
 * A counter is never turned back: where a restart finds the clock behind what was loaded, the newer period stays.
 */
export function turn(counter: Counter, now: EpochMs): void {
  if (now < counter.turnsAt) return
  const { window } = counter
  if (window.kind === 'rolling') {
    forgetBuckets(counter, bucketOf(window.lengthMs, now))
    counter.turnsAt = bucketStart(window.lengthMs, counter.mark + 1)
    return
  }
  const { startsAt, endsAt } = periodOf(window, now)
  begin(counter, startsAt, endsAt)
}

function begin(counter: Counter, startsAt: EpochMs, endsAt: EpochMs): void {
  counter.mark = startsAt
  counter.turnsAt = endsAt
  counter.usedWhole = 0
  counter.usedPico = 0
  if (!counter.holdsEndWithPeriod) return
  counter.heldWhole = 0
  counter.heldPico = 0
}

/**
 * Goes on in a row's generation and window, as the instant `at` finds them.
 *
 * What is held stays, and is charged in the new generation. What was used stays where that is wanted, and the new
 * window is still in its first period: a window that began in the past may be further.
 */
export function beginGeneration(counter: Counter, row: PlanRow, keepsUsage: boolean, at: EpochMs): void {
  const { window } = row
  if (window.kind === 'rolling' || counter.bucketWhole !== null || counter.holdsEndWithPeriod) {
    throw new TypeError(`${counter.name}: only periods that are charged at completion begin anew`)
  }
  turn(counter, at)
  const { startsAt, endsAt } = periodOf(window, at)
  const { usedWhole, usedPico } = counter
  begin(counter, startsAt, endsAt)
  counter.generation = row.generation
  counter.window = window
  if (!keepsUsage || (window.kind === 'fixed' && startsAt !== window.anchor)) return
  counter.usedWhole = usedWhole
  counter.usedPico = usedPico
}

function forgetBuckets(counter: Counter, bucket: number): void {
  const { bucketWhole: whole, bucketPico: pico } = counter
  if (whole === null) return
  const oldest = Math.max(counter.mark + 1, bucket - bucketsPerWindow)
  for (let passed = oldest; passed <= bucket; passed += 1) {
    const cell = passed % bucketsKept
    use(counter, -(whole[cell] ?? 0), -(pico?.[cell] ?? 0))
    whole[cell] = 0
    if (pico !== null) pico[cell] = 0
  }
  counter.mark = Math.max(counter.mark, bucket)
}

function emptyBuckets(): number[] {
  return new Array<number>(bucketsKept).fill(0)
}

function use(counter: Counter, whole: number, pico: number): void {
  const sum = counter.usedPico + pico
  const carried = Math.floor(sum / picoPerWhole)
  counter.usedPico = sum - carried * picoPerWhole
  counter.usedWhole += whole + carried
}

/** Counts an amount in the period or bucket with this mark; false, and nothing is counted, if that is over. */
export function chargeAt(counter: Counter, mark: number, amount: Quantity): boolean {
  if (counter.bucketWhole === null) {
    if (mark !== counter.mark) return false
  } else {
    if (mark < counter.mark - bucketsPerWindow) return false
    fill(counter, counter.bucketWhole, mark % bucketsKept, amount)
  }
  use(counter, amount.whole, amount.pico)
  return true
}

function fill(counter: Counter, bucketWhole: number[], cell: number, amount: Quantity): void {
  bucketWhole[cell] = (bucketWhole[cell] ?? 0) + amount.whole
  if (amount.pico === 0) return
  counter.bucketPico ??= emptyBuckets()
  counter.bucketPico[cell] = (counter.bucketPico[cell] ?? 0) + amount.pico
}

/** Adds to what is held. */
export function hold(counter: Counter, amount: Quantity): void {
  changeHeld(counter, amount.whole, amount.pico)
}

/** Takes back what was held since `mark`, wherever it has been carried. */
export function unhold(counter: Counter, mark: number, amount: Quantity): void {
  if (counter.holdsEndWithPeriod && mark !== counter.mark) return
  changeHeld(counter, -amount.whole, -amount.pico)
}

function changeHeld(counter: Counter, whole: number, pico: number): void {
  const sum = counter.heldPico + pico
  const carried = Math.floor(sum / picoPerWhole)
  counter.heldPico = sum - carried * picoPerWhole
  counter.heldWhole += whole + carried
}

/** Whether a counter has no room for `needed` under a ceiling, beside what is used and held. */
export function lacksRoom(counter: Counter, ceiling: Quantity, needed: Quantity): boolean {
  const whole = ceiling.whole - counter.usedWhole - counter.heldWhole - needed.whole
  const pico = ceiling.pico - counter.usedPico - counter.heldPico - needed.pico
  // The sum of the parts is inexact only where `whole` alone decides its sign.
  return whole * picoPerWhole + pico < 0
}

/** Whether it would lack the room even if nothing were held. */
export function lacksRoomUnheld(counter: Counter, ceiling: Quantity, needed: Quantity): boolean {
  const whole = ceiling.whole - counter.usedWhole - needed.whole
  const pico = ceiling.pico - counter.usedPico - needed.pico
  return whole * picoPerWhole + pico < 0
}

/** What is left under a ceiling beside what is used and held; negative where it is overrun. */
export function roomIn(counter: Counter, ceiling: Quantity): Quantity {
  return quantityOf(
    ceiling.whole - counter.usedWhole - counter.heldWhole,
    ceiling.pico - counter.usedPico - counter.heldPico,
  )
}

/**
 * What is used, as it is shown. A counter may stand below nothing, where an adjustment took away what was given back
 * later: it counts on from there, but nobody is told.
 */
export function usedIn(counter: Counter): Quantity {
  const used = quantityOf(counter.usedWhole, counter.usedPico)
  return compare(used, zero) < 0 ? zero : used
}

/** Which part of a ceiling is left, near enough to compare rows by. */
export function shareLeft(counter: Counter, ceiling: Quantity): number {
  const used = (counter.usedWhole + counter.heldWhole) * picoPerWhole + counter.usedPico + counter.heldPico
  return 1 - used / (ceiling.whole * picoPerWhole + ceiling.pico)
}

/**
 * The earliest moment at which a counter that lacks the room for `needed` has it, if nothing else happens.
 *
 * The end of the period; rolling, that of the buckets which have to be forgotten. Where what is held stands in the way
 * for ever, the moment at which all that is used now is forgotten; where nothing is used, the window's length from now.
 */
export function opensAt(counter: Counter, ceiling: Quantity, needed: Quantity, now: EpochMs): EpochMs {
  const { window, bucketWhole, bucketPico } = counter
  if (window.kind !== 'rolling' || bucketWhole === null) return counter.turnsAt
  let whole = ceiling.whole - counter.usedWhole - counter.heldWhole - needed.whole
  let pico = ceiling.pico - counter.usedPico - counter.heldPico - needed.pico
  let opens = now + window.lengthMs
  for (let bucket = counter.mark - bucketsPerWindow; bucket <= counter.mark; bucket += 1) {
    const cell = bucket % bucketsKept
    const freedWhole = bucketWhole[cell] ?? 0
    const freedPico = bucketPico?.[cell] ?? 0
    if (freedWhole === 0 && freedPico === 0) continue
    whole += freedWhole
    pico += freedPico
    opens = bucketStart(window.lengthMs, bucket + bucketsKept)
    if (whole * picoPerWhole + pico >= 0) break
  }
  return opens
}

/** Nothing used and nothing held: a new counter would say the same. */
export function isIdle(counter: Counter): boolean {
  return (
    counter.usedWhole === 0 && counter.usedPico === 0 && counter.heldWhole === 0 && counter.heldPico === 0
  )
}

/** The record of an amount charged at the instant `at`, to the period with this mark. */
export function chargeOf(counter: Counter, mark: number, at: EpochMs, amount: Quantity): Charge {
  const { name, generation, window } = counter
  if (window.kind === 'rolling') return { counter: name, generation, startsAt: at, endsAt: null, amount }
  const endsAt = mark === counter.mark ? counter.turnsAt : periodOf(window, mark).endsAt
  return { counter: name, generation, startsAt: mark, endsAt, amount }
}

/** The record of an amount charged at the instant `at` to the period with this mark, by a row's own window. */
export function chargeByRow(
  { counter, generation, window }: PlanRow,
  mark: number,
  at: EpochMs,
  amount: Quantity,
): Charge {
  if (window.kind === 'rolling') return { counter, generation, startsAt: at, endsAt: null, amount }
  return { counter, generation, ...periodOf(window, mark), amount }
}

/**
 * Counts what was charged elsewhere: before a restart, or by an adjustment.
 *
 * Charges of one period add up, a newer period replaces, an older one is ignored; so is another generation.
 */
export function recount(counter: Counter, charge: Charge): void {
  if (charge.generation !== counter.generation) return
  const { window } = counter
  if (window.kind === 'rolling') {
    // A clock that was set back must not put a charge ahead of the present, where it would stay too long.
    chargeAt(counter, Math.min(bucketOf(window.lengthMs, charge.startsAt), counter.mark), charge.amount)
    return
  }
  if (charge.endsAt === null || charge.startsAt < counter.mark) return
  if (charge.startsAt > counter.mark) begin(counter, charge.startsAt, charge.endsAt)
  chargeAt(counter, charge.startsAt, charge.amount)
}
