import { strictRefusal } from '../dialects/openai-chat/strict.ts'
import type { Failure } from '../domain/failure.ts'
import type { AttemptId } from '../domain/ids.ts'
import { noticeOf, wordImpossible } from '../limits/notice.ts'
import { type Amounts, isRefusal } from '../limits/plan.ts'
import type { Ask, Call, Grant, Target } from './call.ts'
import { outgoingBody } from './outgoing.ts'
import type { Room } from './room.ts'

/** Reserves every row of the target's plan, or none. Judged by what is used and held at this instant. */
export async function admit(call: Call, ask: Ask, target: Target, room: Room): Promise<Grant | Failure> {
  const { plan } = target.entry
  const refused = plan.isStrict ? strictRefusal(ask.body) : null
  if (refused !== null) return { failure: 'impossible', message: refused }

  const amounts = amountsOf(ask, target, room.defaultOutputCap)
  const now = room.clock()
  const judged = room.counters.reserve(plan, amounts, now)
  const reservation = judged instanceof Promise ? await judged : judged
  if (isRefusal(reservation)) {
    if (reservation.refusal === 'limited') {
      room.metrics.refusals(reservation.row.metric).value += 1
      return { failure: 'limited', limit: noticeOf(reservation, ask.request.model, now) }
    }
    return { failure: 'impossible', message: wordImpossible(reservation) }
  }

  const attemptId = room.newUlid(now) as AttemptId
  return { call, ask, attemptId, target, reservation, hasHoldRecord: false, isClosed: false }
}

function amountsOf(ask: Ask, target: Target, defaultCap: number): Amounts {
  const { entry, upstream } = target
  const { outputCap, choices } = ask.request
  const defaultOutputCap = Math.min(defaultCap, upstream.maxOutputTokens ?? defaultCap)
  return {
    inputEstimate: ask.inputEstimate,
    inputBound: entry.plan.isStrict ? inputBound(ask, target, outputCap ?? defaultOutputCap) : 0,
    outputEstimate: entry.average.value,
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
