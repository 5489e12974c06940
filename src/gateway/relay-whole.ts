import { readUsage } from '../dialects/openai-chat/usage.ts'
import type { Failure } from '../domain/failure.ts'
import type { Usage } from '../domain/usage.ts'
import { type AnswerRelay, openAnswer } from '../json/answer.ts'
import type { Answer } from './answer.ts'
import { answerHeaders } from './answer-headers.ts'
import type { Grant } from './call.ts'
import type { Room } from './room.ts'
import { type Ending, endedWith, leftAfter, settle } from './settle.ts'
import { stampOf } from './stamp.ts'

const nothing = Buffer.alloc(0)

/**
 * Relays a whole answer: the bytes as they come, `model` replaced by the caller's name for it, `usage` noted in
 * passing. The last chunk waits until the attempt is settled. One that arrives at once goes out at once, with its length.
 */
export function relayWhole(grant: Grant, answer: Answer, room: Room): Promise<Failure | null> {
  const { call, ask } = grant
  const { exchange } = call
  const scan = openAnswer(stampOf(ask.request.model))
  const headers = answerHeaders(grant, answer.head, room)
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
      settle(grant, ending, room).then(then).catch(reject)
    }
    call.onCut = () => {
      answer.abort()
      const usage = reportedUsage(scan)
      close(usage === null ? leftAfter(ask, 0) : endedWith(usage), () => resolve(null))
    }
    exchange.onDrain(answer.resume)
    answer.read({
      onData(chunk) {
        sendLast()
        last = Buffer.concat(scan.push(chunk))
      },
      onEnd() {
        close(endedWith(reportedUsage(scan)), (unwritten) => {
          if (unwritten !== null) {
            if (hasStarted) exchange.cut()
            return resolve(hasStarted ? null : unwritten)
          }
          if (!hasStarted) exchange.respond(call.status, headers, last ?? nothing)
          else {
            sendLast()
            exchange.end()
          }
          resolve(null)
        })
      },
      onFailure(failure) {
        close(endedWith(reportedUsage(scan)), () => {
          if (hasStarted) exchange.cut()
          resolve(hasStarted ? null : failure)
        })
      },
    })
  })
}

function reportedUsage(scan: AnswerRelay): Usage | null {
  const reported = scan.usage()
  return reported === null ? null : readUsage(reported)
}
