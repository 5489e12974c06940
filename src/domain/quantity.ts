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
