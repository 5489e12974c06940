import { scanRequest } from '../dialects/openai-chat/envelope.ts'
import { estimateInputTokens } from '../dialects/openai-chat/estimate.ts'
import { readChatRequest } from '../dialects/openai-chat/request.ts'
import { type Failure, isFailure } from '../domain/failure.ts'
import type { Ask, Call } from './call.ts'

const json = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

/** Reads the body, bounded, and what of it decides: model, stream, caps, metadata. */
export function peek(call: Call, limitBytes: number): Ask | Failure | Promise<Ask | Failure> {
  const refused = refuseMedia(call)
  if (refused !== null) return refused
  const body = call.exchange.readBody(limitBytes)
  return body instanceof Promise ? body.then((whole) => read(call, whole)) : read(call, body)
}

function read(call: Call, body: Buffer | Failure): Ask | Failure {
  if (isFailure(body)) return body
  const envelope = scanRequest(body)
  if (isFailure(envelope)) return envelope
  const request = readChatRequest(body, envelope)
  if (isFailure(request)) return request

  call.model = request.model
  return { body, request, inputEstimate: estimateInputTokens(body) }
}

function refuseMedia({ exchange }: Call): Failure | null {
  const encoding = exchange.header('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    return { failure: 'unsupported_media', message: 'Send the body without a content encoding.' }
  }
  const type = exchange.header('content-type')
  if (type === null || json.test(type)) return null
  return { failure: 'unsupported_media', message: 'Send the body as application/json.' }
}
