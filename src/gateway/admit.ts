import { strictRefusal } from '../dialects/openai-chat/strict.ts'
import type { Failure } from '../domain/failure.ts'
import type { AttemptId } from '../domain/ids.ts'
import { noticeOf, wordImpossible } from '../limits/notice.ts'
import { type Amounts, isRefusal } from '../limits/plan.ts'
import type { Ask, Grant, Target } from './call.ts'
import type { Room } from './room.ts'

/** Reserves every row of the target's plan, or none. Judged by what is used and held at this instant. */
export async function admit(ask: Ask, target: Target, room: Room): Promise<Grant | Failure> {
  const { plan, average } = target.entry
  const refused = plan.isStrict ? strictRefusal(ask.body) : null
  if (refused !== null) return { failure: 'impossible', message: refused }

  const amounts = amountsOf(ask, target, average.value, room.defaultOutputCap)
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
  return { attemptId, target, amounts, reservation, hasHoldRecord: false, isClosed: false }
}

function amountsOf(ask: Ask, { upstream }: Target, averageOutput: number, defaultOutputCap: number): Amounts {
  return {
    inputEstimate: ask.inputEstimate,
    inputBound: ask.body.length + upstream.overheadTokens,
    outputEstimate: averageOutput,
    outputCap: ask.request.outputCap,
    defaultOutputCap: Math.min(defaultOutputCap, upstream.maxOutputTokens ?? defaultOutputCap),
    choices: ask.request.choices,
    rates: null,
  }
}
