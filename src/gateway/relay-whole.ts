import { readUsage } from '../dialects/openai-chat/usage.ts'
import type { Failure } from '../domain/failure.ts'
import type { Usage } from '../domain/usage.ts'
import { openAnswer, stampAnswer } from '../json/answer.ts'
import type { Answer } from './answer.ts'
import { answerHeaders } from './answer-headers.ts'
import { type Grant, whenCut } from './call.ts'
import { frontierBooks, leftAfter } from './frontier-books.ts'
import type { Room } from './room.ts'
import { type Ending, endedWith, settle } from './settle.ts'
import { stampOf } from './stamp.ts'

const nothing = Buffer.alloc(0)

/**
 * Relays a whole answer: the bytes as they come, `model` replaced by the caller's name for it, `usage` noted in
 * passing. The last chunk waits until the attempt is settled. One that arrives at once goes out at once, with its length.
 */
export function relayWhole(grant: Grant, answer: Answer, room: Room): Promise<Failure | null> {
  const { call, ask } = grant
  const { exchange } = call
  const scan = openWhole(stampOf(ask.request.model))
  const headers = answerHeaders(grant, answer.head, room)
  let hasStarted = false

  return new Promise((resolve, reject) => {
    const send = (bytes: Buffer): void => {
      if (!hasStarted) exchange.start(call.status, headers)
      hasStarted = true
      if (!exchange.write(bytes)) answer.pause()
    }
    const close = (ending: Ending, then: (unwritten: Failure | null) => void): void => {
      call.onCut = null
      settle(frontierBooks, grant, ending, room, then, reject)
    }
    /** What has begun must not be taken for complete; a caller who has seen nothing yet is told why. */
    const breakOff = (failure: Failure): void => {
      if (hasStarted) exchange.cut()
      resolve(hasStarted ? null : failure)
    }
    whenCut(call, () => {
      answer.abort()
      grant.outcome = 'cancelled'
      const { usage } = scan.end()
      close(usage === null ? leftAfter(ask, 0) : endedWith(usage), () => breakOff({ failure: 'cancelled' }))
    })
    exchange.onDrain(() => answer.resume())
    answer.read({
      onData(chunk, mayKeep) {
        const before = scan.push(chunk, mayKeep)
        if (before !== null) send(before)
      },
      onEnd() {
        const { last, usage } = scan.end()
        close(endedWith(usage), (unwritten) => {
          if (unwritten !== null) return breakOff(unwritten)
          if (!hasStarted) exchange.respond(call.status, headers, last)
          else {
            send(last)
            exchange.end()
          }
          resolve(null)
        })
      },
      onFailure(failure) {
        grant.outcome = failure.failure
        close(endedWith(scan.end().usage), () => breakOff(failure))
      },
    })
  })
}

/** The chunks of an answer, of which the last one is held back until the end is known. */
interface Whole {
  /** Takes a chunk and returns what may go out now; null for nothing. */
  push(chunk: Buffer, mayKeep: boolean): Buffer | null
  end(): { readonly last: Buffer; readonly usage: Usage | null }
}

function openWhole(stamp: Buffer): Whole {
  /** As it came, in case that it is the only one. */
  let first: Buffer | null = null
  let relay: ReturnType<typeof openAnswer> | null = null
  let last = nothing

  return {
    push(chunk, mayKeep) {
      if (first === null) {
        first = mayKeep ? chunk : Buffer.from(chunk)
        return null
      }
      if (relay === null) {
        relay = openAnswer(stamp)
        last = Buffer.concat(relay.push(first))
      }
      const before = last
      last = Buffer.concat(relay.push(chunk))
      return before
    },
    end() {
      if (relay !== null) return { last, usage: usageIn(relay.usage()) }
      const { bytes, usage } = stampAnswer(first ?? nothing, stamp)
      return { last: bytes, usage: usageIn(usage) }
    },
  }
}

function usageIn(reported: Buffer | null): Usage | null {
  return reported === null ? null : readUsage(reported)
}
