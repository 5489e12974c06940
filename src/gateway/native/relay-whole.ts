import {
  amendNativeAnswer,
  type NativeAnswer,
  openNativeAnswer,
} from '../../dialects/openai-native/answer.ts'
import { readStreamError } from '../../dialects/openai-native/upstream-error.ts'
import type { PricedUsage } from '../../domain/usage.ts'
import type { Answer } from '../answer.ts'
import { whenCut } from '../call.ts'
import type { Room } from '../room.ts'
import { endedWith, settle } from '../settle.ts'
import { leftAfter, nativeBooks } from './books.ts'
import { extraFields } from './extra-fields.ts'
import type { Failed, NativeEnding, NoteAttempt } from './failed.ts'
import type { NativeGrant } from './grant.ts'
import { answerHeaders } from './headers.ts'
import { problemOf } from './problem.ts'
import { cancelledAfter, reported, secretsOf } from './relay-error.ts'

/** As long as no more than this has come nothing goes out, so that a call whose provider breaks off can still move on. */
const heldBytes = 256 * 1024

/**
 * Relays a whole answer, `extra_fields` added as its last member. One that came whole before anything went out goes out
 * at once, with its length; the last bytes of any other wait until the attempt is settled.
 */
export function relayWhole(
  grant: NativeGrant,
  answer: Answer,
  note: NoteAttempt,
  room: Room,
): Promise<Failed | null> {
  const { call, journey } = grant
  const { exchange } = call
  const { status } = answer.head
  let held: Buffer[] = []
  let heldLength = 0
  let relay: NativeAnswer | null = null

  const extra = (): Buffer =>
    extraFields(journey, { ...grant, key: grant.credential.key, model: grant.credential.model }, null)
  const begin = (): NativeAnswer => {
    call.status = status
    exchange.start(status, answerHeaders(grant, answer.head, room))
    return openNativeAnswer()
  }
  const send = (pieces: readonly Buffer[]): void => {
    for (const piece of pieces) if (!exchange.write(piece)) answer.pause()
  }

  return new Promise((resolve, reject) => {
    const close = (ending: NativeEnding, then: (isWritten: boolean) => void): void => {
      call.onCut = null
      settle(nativeBooks, grant, ending, room, (unwritten) => then(unwritten === null), reject)
    }
    const fail = (failed: Failed): void => {
      call.onCut = null
      resolve(failed)
    }
    whenCut(call, () => {
      answer.abort()
      if (relay === null) return fail(cancelledAfter(grant, 0))
      grant.outcome = 'cancelled'
      note(problemOf({ failure: 'cancelled' }))
      const usage = relay.usage()
      close(usage === null ? leftAfter(journey, 0) : endedWith(usage), () => {
        exchange.cut()
        resolve(null)
      })
    })
    exchange.onDrain(() => answer.resume())
    answer.read({
      onData(chunk) {
        if (relay !== null) return send(relay.push(chunk))
        held.push(Buffer.from(chunk))
        heldLength += chunk.length
        if (heldLength <= heldBytes) return
        relay = begin()
        for (const piece of held) send(relay.push(piece))
        held = []
      },
      onEnd() {
        if (relay !== null) {
          const { bytes, usage } = relay.end(extra())
          note(null)
          return close(endedWith(usage), (isWritten) => {
            if (isWritten) {
              exchange.write(bytes)
              exchange.end()
            } else exchange.cut()
            resolve(null)
          })
        }
        const { bytes, usage, error } = amendNativeAnswer(Buffer.concat(held), extra())
        if (error !== null) return fail(failedWith(grant, error, usage))
        call.status = status
        note(null)
        close(endedWith(usage), (isWritten) => {
          if (isWritten) exchange.respond(status, answerHeaders(grant, answer.head, room), bytes)
          else call.door.refuse(call, { failure: 'overloaded', reason: 'spool', retryAfterMs: 1000 })
          resolve(null)
        })
      },
      onFailure(failure) {
        const problem = problemOf(failure)
        if (relay === null) return fail({ problem, ending: { ending: 'untold', failed: true } })
        grant.outcome = failure.failure
        note(problem)
        close(cutShort(relay.usage()), () => {
          exchange.cut()
          resolve(null)
        })
      },
    })
  })
}

/** The end of an answer that its provider broke off. */
function cutShort(usage: PricedUsage | null): NativeEnding {
  return usage === null ? { ending: 'untold', failed: true } : { ending: 'reported', usage, failed: true }
}

/** An error that came with a status of success. */
function failedWith(grant: NativeGrant, error: Buffer, usage: PricedUsage | null): Failed {
  const told = Buffer.concat([Buffer.from('{"error":'), error, Buffer.from('}')])
  return {
    problem: reported(grant, readStreamError(told, secretsOf(grant)), null),
    ending: usage === null ? { ending: 'unused' } : { ending: 'reported', usage, failed: true },
  }
}
