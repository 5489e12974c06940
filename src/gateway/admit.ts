import type { Failure } from '../domain/failure.ts'
import type { AttemptId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { RefusedCall } from '../ledger/fact-record.ts'
import { noticeOf, wordImpossible } from '../limits/notice.ts'
import { type Amounts, isRefusal, type Limited, type Refusal, type Reservation } from '../limits/plan.ts'
import type { Ask, Call, Grant, Target } from './call.ts'
import { outgoingBody } from './outgoing.ts'
import type { Room } from './room.ts'

/** Reserves every row of the target's plan, or none. Judged by what is used and held at this instant. */
export function admit(
  call: Call,
  ask: Ask,
  target: Target,
  room: Room,
): Grant | Failure | Promise<Grant | Failure> {
  const { plan } = target.entry
  const refused = plan.isStrict ? ask.asked.strictRefusal() : null
  if (refused !== null) return { failure: 'impossible', message: refused }

  const amounts = amountsOf(ask, target, room.defaultOutputCap)
  const now = room.clock()
  const judged = room.counters.reserve(plan, amounts, now)
  return judged instanceof Promise
    ? judged.then((judgement) => conclude(call, ask, target, judgement, now, room))
    : conclude(call, ask, target, judged, now, room)
}

function conclude(
  call: Call,
  ask: Ask,
  target: Target,
  judgement: Reservation | Refusal,
  now: EpochMs,
  room: Room,
): Grant | Failure {
  if (isRefusal(judgement)) {
    if (judgement.refusal !== 'limited') return { failure: 'impossible', message: wordImpossible(judgement) }
    room.metrics.refusals(judgement.row.metric).value += 1
    room.refusals.note(refusedCall(call, target, judgement))
    return { failure: 'limited', limit: noticeOf(judgement, ask.request.model, now) }
  }
  const attemptId = room.newUlid(now) as AttemptId
  return {
    call,
    ask,
    attemptId,
    target,
    reservation: judgement,
    hasHoldRecord: false,
    outcome: 'ok',
    upstreamStatus: null,
    firstByteMs: null,
    isClosed: false,
    wasSent: false,
  }
}

function refusedCall(
  call: Call,
  { node, upstream }: Target,
  { judged, opensAt, onlyHeld }: Limited,
): RefusedCall {
  const { key } = call
  if (key === null) throw new Error('a call without a key was judged')
  return {
    workspaceId: key.workspaceId,
    requestId: call.id,
    keyId: key.id,
    nodeId: node.id,
    model: call.model,
    provider: upstream.provider,
    opensAt,
    onlyHeld,
    judged,
  }
}

function amountsOf(ask: Ask, target: Target, defaultCap: number): Amounts {
  const { entry, upstream } = target
  const { outputCap, choices, hasOutput } = ask.request
  const defaultOutputCap = hasOutput ? Math.min(defaultCap, upstream.maxOutputTokens ?? defaultCap) : 0
  return {
    inputEstimate: ask.inputEstimate,
    inputBound: entry.plan.isStrict ? inputBound(ask, target, outputCap ?? defaultOutputCap) : 0,
    outputEstimate: hasOutput ? entry.average.value : 0,
    outputCap,
    defaultOutputCap,
    choices: Math.max(1, choices),
    rates: null,
  }
}

/** No tokeniser makes more than one token of a byte. The cap in the body can only become shorter than `longestCap`. */
function inputBound(ask: Ask, target: Target, longestCap: number): number {
  return outgoingBody(ask, target, longestCap).byteLength + target.upstream.overheadTokens
}
