import { compare, type Quantity, zero } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import { amountFor, type Claim, heldBy, neededBy, needOf, one, outputThatFits } from './claim.ts'
import {
  type Counter,
  chargeAt,
  hold,
  lacksRoom,
  lacksRoomUnheld,
  opensAt,
  roomIn,
  shareLeft,
  turn,
  usedIn,
} from './counter.ts'
import type { Amounts, Judged, Plan, PlanRow, Refusal, Reservation, Standing, StrictHold } from './plan.ts'

/** A row and the counter that it caps. */
export interface Slot {
  readonly row: PlanRow
  counter: Counter
}

/** A reservation, and what it takes to end it. */
export interface OpenReservation extends Reservation {
  readonly slots: readonly Slot[]
  /** By row: the period or bucket of the admission. */
  readonly marks: readonly number[]
  readonly held: Claim
  /** How many rebases its store had seen: a counter whose last one is later counts in another generation now. */
  readonly rebases: number
  isOpen: boolean
}

/** Until a row opens that refuses only for what attempts under way hold. */
export const heldRetryMs = 1000

const noHolds: readonly StrictHold[] = []

/**
 * Admits one attempt by every row of its plan, or charges none of them.
 *
 * Requests are charged here. Tokens and cost are held here by estimate (by worst case where the row is strict) and
 * charged by `settle` once they are known. What can never be admitted is refused before what has no room now, and a
 * missing price last: it is not worth knowing while a limit is spent.
 *
 * Never awaits: nothing can run between the check and the charge.
 */
export function reserve(
  plan: Plan,
  slots: readonly Slot[],
  amounts: Amounts,
  now: EpochMs,
  rebases: number,
): OpenReservation | Refusal {
  const needed = neededBy(amounts, plan.isStrict)
  let refused: Slot[] | null = null
  for (const slot of slots) {
    turn(slot.counter, now)
    if (!lacksRoom(slot.counter, slot.row.ceiling, needOf(slot.row, needed))) continue
    refused ??= []
    refused.push(slot)
  }
  if (refused !== null) return refusal(refused, needed, now)
  const unpriced = amounts.rates === null ? plan.rows.find(({ metric }) => metric === 'cost') : undefined
  if (unpriced !== undefined) return { refusal: 'unpriced', row: unpriced }
  return admit(plan, slots, amounts, now, rebases)
}

function refusal(refused: readonly Slot[], needed: Claim, now: EpochMs): Refusal {
  const judged: Judged[] = []
  let opens = now
  let onlyHeld = true
  for (const slot of refused) {
    const { row } = slot
    const need = needOf(row, needed)
    if (isStrict(row) && compare(need, row.ceiling) > 0) return { refusal: 'impossible', row, bound: need }
    const verdict = judge(slot, need, now)
    judged.push(verdict)
    opens = Math.max(opens, verdict.opensAt)
    onlyHeld &&= verdict.onlyHeld
  }
  const [first] = refused
  if (first === undefined) throw new Error('a refusal without a row')
  return {
    refusal: 'limited',
    row: first.row,
    judged,
    remaining: remainingIn(first),
    opensAt: opens,
    onlyHeld,
  }
}

function judge({ row, counter }: Slot, needed: Quantity, now: EpochMs): Judged {
  const onlyHeld = !lacksRoomUnheld(counter, row.ceiling, needed)
  return {
    row,
    used: usedIn(counter),
    held: { whole: counter.heldWhole, pico: counter.heldPico },
    needed,
    opensAt: onlyHeld ? now + heldRetryMs : opensAt(counter, row.ceiling, needed, now),
    onlyHeld,
  }
}

function admit(
  plan: Plan,
  slots: readonly Slot[],
  amounts: Amounts,
  now: EpochMs,
  rebases: number,
): OpenReservation {
  const outputCap = plan.isStrict ? grantedCap(slots, amounts) : null
  const held = heldBy(amounts, outputCap)
  const marks: number[] = []
  let tightest: Slot | null = null
  let leastLeft = Number.POSITIVE_INFINITY
  for (const slot of slots) {
    const { row, counter } = slot
    marks.push(counter.mark)
    if (row.metric === 'request') chargeAt(counter, counter.mark, one)
    else hold(counter, amountFor(row, held))
    const left = shareLeft(counter, row.ceiling)
    if (left >= leastLeft) continue
    leastLeft = left
    tightest = slot
  }
  return {
    plan,
    admittedAt: now,
    outputCap,
    strictHolds: plan.isStrict ? strictHolds(plan, held) : noHolds,
    tightest: tightest === null ? null : standingOf(tightest, now),
    slots,
    marks,
    held,
    rebases,
    isOpen: true,
  }
}

/** The most that every strict row can pay for, up to what was asked for. */
function grantedCap(slots: readonly Slot[], amounts: Amounts): number {
  let granted = amounts.outputCap ?? amounts.defaultOutputCap
  for (const { row, counter } of slots) {
    if (!isStrict(row)) continue
    granted = Math.min(granted, outputThatFits(row, roomIn(counter, row.ceiling), amounts))
  }
  return granted
}

function strictHolds(plan: Plan, held: Claim): readonly StrictHold[] {
  return plan.rows.filter(isStrict).map((row) => ({ row, amount: amountFor(row, held) }))
}

function isStrict(row: PlanRow): boolean {
  return row.strict && row.metric !== 'request'
}

function standingOf(slot: Slot, now: EpochMs): Standing {
  const { row, counter } = slot
  const resetMs = row.window.kind === 'rolling' ? row.window.lengthMs : counter.turnsAt - now
  return { row, remaining: remainingIn(slot), resetMs }
}

function remainingIn({ row, counter }: Slot): Quantity {
  const room = roomIn(counter, row.ceiling)
  return compare(room, zero) > 0 ? room : zero
}
