/**
 * An amount that a limit counts: requests, tokens, or money.
 *
 * For requests and tokens `whole` is the count and `pico` is 0. For money `whole` is microdollars and `pico` the
 * rest in picodollars, below 1,000,000: a float64 or int64 of picodollars alone could not hold a large total.
 * In a negative quantity both parts are negative or zero.
 */
export interface Quantity {
  readonly whole: number
  readonly pico: number
}

/** Picodollars of one microdollar. */
export const picoPerWhole = 1_000_000
const bigPicoPerWhole = 1_000_000n

/** Nothing of any metric. */
export const zero: Quantity = { whole: 0, pico: 0 }

/**
 * The quantity that two parts of any size and sign make.
 *
 * Both parts are safe integers. Totals beyond 2^53 lose their last digits, as every number does.
 */
export function quantityOf(whole: number, pico: number): Quantity {
  const carried = whole + Math.trunc(pico / picoPerWhole)
  const rest = pico % picoPerWhole
  if (carried > 0 && rest < 0) return { whole: carried - 1, pico: rest + picoPerWhole }
  if (carried < 0 && rest > 0) return { whole: carried + 1, pico: rest - picoPerWhole }
  // Adding 0 turns the -0 that truncation may leave into 0.
  return { whole: carried + 0, pico: rest + 0 }
}

export function add(left: Quantity, right: Quantity): Quantity {
  return quantityOf(left.whole + right.whole, left.pico + right.pico)
}

export function subtract(left: Quantity, right: Quantity): Quantity {
  return quantityOf(left.whole - right.whole, left.pico - right.pico)
}

export function negate(quantity: Quantity): Quantity {
  return { whole: 0 - quantity.whole, pico: 0 - quantity.pico }
}

/** Below, at or above 0 as `left` is less than, equal to or more than `right`; fit for `Array.sort`. */
export function compare(left: Quantity, right: Quantity): number {
  return left.whole - right.whole || left.pico - right.pico
}

export function isZero(quantity: Quantity): boolean {
  return quantity.whole === 0 && quantity.pico === 0
}

/** Money from picodollars. Exact up to 2^53 microdollars, about nine billion dollars. */
export function fromPico(pico: bigint): Quantity {
  return { whole: Number(pico / bigPicoPerWhole), pico: Number(pico % bigPicoPerWhole) }
}

/** Money in picodollars. */
export function toPico(quantity: Quantity): bigint {
  return BigInt(quantity.whole) * bigPicoPerWhole + BigInt(quantity.pico)
}
