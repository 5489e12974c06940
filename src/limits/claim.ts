import { largestPico } from '../domain/money.ts'
import { compare, fromPico, isZero, type Quantity, toPico } from '../domain/quantity.ts'
import type { Amounts, PlanRow, Rates } from './plan.ts'

/** Amounts of one attempt by kind of row: what rows need to admit it, or what they hold while it runs. */
export interface Claim {
  readonly tokens: Quantity
  readonly cost: Quantity
  readonly strictTokens: Quantity
  readonly strictCost: Quantity
}

/** The smallest amounts that a limit can count. */
export const one: Quantity = { whole: 1, pico: 0 }
export const onePico: Quantity = { whole: 0, pico: 1 }

/** Fewer output tokens than this are not worth a strict call, unless the caller asks for fewer. */
const leastOutput = 16

/** No call is charged more: estimates above it are taken for nonsense. Keeps sums of holds exact. */
const mostTokens = 2 ** 40
const largestHold = fromPico(largestPico)

const pricePerPico = 1_000_000n

/** Which of a claim's amounts is a row's. */
export function amountFor(row: PlanRow, claim: Claim): Quantity {
  if (row.metric === 'request') return one
  if (row.metric === 'token') return row.strict ? claim.strictTokens : claim.tokens
  return row.strict ? claim.strictCost : claim.cost
}

/**
 * The room that an attempt needs in each row: strict rows that of its input bound and its least useful answer.
 *
 * All others need the smallest amount there is, because they admit whatever comes while they are below their ceiling.
 * A strict row without a price to judge by does so too.
 */
export function neededBy(amounts: Amounts, isStrict: boolean): Claim {
  if (!isStrict) return ordinaryNeed
  const wanted = amounts.outputCap ?? amounts.defaultOutputCap
  const output = Math.min(leastOutput, wanted) * amounts.choices
  return { tokens: one, cost: onePico, ...worstCase(amounts, output) }
}

const ordinaryNeed: Claim = { tokens: one, cost: onePico, strictTokens: one, strictCost: onePico }

/** What a row needs of a claim. A ceiling of nothing admits nothing, whatever little is asked. */
export function needOf(row: PlanRow, needed: Claim): Quantity {
  return row.strict && isZero(row.ceiling) ? amountFor(row, ordinaryNeed) : amountFor(row, needed)
}

/** What rows hold while an attempt runs whose answers are capped at `grantedCap`, null where no strict row caps them. */
export function heldBy(amounts: Amounts, grantedCap: number | null): Claim {
  const cap = grantedCap ?? amounts.outputCap ?? Number.POSITIVE_INFINITY
  const output = Math.min(amounts.outputEstimate, cap) * amounts.choices
  const tokens = { whole: Math.min(amounts.inputEstimate + output, mostTokens), pico: 0 }
  const cost = atMost(largestHold, priced(amounts.rates, amounts.inputEstimate, output))
  if (grantedCap === null) return { tokens, cost, strictTokens: tokens, strictCost: cost }
  return { tokens, cost, ...worstCase(amounts, grantedCap * amounts.choices) }
}

function worstCase(amounts: Amounts, output: number): Pick<Claim, 'strictTokens' | 'strictCost'> {
  return {
    strictTokens: { whole: amounts.inputBound + output, pico: 0 },
    strictCost: priced(amounts.rates, amounts.inputBound, output),
  }
}

/** The price of so many tokens, rounded up; the smallest there is without rates. */
function priced(rates: Rates | null, input: number, output: number): Quantity {
  if (rates === null) return onePico
  const price = BigInt(input) * rates.input + BigInt(output) * rates.output
  return fromPico((price + pricePerPico - 1n) / pricePerPico)
}

function atMost(most: Quantity, amount: Quantity): Quantity {
  return compare(amount, most) > 0 ? most : amount
}

/** How many output tokens of each choice fit into what is left of a strict row, beside the input bound. */
export function outputThatFits(row: PlanRow, room: Quantity, amounts: Amounts): number {
  if (row.metric === 'token') return Math.floor((room.whole - amounts.inputBound) / amounts.choices)
  if (amounts.rates === null) return 0
  const left = toPico(room) * pricePerPico - BigInt(amounts.inputBound) * amounts.rates.input
  const each = BigInt(amounts.choices) * amounts.rates.output
  return each === 0n ? Number.POSITIVE_INFINITY : Number(left / each)
}
