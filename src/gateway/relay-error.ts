import { readUsage } from '../dialects/openai-chat/usage.ts'
import { writtenForms } from '../dialects/openai-native/upstream-error.ts'
import type { Failure } from '../domain/failure.ts'
import { outcomeOfError } from '../domain/outcome.ts'
import { openAnswer } from '../json/answer.ts'
import type { Answer } from './answer.ts'
import { answerHeaders } from './answer-headers.ts'
import { type Grant, whenCut } from './call.ts'
import { frontierBooks } from './frontier-books.ts'
import type { Room } from './room.ts'
import { type Ending, settle } from './settle.ts'

const longestErrorBytes = 2 ** 20

/** The provider's verdict on our credential or address: never the caller's business. */
function isOurs(status: number): boolean {
  return status < 400 || status === 401 || status === 402 || status === 403
}

const unavailable: Failure = { failure: 'model_unavailable', message: 'The model is not available.' }
const garbage: Failure = {
  failure: 'upstream',
  problem: 'garbage',
  message: 'The model gave no readable answer.',
}

/** Relays a provider's error with its status and words, our credential blanked out should it stand in them. */
export function relayError(grant: Grant, answer: Answer, room: Room): Promise<Failure | null> {
  const { call } = grant
  const { exchange } = call
  const headers = answerHeaders(grant, answer.head, room)
  const chunks: Buffer[] = []
  let bytes = 0
  grant.outcome = isOurs(call.status) ? unavailable.failure : outcomeOfError(call.status)

  return new Promise((resolve, reject) => {
    const close = (ending: Ending, failure: Failure | null, body: Buffer | null): void => {
      call.onCut = null
      const then = (unwritten: Failure | null): void => {
        const told = unwritten ?? failure
        if (told === null && body !== null) exchange.respond(call.status, headers, body)
        resolve(told)
      }
      settle(frontierBooks, grant, ending, room, then, reject)
    }
    const fail = (failure: Failure): void => {
      grant.outcome = failure.failure
      close({ ending: 'unused' }, failure, null)
    }
    whenCut(call, () => {
      answer.abort()
      grant.outcome = 'cancelled'
      close({ ending: 'unused' }, { failure: 'cancelled' }, null)
    })
    answer.read({
      onData(chunk) {
        bytes += chunk.length
        if (bytes <= longestErrorBytes) return void chunks.push(Buffer.from(chunk))
        answer.abort()
        fail(garbage)
      },
      onEnd() {
        const body = Buffer.concat(chunks)
        const ending = endingOf(body)
        if (isOurs(call.status)) close(ending, unavailable, null)
        else close(ending, null, withoutSecret(body, grant.target.upstream.apiKey?.reveal() ?? null))
      },
      onFailure: fail,
    })
  })
}

/** A provider may bill for what it then failed at, and say so. */
function endingOf(body: Buffer): Ending {
  const scan = openAnswer(null)
  scan.push(body)
  const reported = scan.usage()
  const usage = reported === null ? null : readUsage(reported)
  return usage === null ? { ending: 'unused' } : { ending: 'reported', usage, failed: true }
}

function withoutSecret(body: Buffer, secret: string | null): Buffer {
  const forms = secret === null ? [] : writtenForms(secret).filter((form) => body.includes(form))
  if (forms.length === 0) return body
  let text = body.toString('latin1')
  for (const form of forms) text = text.replaceAll(Buffer.from(form).toString('latin1'), '[secret]')
  return Buffer.from(text, 'latin1')
}
