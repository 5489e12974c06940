import type { Failure } from '../../domain/failure.ts'
import { readBoolean, readCount, readString } from '../../json/read.ts'
import type { Member } from '../../json/scan.ts'
import { cutMembers, type Edit, insertMember, replaceValue, type Spliced, splice } from '../../json/splice.ts'
import { given, invalid, type ModelRequest, metadataFault } from '../model-request.ts'
import { askForUsage, readStreamOptions, type StreamOptions } from '../stream-options.ts'
import type { RequestEnvelope } from './envelope.ts'

/**
 * What a chat request asks of us. `wantsUsage`: `include_usage` is `true`. `outputCap`: the lower one of two.
 * `choices`: `n`, or 1 where it is absent or no count.
 */
export interface ChatRequest extends ModelRequest {
  readonly envelope: RequestEnvelope
  readonly streamOptions: StreamOptions | null
}

/** How the outgoing request differs from the caller's. */
export interface ChatChanges {
  /** The provider's name for the model, as a JSON string. */
  readonly model: Buffer
  /** Members that are ours and not the provider's. */
  readonly dropMembers: readonly ('metadata' | 'fallbacks')[]
  /** Makes a stream report its usage. */
  readonly forceUsage: boolean
  /** Caps of the caller above `value` are lowered to it; where there is none, `member` is added. */
  readonly outputCap: { readonly member: CapMember; readonly value: number } | null
}

/** How a provider spells the cap on output tokens. */
export type CapMember = 'max_tokens' | 'max_completion_tokens'

/**
 * Reads and checks the members that we act on. Fails as `invalid` for a `model` that is missing or no text,
 * missing `messages`, and members of ours that are of the wrong kind. What only concerns the provider is not
 * looked at.
 */
export function readChatRequest(body: Buffer, envelope: RequestEnvelope): ChatRequest | Failure {
  const model = envelope.model === null ? null : readString(body, envelope.model)
  if (model === null || model === '') return invalid("'model' must be a non-empty string.")
  if (envelope.messages === null) return invalid("'messages' is required.")

  const stream = given(body, envelope.stream)
  const isStream = stream === null ? false : readBoolean(body, stream)
  if (isStream === null) return invalid("'stream' must be a boolean.")

  const streamOptions = readStreamOptions(body, given(body, envelope.streamOptions))
  if (streamOptions !== null && 'failure' in streamOptions) return streamOptions

  const metadataIsWrong = metadataFault(body, given(body, envelope.metadata))
  if (metadataIsWrong !== null) return metadataIsWrong

  const includeUsage = streamOptions?.includeUsage ?? null
  return {
    envelope,
    model,
    isStream,
    hasOutput: true,
    metadata: envelope.metadata,
    wantsUsage: includeUsage !== null && readBoolean(body, includeUsage) === true,
    outputCap: lowestCap(body, envelope),
    choices: (envelope.n && readCount(body, envelope.n)) ?? 1,
    streamOptions,
  }
}

/** The body to send: the caller's bytes, but for `changes`. Kept stretches are views of `body`. */
export function prepareChatRequest(body: Buffer, request: ChatRequest, changes: ChatChanges): Spliced {
  const { model } = request.envelope
  const edits = cutMembers(body, membersToDrop(request.envelope, changes.dropMembers))
  if (model !== null) edits.push(replaceValue(model, changes.model))
  if (changes.forceUsage && request.isStream && !request.wantsUsage) edits.push(usageEdit(request))
  if (changes.outputCap !== null) edits.push(...capEdits(body, request.envelope, changes.outputCap))
  return splice(body, edits)
}

function lowestCap(body: Buffer, { maxTokens, maxCompletionTokens }: RequestEnvelope): number | null {
  const one = maxTokens && readCount(body, maxTokens)
  const other = maxCompletionTokens && readCount(body, maxCompletionTokens)
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}

function membersToDrop(envelope: RequestEnvelope, names: ChatChanges['dropMembers']): Member[] {
  const members: Member[] = []
  for (const name of names) {
    const member = envelope[name]
    if (member !== null) members.push(member)
  }
  return members.sort((one, other) => one.keyStart - other.keyStart)
}

function usageEdit({ envelope, streamOptions }: ChatRequest): Edit {
  return askForUsage(envelope.insertAt, envelope.streamOptions, streamOptions)
}

function capEdits(
  body: Buffer,
  { insertAt, maxTokens, maxCompletionTokens }: RequestEnvelope,
  cap: NonNullable<ChatChanges['outputCap']>,
): Edit[] {
  const value = Buffer.from(String(cap.value))
  const own = [given(body, maxTokens), given(body, maxCompletionTokens)].filter((member) => member !== null)
  if (own.length > 0)
    return own
      .filter((member) => !isWithin(body, member, cap.value))
      .map((member) => replaceValue(member, value))
  const unset = cap.member === 'max_tokens' ? maxTokens : maxCompletionTokens
  return [
    unset === null
      ? insertMember(insertAt, false, cap.member, String(cap.value))
      : replaceValue(unset, value),
  ]
}

/**
 * A cap that is no count is not within anything: some providers read -1, or text, as a number of their own
 * choosing.
 */
function isWithin(body: Buffer, member: Member, value: number): boolean {
  const count = readCount(body, member)
  return count !== null && count <= value
}
