import { fromPico, isZero, negate, type Quantity } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import { amountFor, one } from './claim.ts'
import { type Counter, chargeAt, chargeByRow, chargeOf, turn, unhold } from './counter.ts'
import type { Actual, Charge } from './plan.ts'
import type { OpenReservation } from './reserve.ts'

const minusOne = negate(one)

/** How an attempt ends that was given back: nothing was used, and requests are returned where that is allowed. */
export const unused: Actual = { tokens: 0, costPico: 0n, reported: true, failed: true }

/**
 * Replaces the holds of a reservation by what was used, and returns every charge made, request units included.
 *
 * A charge of the period of admission is returned even when that is over and the counter ignores it. Amounts of
 * nothing make no charge, nor do forgotten counters.
 */
export function settle(reservation: OpenReservation, actual: Actual, now: EpochMs): readonly Charge[] {
  const { slots, marks, held } = reservation
  const tokens: Quantity = { whole: actual.tokens, pico: 0 }
  const cost = fromPico(actual.costPico)
  const charges: Charge[] = []
  let index = 0
  for (const { row, counter } of slots) {
    const mark = marks[index] ?? counter.mark
    index += 1
    if (counter.state === 'forgotten') continue
    turn(counter, now)
    if (row.metric === 'request') {
      // A unit stays in the generation that it was put in, whose window the plan still knows.
      if (counter.rebase > reservation.rebases) {
        charges.push(chargeByRow(row, mark, reservation.admittedAt, one))
        continue
      }
      const isRefunded = actual.failed && row.refundsFailed && chargeAt(counter, mark, minusOne)
      if (!isRefunded) charges.push(chargeOf(counter, mark, reservation.admittedAt, one))
      continue
    }
    const holding = amountFor(row, held)
    unhold(counter, mark, holding)
    const used = row.metric === 'token' ? tokens : cost
    const amount = row.strict && !actual.reported ? holding : used
    if (!isZero(amount)) charges.push(charge(counter, mark, amount, now))
  }
  return charges
}

function charge(counter: Counter, admittedIn: number, amount: Quantity, now: EpochMs): Charge {
  const mark = counter.holdsEndWithPeriod ? admittedIn : counter.mark
  chargeAt(counter, mark, amount)
  return chargeOf(counter, mark, now, amount)
}
