import { fromPico, type Quantity } from './quantity.ts'

/** Why a text is no amount of money that we take. */
export type MoneyFault = 'malformed' | 'negative' | 'too_small' | 'too_large'

/** The most that one call is charged, and the highest ceiling: 9e9 dollars, in picodollars. */
export const largestPico = 9_000_000_000_000_000_000_000n

/** One million dollars in 1e-18 dollars. */
const largestPrice = 1_000_000_000_000_000_000_000_000n
const pricePerPico = 1_000_000n

/** Reads the text of a JSON number as dollars per unit, in 1e-18 dollars, finer digits rounded half up. */
export function readPrice(text: string): bigint | MoneyFault {
  return read(text, 18, largestPrice, true)
}

/** Reads the text of a JSON number as a cost in dollars, in picodollars, finer digits rounded half up. */
export function readCost(text: string): bigint | MoneyFault {
  return read(text, 12, largestPico, true)
}

/** Reads the text of a JSON number as a ceiling in dollars. More than nothing, but less than a picodollar, is `too_small`. */
export function readCeiling(text: string): Quantity | MoneyFault {
  const pico = read(text, 12, largestPico, false)
  return typeof pico === 'bigint' ? fromPico(pico) : pico
}

/** So many units of one price. */
export interface PricedUnits {
  readonly units: number
  /** 1e-18 dollars per unit. */
  readonly price: bigint
}

/**
 * What a usage costs, in picodollars: its parts summed exactly, and rounded half up once.
 *
 * Not clamped: what is above `largestPico` is charged as that, and logged, by the caller.
 */
export function costOf(parts: readonly PricedUnits[]): bigint {
  let total = 0n
  for (const part of parts) total += BigInt(part.units) * part.price
  return (total + pricePerPico / 2n) / pricePerPico
}

/** Dollars in exact decimal digits without an exponent, which is also a JSON number: `12.5`, `0.000000000001`. */
export function dollarsText(money: Quantity): string {
  const microdollars = Math.abs(money.whole)
  const dollars = Math.floor(microdollars / 1_000_000)
  const fraction =
    String(microdollars % 1_000_000).padStart(6, '0') + String(Math.abs(money.pico)).padStart(6, '0')
  const digits = fraction.replace(/0+$/, '')
  const sign = money.whole < 0 || money.pico < 0 ? '-' : ''
  return `${sign}${dollars}${digits === '' ? '' : `.${digits}`}`
}

/** Dollars as the nearest number: only for the edge, where JSON wants one. */
export function toDollars(money: Quantity): number {
  return Number(dollarsText(money))
}

const jsonNumber = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** More digits than any limit here has: what is longer is too large without being computed. */
const mostDigits = 40

function read(text: string, scale: number, largest: bigint, roundsToNothing: boolean): bigint | MoneyFault {
  const match = jsonNumber.exec(text)
  if (match === null) return 'malformed'
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  if (digits === '') return 0n
  if (sign === '-') return 'negative'

  // How many of the digits stand left of the point once the number is counted in its smallest unit.
  const kept = digits.length - fraction.length + Number(exponent) + scale
  if (kept > mostDigits) return 'too_large'
  const floor = kept > 0 ? BigInt(digits.slice(0, kept).padEnd(kept, '0')) : 0n
  const isExact = !/[1-9]/.test(digits.slice(Math.max(kept, 0)))
  if (floor > largest || (floor === largest && !isExact)) return 'too_large'
  if (floor === 0n && !roundsToNothing) return 'too_small'
  const roundsUp = kept >= 0 && digits.charAt(kept) >= '5'
  return roundsUp ? floor + 1n : floor
}
