import { openChatStream } from '../dialects/openai-chat/stream.ts'
import type { Failure } from '../domain/failure.ts'
import type { Usage } from '../domain/usage.ts'
import type { Answer } from './answer.ts'
import { answerHeaders } from './answer-headers.ts'
import type { Ask, Call, Grant } from './call.ts'
import type { Room } from './room.ts'
import { type Ending, settle } from './settle.ts'
import { stampOf } from './stamp.ts'

const maxEventBytes = 16 * 2 ** 20
const done = Buffer.from('data: [DONE]\n\n')

/**
 * Relays a stream of events as they come, `model` stamped in each. The terminal event waits until the attempt is
 * settled. A stream that the upstream cuts short is cut for the caller too, so that it cannot be taken for complete.
 */
export function relayStream(
  call: Call,
  ask: Ask,
  grant: Grant,
  answer: Answer,
  room: Room,
): Promise<Failure | null> {
  const { exchange } = call
  const stream = openChatStream({
    stampModel: stampOf(ask.request.model),
    hideUsageEvent: !ask.request.wantsUsage,
    maxEventBytes,
  })
  exchange.start(call.status, [...answerHeaders(call, grant, answer.head, room), ...streamHeaders])
  room.metrics.streamsOpen.value += 1
  let isSettling = false

  return new Promise((resolve, reject) => {
    const send = (pieces: readonly Buffer[]): void => {
      const [first] = pieces
      if (first === undefined) return
      call.firstTokenMs ??= room.clock() - call.startedAt
      if (!exchange.write(pieces.length === 1 ? first : Buffer.concat(pieces))) answer.pause()
    }
    /** Settles once, whatever comes first: the terminal event, the end, a failure, or the caller's leaving. */
    const close = (ending: Ending, then: (unwritten: Failure | null) => void): void => {
      isSettling = true
      call.onCut = null
      settle(call, ask, grant, ending, room)
        .then((unwritten) => {
          room.metrics.streamsOpen.value -= 1
          then(unwritten)
          resolve(null)
        })
        .catch(reject)
    }
    const closeComplete = (terminal: Buffer): void =>
      close(endingOf(stream.usage()), (unwritten) => {
        if (unwritten !== null) return exchange.cut()
        if (terminal.length > 0) exchange.write(withLineFeed(terminal))
        exchange.end()
      })
    const closeCut = (): void => close(endingOf(stream.usage()), () => exchange.cut())

    call.onCut = () => {
      answer.abort()
      const usage = stream.usage() ?? estimatedUsage(ask, stream.tally.contentEvents)
      close(
        stream.usage() === null
          ? { ending: 'estimated', usage }
          : { ending: 'reported', usage, failed: false },
        () => {},
      )
    }
    exchange.onDrain(answer.resume)
    answer.read({
      onData(chunk) {
        if (isSettling) return
        const step = stream.push(chunk)
        send(step.now)
        if (step.failure !== null) {
          answer.abort()
          closeCut()
        } else if (step.terminal.length > 0) closeComplete(Buffer.concat(step.terminal))
      },
      onEnd() {
        if (isSettling) return
        const step = stream.end()
        send(step.now)
        if (step.terminal.length > 0) closeComplete(Buffer.concat(step.terminal))
        else if (stream.tally.hasFinished && step.failure === null) closeComplete(done)
        else closeCut()
      },
      onFailure() {
        if (!isSettling) closeCut()
      },
    })
  })
}

const streamHeaders = ['cache-control', 'no-cache', 'x-accel-buffering', 'no'] as const

function endingOf(usage: Usage | null): Ending {
  return usage === null ? { ending: 'untold' } : { ending: 'reported', usage, failed: false }
}

/** The LF of the last CR LF may still be on its way: the event has ended without it, and nobody waits for it. */
function withLineFeed(terminal: Buffer): Buffer {
  return terminal.toString('latin1', terminal.length - 3) === '\r\n\r'
    ? Buffer.concat([terminal, Buffer.from('\n')])
    : terminal
}

/** What a caller who left has had: the prompt, and one token for each event relayed. */
function estimatedUsage(ask: Ask, contentEvents: number): Usage {
  return { input: ask.inputEstimate, output: contentEvents, cacheRead: 0, cacheWrite: 0, reasoning: 0 }
}
