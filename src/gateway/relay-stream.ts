import { openChatStream } from '../dialects/openai-chat/stream.ts'
import type { Failure } from '../domain/failure.ts'
import type { Answer } from './answer.ts'
import { answerHeaders } from './answer-headers.ts'
import { type Grant, whenCut } from './call.ts'
import { frontierBooks, leftAfter } from './frontier-books.ts'
import type { Room } from './room.ts'
import { type Ending, endedWith, settle } from './settle.ts'
import { stampOf } from './stamp.ts'

const maxEventBytes = 16 * 2 ** 20
const done = Buffer.from('data: [DONE]\n\n')
const truncated: Failure = {
  failure: 'upstream',
  problem: 'cut',
  message: 'The model ended its answer before it was complete.',
}

/**
 * Relays a stream of events as they come, `model` stamped in each. The terminal event waits until the attempt is
 * settled. A stream that the upstream cuts short is cut for the caller too, so that it cannot be taken for complete;
 * nothing goes out before its first event, so that one cut before that has an error for an answer.
 */
export function relayStream(grant: Grant, answer: Answer, room: Room): Promise<Failure | null> {
  const { call, ask } = grant
  const { exchange } = call
  const stream = openChatStream({
    stampModel: stampOf(ask.request.model),
    hideUsageEvent: !ask.request.wantsUsage,
    maxEventBytes,
  })
  const headers = [...answerHeaders(grant, answer.head, room), ...streamHeaders]
  room.metrics.streamsOpen.value += 1
  let hasStarted = false
  let isSettling = false

  return new Promise((resolve, reject) => {
    const start = (): void => {
      if (!hasStarted) exchange.start(call.status, headers)
      hasStarted = true
    }
    const send = (pieces: readonly Buffer[]): void => {
      const [first] = pieces
      if (first === undefined) return
      start()
      call.firstTokenMs ??= room.clock() - call.startedAt
      if (!exchange.write(pieces.length === 1 ? first : Buffer.concat(pieces))) answer.pause()
    }
    /** Settles once, whatever comes first: the terminal event, the end, a failure, or the caller's leaving. */
    const close = (ending: Ending, then: (unwritten: Failure | null) => Failure | null): void => {
      isSettling = true
      call.onCut = null
      const closed = (unwritten: Failure | null): void => {
        room.metrics.streamsOpen.value -= 1
        resolve(then(unwritten))
      }
      settle(frontierBooks, grant, ending, room, closed, reject)
    }
    const breakOff = (failure: Failure): Failure | null => {
      if (!hasStarted) return failure
      exchange.cut()
      return null
    }
    const closeComplete = (terminal: Buffer): void =>
      close(endedWith(stream.usage()), (unwritten) => {
        if (unwritten !== null) return breakOff(unwritten)
        start()
        if (terminal.length > 0) exchange.write(withLineFeed(terminal))
        exchange.end()
        return null
      })
    const closeCut = (failure: Failure): void => {
      grant.outcome = failure.failure
      close(endedWith(stream.usage()), () => breakOff(failure))
    }

    whenCut(call, () => {
      answer.abort()
      grant.outcome = 'cancelled'
      const usage = stream.usage()
      const ending = usage === null ? leftAfter(ask, stream.tally.contentEvents) : endedWith(usage)
      close(ending, () => breakOff({ failure: 'cancelled' }))
    })
    exchange.onDrain(() => answer.resume())
    answer.read({
      onData(chunk) {
        if (isSettling) return
        const step = stream.push(chunk)
        send(step.now)
        if (step.failure !== null) {
          answer.abort()
          closeCut(step.failure)
        } else if (step.terminal.length > 0) closeComplete(Buffer.concat(step.terminal))
      },
      onEnd() {
        if (isSettling) return
        const step = stream.end()
        const isWhole = step.terminal.length > 0 || (stream.tally.hasFinished && step.failure === null)
        // Half an event is no beginning.
        if (isWhole || hasStarted) send(step.now)
        if (isWhole) closeComplete(step.terminal.length > 0 ? Buffer.concat(step.terminal) : done)
        else closeCut(step.failure ?? truncated)
      },
      onFailure(failure) {
        if (!isSettling) closeCut(failure)
      },
    })
  })
}

const streamHeaders = ['cache-control', 'no-cache', 'x-accel-buffering', 'no'] as const

/** The LF of the last CR LF may still be on its way: the event has ended without it, and nobody waits for it. */
function withLineFeed(terminal: Buffer): Buffer {
  return terminal.toString('latin1', terminal.length - 3) === '\r\n\r'
    ? Buffer.concat([terminal, Buffer.from('\n')])
    : terminal
}
