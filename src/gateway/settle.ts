import type { Failure } from '../domain/failure.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Usage } from '../domain/usage.ts'
import type { Attempt } from '../ledger/fact-record.ts'
import type { UsageEvent } from '../ledger/record.ts'
import type { Actual, Charge } from '../limits/plan.ts'
import type { Admitted } from './call.ts'
import type { Room } from './room.ts'

/** How an attempt ended, as far as the accounts are concerned. */
export type Ending<Used extends Usage = Usage> =
  /** The provider told what was used; it may tell so with an error. */
  | { readonly ending: 'reported'; readonly usage: Used; readonly failed: boolean }
  /** The caller left, or a drain ended the call: what was relayed is estimated, and billed. */
  | { readonly ending: 'estimated'; readonly usage: Used }
  /** It was sent, and nobody told what was used. */
  | { readonly ending: 'untold'; readonly failed: boolean }
  /** It was never sent, or the provider turned it down. */
  | { readonly ending: 'unused' }

/** What a door knows of the attempts made there, for the accounts. */
export interface Books<G extends Admitted, Used extends Usage = Usage> {
  /** In picodollars, at most what one call is charged. */
  costOf(grant: G, used: Used): bigint
  /** Usage is known, before it is charged. */
  note(grant: G, used: Used, ending: Ending<Used>, room: Room): void
  eventOf(grant: G, used: Used, costPico: bigint, estimated: boolean, now: EpochMs, room: Room): UsageEvent
  attemptOf(grant: G, now: EpochMs, room: Room): Attempt
}

/** The end of an attempt that went its way, whether or not the provider said what it took. */
export function endedWith<Used extends Usage>(usage: Used | null): Ending<Used> {
  return usage === null ? { ending: 'untold', failed: false } : { ending: 'reported', usage, failed: false }
}

/** Called once: with null when the record is written, else with why it is not. */
type Then = (unwritten: Failure | null) => void

/**
 * Charges an attempt and puts its settlement in the spool. Calls `then` once the record is written, so that what is
 * sent from there is accounted for; with a failure if that takes too long, and then the answer must not be completed.
 * What goes wrong here, or in `then`, goes to `bug`.
 */
export function settle<G extends Admitted, Used extends Usage>(
  books: Books<G, Used>,
  grant: G,
  ending: Ending<Used>,
  room: Room,
  then: Then,
  bug: (error: unknown) => void,
): void {
  const told: Then = (unwritten) => {
    try {
      then(unwritten)
    } catch (error) {
      bug(error)
    }
  }
  try {
    if (grant.isClosed) throw new Error(`attempt ${grant.attemptId} was closed twice`)
    grant.isClosed = true
    const now = room.clock()
    const costPico = 'usage' in ending ? books.costOf(grant, ending.usage) : 0n
    const charged = charge(grant, ending, costPico, room, now)
    if (charged instanceof Promise)
      charged.then((charges) => account(books, grant, ending, costPico, charges, now, room, told)).catch(bug)
    else account(books, grant, ending, costPico, charged, now, room, told)
  } catch (error) {
    bug(error)
  }
}

/** The same for whoever waits. */
export function settled<G extends Admitted, Used extends Usage>(
  books: Books<G, Used>,
  grant: G,
  ending: Ending<Used>,
  room: Room,
): Promise<Failure | null> {
  return new Promise((resolve, reject) => settle(books, grant, ending, room, resolve, reject))
}

function account<G extends Admitted, Used extends Usage>(
  books: Books<G, Used>,
  grant: G,
  ending: Ending<Used>,
  costPico: bigint,
  charges: readonly Charge[],
  now: EpochMs,
  room: Room,
  then: Then,
): void {
  const usage = 'usage' in ending ? ending.usage : null
  if (usage !== null) books.note(grant, usage, ending, room)

  const isBillable = usage !== null && usage.input + usage.output > 0
  if (!isBillable) noteAttempt(books, grant, now, room)
  if (charges.length > 0 || isBillable) {
    const isEstimated = ending.ending === 'estimated'
    const event = isBillable ? books.eventOf(grant, usage, costPico, isEstimated, now, room) : null
    room.spool.append(
      {
        record: 'settlement',
        id: grant.attemptId,
        at: now,
        closesHold: grant.hasHoldRecord,
        charges,
        event,
      },
      then,
    )
  } else if (grant.hasHoldRecord) {
    room.spool.append({ record: 'release', id: grant.attemptId, at: now }, then)
  } else {
    then(null)
  }
}

/** Puts the hold of a strict attempt in the spool, before anything is sent: a crash then charges it whole. */
export function recordHold(grant: Admitted, room: Room): Promise<Failure | null> {
  const { strictHolds, admittedAt } = grant.reservation
  grant.hasHoldRecord = true
  return new Promise((resolve) =>
    room.spool.append(
      { record: 'hold', id: grant.attemptId, at: room.clock(), admittedAt, holds: strictHolds },
      resolve,
    ),
  )
}

function charge(
  { reservation }: Admitted,
  ending: Ending,
  costPico: bigint,
  { counters }: Room,
  now: EpochMs,
): readonly Charge[] | Promise<readonly Charge[]> {
  if (ending.ending === 'unused') return counters.release(reservation, now)
  return counters.settle(reservation, actualOf(ending, costPico), now)
}

function actualOf(ending: Exclude<Ending, { ending: 'unused' }>, costPico: bigint): Actual {
  if (ending.ending === 'untold') return { tokens: 0, costPico: 0n, reported: false, failed: ending.failed }
  const { usage } = ending
  return {
    tokens: usage.input + usage.output,
    costPico,
    reported: ending.ending === 'reported',
    failed: ending.ending === 'reported' && ending.failed,
  }
}

/** Leaves word of an attempt that no usage event tells of. Nobody waits for it. */
function noteAttempt<G extends Admitted>(books: Books<G>, grant: G, now: EpochMs, room: Room): void {
  const attempt = books.attemptOf(grant, now, room)
  room.spool.append({ record: 'attempt', id: grant.attemptId, at: now, attempt }, nobodyWaits)
}

function nobodyWaits(): void {}
