import { estimateInputTokens } from '../dialects/openai-chat/estimate.ts'
import { type Failure, isFailure } from '../domain/failure.ts'
import type { Ask, Call } from './call.ts'
import type { HeaderReading } from './exchange.ts'
import type { Operation } from './operations.ts'

const json = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

/** Reads the body, bounded, and what of it decides: model, stream, caps, metadata. */
export function peek(
  call: Call,
  operation: Operation,
  limitBytes: number,
): Ask | Failure | Promise<Ask | Failure> {
  const refused = refuseMedia(call)
  if (refused !== null) return refused
  const body = call.exchange.readBody(limitBytes)
  return body instanceof Promise
    ? body.then((whole) => read(call, operation, whole))
    : read(call, operation, body)
}

function read(call: Call, operation: Operation, body: Buffer | Failure): Ask | Failure {
  if (isFailure(body)) return body
  const asked = operation.read(body)
  if (isFailure(asked)) return asked
  const { request } = asked
  call.model = request.model
  return { operation, body, asked, request, inputEstimate: estimateInputTokens(body) }
}

/** Why a body cannot be read for what its headers say; null if it can. */
export function refuseMedia({ exchange }: Call): Failure | null {
  return exchange.fromHeaders(readMedia)
}

const readMedia: HeaderReading<Failure | null> = (header) => {
  const encoding = header('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    return { failure: 'unsupported_media', message: 'Send the body without a content encoding.' }
  }
  const type = header('content-type')
  if (type === null || json.test(type)) return null
  return { failure: 'unsupported_media', message: 'Send the body as application/json.' }
}
