import { isUtf8 } from 'node:buffer'
import type { Failure } from '../../domain/failure.ts'
import { afterSpace, type Member, notObject, type Slot, scanMembers, wantMembers } from '../../json/scan.ts'

/** Where the members of a chat request that we act on stand in its body; null for those it has not. */
export interface RequestEnvelope {
  /** Just after the opening brace: where a member can be inserted. */
  readonly insertAt: number
  readonly model: Member | null
  readonly messages: Member | null
  readonly stream: Member | null
  readonly streamOptions: Member | null
  readonly maxTokens: Member | null
  readonly maxCompletionTokens: Member | null
  readonly n: Member | null
  readonly metadata: Member | null
  readonly fallbacks: Member | null
}

const request = wantMembers(
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'n',
  'metadata',
  'fallbacks',
)

/**
 * Scans a whole request body without parsing it.
 *
 * The body must be one JSON object in UTF-8, without NUL bytes and with nothing after it. A member that we
 * act on must not occur twice, however its key is escaped: the provider would obey one of them, and we might
 * have judged the other. Costs one to two microseconds for 1 to 10 kB of prose.
 */
export function scanRequest(body: Buffer): RequestEnvelope | Failure {
  if (!isUtf8(body)) return invalid('The body is not valid UTF-8.')
  if (body.includes(0)) return invalid('The body contains a NUL byte.')
  const end = scanMembers(body, 0, body.length, request)
  if (end === notObject) return invalid('The body must be a JSON object.')
  if (end < 0 || afterSpace(body, end, body.length) < body.length)
    return invalid('The body is not valid JSON.')
  const twice = request.earlier[0]
  if (twice !== undefined) return invalid(`The body has more than one '${twice.name}'.`)

  const { found } = request
  return {
    insertAt: request.insertAt,
    model: placeOf(found.model),
    messages: placeOf(found.messages),
    stream: placeOf(found.stream),
    streamOptions: placeOf(found.stream_options),
    maxTokens: placeOf(found.max_tokens),
    maxCompletionTokens: placeOf(found.max_completion_tokens),
    n: placeOf(found.n),
    metadata: placeOf(found.metadata),
    fallbacks: placeOf(found.fallbacks),
  }
}

function placeOf({ keyStart, valueStart, valueEnd }: Slot): Member | null {
  return keyStart < 0 ? null : { keyStart, valueStart, valueEnd }
}

/** A request that its caller must change. */
export function invalid(message: string): Failure {
  return { failure: 'invalid', message }
}
