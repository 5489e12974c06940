import type { Failure } from '../../domain/failure.ts'
import { isEmptyArray, isObject, readBoolean, readCount, readString } from '../../json/read.ts'
import { type Member, scanMembers, wantMembers } from '../../json/scan.ts'
import { given, invalid, type ModelRequest, metadataFault, placeOf, scanBody } from '../model-request.ts'
import { readStreamOptions, type StreamOptions } from '../stream-options.ts'
import { type Fallback, readFallbacks } from './fallbacks.ts'
import { type RequestShape, requestShapes } from './members.ts'
import type { NativeOperation } from './operation.ts'

/**
 * What a request of the native door asks of us. `model` is as the caller wrote it, a provider in front of it included.
 * `outputCap` is the cap that wins: where there are two, the newer spelling.
 */
export interface NativeRequest extends ModelRequest {
  readonly operation: NativeOperation
  /** In the order in which they are to be tried. */
  readonly fallbacks: readonly Fallback[]
  /** Which errors move on to them, in the caller's word; null for the usual. */
  readonly fallbackOn: string | null
  readonly places: RequestPlaces
}

/** Where what a body holds stands in it. */
export interface RequestPlaces {
  /** Just after the opening brace: where a member can be inserted. */
  readonly insertAt: number
  readonly model: Member
  /** The members that the operation knows, the model and ours included, those that are `null` too. */
  readonly known: ReadonlyMap<string, Member>
  readonly unknown: readonly Member[]
  readonly streamOptions: StreamOptions | null
  readonly reasoning: ReasoningObject | null
}

/** What stands in a chat's `reasoning` that is an object. */
export interface ReasoningObject {
  readonly insertAt: number
  readonly isEmpty: boolean
  readonly effort: Member | null
}

const quote = 0x22
const settings = ['effort', 'max_tokens', 'display'] as const
const reasoningMembers = wantMembers(...settings)

/**
 * Reads and checks the members that we act on. Fails as `invalid`, naming the member, for a model that is missing or no
 * text, for nothing to work on, for members of ours that are of the wrong kind, and for any that the operation knows and
 * that stands there twice: the provider would obey one of them, and we might have judged the other. What only concerns
 * the provider is not looked at.
 */
export function readNativeRequest(body: Buffer, operation: NativeOperation): NativeRequest | Failure {
  const shape = requestShapes[operation]
  const fault = scanBody(body, shape.wanted)
  if (fault !== null) return fault
  const { insertAt, others } = shape.wanted
  const known = membersFound(shape)
  const heldBy = (name: string): Member | null => given(body, known.get(name) ?? null)

  const model = heldBy('model')
  const name = model === null ? null : readString(body, model)
  if (model === null || name === null || name === '') return invalid('model is required')
  const hasSubject = !isEmpty(body, heldBy(shape.subject)) || shape.insteadOfSubject.some(heldBy)
  if (!hasSubject) return invalid(`${shape.subject} is required and must not be empty`)

  const stream = heldBy('stream')
  const isStream = stream === null ? false : readBoolean(body, stream)
  if (isStream === null) return invalid("'stream' must be a boolean.")
  const streamOptions = readStreamOptions(body, heldBy('stream_options'))
  if (streamOptions !== null && 'failure' in streamOptions) return streamOptions
  const metadataIsWrong = metadataFault(body, heldBy('metadata'))
  if (metadataIsWrong !== null) return metadataIsWrong
  const reasoning = operation === 'chat_completion' ? readReasoning(body, heldBy) : null
  if (reasoning !== null && 'failure' in reasoning) return reasoning

  const includeUsage = streamOptions?.includeUsage ?? null
  const fallbackOn = heldBy('fallback_on')
  return {
    operation,
    model: name,
    isStream,
    wantsUsage: includeUsage !== null && readBoolean(body, includeUsage) === true,
    hasOutput: operation !== 'embedding',
    outputCap: firstCount(body, shape.caps.map(heldBy)),
    choices: Math.max(1, ...shape.counts.map((count) => firstCount(body, [heldBy(count)]) ?? 1)),
    metadata: heldBy('metadata'),
    fallbacks: readFallbacks(body, heldBy('fallbacks')),
    fallbackOn: fallbackOn === null ? null : readString(body, fallbackOn),
    places: {
      insertAt,
      model,
      known,
      unknown: unknownIn(operation, known, others),
      streamOptions,
      reasoning,
    },
  }
}

function membersFound({ slots }: RequestShape): Map<string, Member> {
  const known = new Map<string, Member>()
  for (const slot of slots) {
    const member = placeOf(slot)
    if (member !== null) known.set(slot.name, member)
  }
  return known
}

/** What the operation does not know, `metadata` included where it has none. */
function unknownIn(
  operation: NativeOperation,
  known: ReadonlyMap<string, Member>,
  others: readonly Member[] | null,
): readonly Member[] {
  const metadata = known.get('metadata')
  const hasMetadata = operation === 'chat_completion' || operation === 'responses'
  if (hasMetadata || metadata === undefined) return others ?? []
  return [...(others ?? []), metadata]
}

/** Whether a member is absent, or holds an empty text or array. */
function isEmpty(body: Buffer, member: Member | null): boolean {
  if (member === null || isEmptyArray(body, member)) return true
  return body[member.valueStart] === quote && member.valueEnd - member.valueStart === 2
}

function firstCount(body: Buffer, members: readonly (Member | null)[]): number | null {
  const member = members.find((candidate) => candidate !== null)
  return member === undefined || member === null ? null : readCount(body, member)
}

function readReasoning(
  body: Buffer,
  heldBy: (name: string) => Member | null,
): ReasoningObject | Failure | null {
  const reasoning = heldBy('reasoning')
  if (reasoning === null) return null
  if (!isObject(body, reasoning)) return invalid("'reasoning' must be an object.")
  if (scanMembers(body, reasoning.valueStart, reasoning.valueEnd, reasoningMembers) < 0) {
    return invalid("'reasoning' is not valid JSON.")
  }
  const { earlier, found, insertAt, isEmpty } = reasoningMembers
  const [twice] = earlier
  if (twice !== undefined) return invalid(`'reasoning' has more than one '${twice.name}'.`)
  for (const setting of settings) {
    const isNested = given(body, placeOf(found[setting])) !== null
    if (isNested && heldBy(`reasoning_${setting}`) !== null) {
      return invalid(`'reasoning_${setting}' and 'reasoning.${setting}' cannot both be given.`)
    }
  }
  return { insertAt, isEmpty, effort: given(body, placeOf(found.effort)) }
}
