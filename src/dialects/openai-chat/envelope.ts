import type { Failure } from '../../domain/failure.ts'
import { type Member, wantMembers } from '../../json/scan.ts'
import { placeOf, scanBody } from '../model-request.ts'

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

/** Scans a whole request body without parsing it; see `scanBody` for what it is held to. */
export function scanRequest(body: Buffer): RequestEnvelope | Failure {
  const fault = scanBody(body, request)
  if (fault !== null) return fault
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
