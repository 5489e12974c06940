import { readUsage } from '../dialects/openai-chat/usage.ts'
import type { Failure } from '../domain/failure.ts'
import { openAnswer } from '../json/answer.ts'
import type { Answer } from './answer.ts'
import { answerHeaders } from './answer-headers.ts'
import type { Ask, Call, Grant } from './call.ts'
import type { Room } from './room.ts'
import { type Ending, settle } from './settle.ts'
import { stampOf } from './stamp.ts'

/**
 * Relays a whole answer: the bytes as they come, `model` replaced by the caller's name for it, `usage` noted in
 * passing. The last chunk waits until the attempt is settled. One that arrives at once goes out at once, with its length.
 */
export function relayWhole(
  call: Call,
  ask: Ask,
  grant: Grant,
  answer: Answer,
  room: Room,
): Promise<Failure | null> {
  const { exchange } = call
  const scan = openAnswer(stampOf(ask.request.model))
  const headers = answerHeaders(call, grant, answer.head, room)
  let hasStarted = false
  let last: Buffer | null = null

  return new Promise((resolve, reject) => {
    const sendLast = (): void => {
      if (last === null) return
      if (!hasStarted) exchange.start(call.status, headers)
      hasStarted = true
      if (!exchange.write(last)) answer.pause()
    }
    const close = (ending: Ending, then: (unwritten: Failure | null) => void): void => {
      call.onCut = null
      settle(call, ask, grant, ending, room).then(then).catch(reject)
    }
    call.onCut = () => {
      answer.abort()
      const usage = { input: ask.inputEstimate, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }
      close({ ending: 'estimated', usage }, () => resolve(null))
    }
    exchange.onDrain(answer.resume)
    answer.read({
      onData(chunk) {
        sendLast()
        last = Buffer.concat(scan.push(chunk))
      },
      onEnd() {
        const reported = scan.usage()
        const usage = reported === null ? null : readUsage(reported)
        close(
          usage === null ? { ending: 'untold' } : { ending: 'reported', usage, failed: false },
          (unwritten) => {
            if (unwritten !== null) {
              if (hasStarted) exchange.cut()
              return resolve(hasStarted ? null : unwritten)
            }
            if (!hasStarted) exchange.respond(call.status, headers, last ?? Buffer.alloc(0))
            else {
              sendLast()
              exchange.end()
            }
            resolve(null)
          },
        )
      },
      onFailure(failure) {
        close({ ending: 'untold' }, () => {
          if (hasStarted) exchange.cut()
          resolve(hasStarted ? null : failure)
        })
      },
    })
  })
}
