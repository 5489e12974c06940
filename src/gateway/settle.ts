import type { Failure } from '../domain/failure.ts'
import type { Quantity } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Usage } from '../domain/usage.ts'
import type { Attempt } from '../ledger/fact-record.ts'
import type { UsageEvent } from '../ledger/record.ts'
import type { Actual, Charge } from '../limits/plan.ts'
import type { Ask, Grant } from './call.ts'
import type { Room } from './room.ts'

/** How an attempt ended, as far as the accounts are concerned. */
export type Ending =
  /** The provider told what was used; it may tell so with an error. */
  | { readonly ending: 'reported'; readonly usage: Usage; readonly failed: boolean }
  /** The caller left, or a drain ended the call: what was relayed is estimated, and billed. */
  | { readonly ending: 'estimated'; readonly usage: Usage }
  /** It was sent, and nobody told what was used. */
  | { readonly ending: 'untold' }
  /** It was never sent, or the provider turned it down. */
  | { readonly ending: 'unused' }

const free: Quantity = { whole: 0, pico: 0 }

/** The end of an attempt that went its way, whether or not the provider said what it took. */
export function endedWith(usage: Usage | null): Ending {
  return usage === null ? { ending: 'untold' } : { ending: 'reported', usage, failed: false }
}

/** The end of an attempt whose caller left: the prompt, and one token for each event that was relayed. */
export function leftAfter(ask: Ask, contentEvents: number): Ending {
  return {
    ending: 'estimated',
    usage: { input: ask.inputEstimate, output: contentEvents, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
  }
}

/** Called once: with null when the record is written, else with why it is not. */
type Then = (unwritten: Failure | null) => void

/**
 * Charges an attempt and puts its settlement in the spool. Calls `then` once the record is written, so that what is
 * sent from there is accounted for; with a failure if that takes too long, and then the answer must not be completed.
 * What goes wrong here, or in `then`, goes to `bug`.
 */
export function settle(
  grant: Grant,
  ending: Ending,
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
    const charged = charge(grant, ending, room, now)
    if (charged instanceof Promise)
      charged.then((charges) => account(grant, ending, charges, now, room, told)).catch(bug)
    else account(grant, ending, charged, now, room, told)
  } catch (error) {
    bug(error)
  }
}

/** The same for whoever waits. */
export function settled(grant: Grant, ending: Ending, room: Room): Promise<Failure | null> {
  return new Promise((resolve, reject) => settle(grant, ending, room, resolve, reject))
}

function account(
  grant: Grant,
  ending: Ending,
  charges: readonly Charge[],
  now: EpochMs,
  room: Room,
  then: Then,
): void {
  const usage = 'usage' in ending ? ending.usage : null
  if (usage !== null) noteUsage(grant, usage, ending, room)

  const isBillable = usage !== null && usage.input + usage.output > 0
  if (!isBillable) noteAttempt(grant, now, room)
  if (charges.length > 0 || isBillable) {
    const event = isBillable ? eventOf(grant, usage, ending.ending === 'estimated', now) : null
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
export function recordHold(grant: Grant, room: Room): Promise<Failure | null> {
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
  { reservation }: Grant,
  ending: Ending,
  { counters }: Room,
  now: EpochMs,
): readonly Charge[] | Promise<readonly Charge[]> {
  if (ending.ending === 'unused') return counters.release(reservation, now)
  return counters.settle(reservation, actualOf(ending), now)
}

function actualOf(ending: Exclude<Ending, { ending: 'unused' }>): Actual {
  if (ending.ending === 'untold') return { tokens: 0, costPico: 0n, reported: false, failed: false }
  const { usage } = ending
  return {
    tokens: usage.input + usage.output,
    costPico: 0n,
    reported: ending.ending === 'reported',
    failed: ending.ending === 'reported' && ending.failed,
  }
}

function noteUsage(grant: Grant, usage: Usage, ending: Ending, room: Room): void {
  const { call, ask } = grant
  call.usage = usage
  room.metrics.inputTokens.value += usage.input
  room.metrics.outputTokens.value += usage.output
  if (ending.ending !== 'reported') return
  if (!ending.failed && ask.request.hasOutput)
    grant.target.entry.average.note(usage.output, Math.max(1, ask.request.choices))
  const tokens = usage.input + usage.output
  if (
    grant.reservation.strictHolds.some(({ row, amount }) => row.metric === 'token' && tokens > amount.whole)
  ) {
    room.metrics.providerExceededCap.value += 1
    room.log.warn(
      { id: call.id, model: ask.request.model, tokens },
      'the provider used more than a strict limit had held',
    )
  }
}

function eventOf(grant: Grant, usage: Usage, estimated: boolean, now: EpochMs): UsageEvent {
  const { call, ask, target } = grant
  const { key } = call
  if (key === null) throw new Error('a call without a key was admitted')
  return {
    workspaceId: key.workspaceId,
    requestId: call.id,
    keyId: key.id,
    keyPrefix: key.prefix,
    nodeId: target.node.id,
    externalId: target.node.externalId,
    model: ask.request.model,
    provider: target.upstream.provider,
    upstreamModel: target.upstream.upstreamModel,
    usage,
    cost: free,
    estimated,
    streamed: ask.request.isStream,
    status: call.isCut ? 499 : call.status,
    latencyMs: now - call.startedAt,
    firstTokenMs: call.firstTokenMs,
    metadata: metadataOf(ask),
    outcome: grant.outcome,
    upstreamStatus: grant.upstreamStatus,
    admittedMs: grant.reservation.admittedAt - call.startedAt,
    firstByteMs: grant.firstByteMs,
  }
}

/** Leaves word of an attempt that no usage event tells of. Nobody waits for it. */
function noteAttempt(grant: Grant, now: EpochMs, room: Room): void {
  const { call, ask, target, outcome, upstreamStatus, firstByteMs } = grant
  const { key } = call
  if (key === null) throw new Error('a call without a key was admitted')
  const attempt: Attempt = {
    workspaceId: key.workspaceId,
    requestId: call.id,
    keyId: key.id,
    nodeId: target.node.id,
    model: ask.request.model,
    provider: target.upstream.provider,
    upstreamModel: target.upstream.upstreamModel,
    outcome,
    upstreamStatus,
    streamed: ask.request.isStream,
    admittedMs: grant.reservation.admittedAt - call.startedAt,
    firstByteMs,
    latencyMs: now - call.startedAt,
  }
  room.spool.append({ record: 'attempt', id: grant.attemptId, at: now, attempt }, nobodyWaits)
}

function nobodyWaits(): void {}

/** The caller's `metadata` as it stands in the body; null where it is absent or `null`. */
function metadataOf({ body, request }: Ask): string | null {
  const { metadata } = request
  if (metadata === null) return null
  const text = body.toString('utf8', metadata.valueStart, metadata.valueEnd)
  return text === 'null' ? null : text
}
