import { readCount } from '../../json/read.ts'
import type { Member } from '../../json/scan.ts'
import { cutMembers, type Edit, insertMember, replaceValue, type Spliced, splice } from '../../json/splice.ts'
import { given } from '../model-request.ts'
import { askForUsage } from '../stream-options.ts'
import { requestShapes } from './members.ts'
import type { ProviderQuirks } from './quirks.ts'
import type { NativeRequest } from './request.ts'

/** How the outgoing request differs from the caller's. */
export interface NativeChanges {
  /** The provider's name for the model, as a JSON string. */
  readonly model: Buffer
  /** Passes on what the operation does not know, where the caller asked for that. */
  readonly keepUnknown: boolean
  readonly quirks: ProviderQuirks
  /** Caps of the caller above it are lowered to it; where there is none, one is added. Null leaves them. */
  readonly outputCap: number | null
}

/** Edits to be made, and members to be cut. */
interface Draft {
  readonly body: Buffer
  readonly request: NativeRequest
  readonly edits: Edit[]
  readonly cut: Member[]
}

/**
 * The body to send: the caller's bytes, but for `changes`, the members that are ours, and the usage that a stream is
 * made to report. Kept stretches are views of `body`.
 */
export function prepareNative(body: Buffer, request: NativeRequest, changes: NativeChanges): Spliced {
  const { operation, places } = request
  const draft: Draft = { body, request, edits: [replaceValue(places.model, changes.model)], cut: [] }
  cutKnown(draft, requestShapes[operation].ours)
  if (!changes.keepUnknown) draft.cut.push(...places.unknown)
  if (operation === 'chat_completion') fitToProvider(draft, changes.quirks)
  capOutput(draft, changes)
  const reportsUsage = operation === 'responses' || request.wantsUsage
  if (request.isStream && !reportsUsage) {
    const member = places.known.get('stream_options') ?? null
    draft.edits.push(askForUsage(places.insertAt, member, places.streamOptions))
  }
  const cut = draft.cut.sort((one, other) => one.keyStart - other.keyStart)
  return splice(body, [...cutMembers(body, cut), ...draft.edits])
}

function cutKnown({ request, cut }: Draft, names: readonly string[]): void {
  for (const name of names) {
    const member = request.places.known.get(name)
    if (member !== undefined) cut.push(member)
  }
}

function fitToProvider(draft: Draft, { withheld, reasoning }: ProviderQuirks): void {
  cutKnown(draft, withheld)
  if (reasoning === 'flat') flattenReasoning(draft)
  else nestReasoning(draft)
}

/** Leaves `reasoning_effort`, in the caller's bytes. A budget in tokens has no flat name that providers know. */
function flattenReasoning(draft: Draft): void {
  const { body, request, edits } = draft
  const { known, reasoning } = request.places
  cutKnown(draft, ['reasoning_max_tokens', 'reasoning_display'])
  const effort = reasoning?.effort ?? null
  const object = known.get('reasoning')
  if (effort === null || object === undefined) {
    cutKnown(draft, ['reasoning'])
    return
  }
  cutKnown(draft, ['reasoning_effort'])
  const value = body.toString('utf8', effort.valueStart, effort.valueEnd)
  edits.push({
    start: object.keyStart,
    end: object.valueEnd,
    bytes: Buffer.from(`"reasoning_effort":${value}`),
  })
}

/** Moves what is flat into the object `reasoning`, in the caller's bytes. */
function nestReasoning(draft: Draft): void {
  const { body, request, edits } = draft
  const { insertAt, known, reasoning } = request.places
  const flat = ['effort', 'max_tokens', 'display'].flatMap((setting) => {
    const member = given(body, known.get(`reasoning_${setting}`) ?? null)
    return member === null
      ? []
      : [`"${setting}":${body.toString('utf8', member.valueStart, member.valueEnd)}`]
  })
  cutKnown(draft, ['reasoning_effort', 'reasoning_max_tokens', 'reasoning_display'])
  if (flat.length === 0) return
  const members = flat.join(',')
  const unset = known.get('reasoning')
  if (reasoning !== null) {
    const at = reasoning.insertAt
    edits.push({ start: at, end: at, bytes: Buffer.from(reasoning.isEmpty ? members : `${members},`) })
  } else if (unset !== undefined) edits.push(replaceValue(unset, Buffer.from(`{${members}}`)))
  else edits.push(insertMember(insertAt, false, 'reasoning', `{${members}}`))
}

function capOutput(draft: Draft, { quirks, outputCap }: NativeChanges): void {
  const { body, request, edits } = draft
  const { known, insertAt } = request.places
  const { caps } = requestShapes[request.operation]
  const isChat = request.operation === 'chat_completion'
  const spelling = isChat ? quirks.capMember : caps[0]
  if (spelling === undefined) return

  const own = caps.filter((name) => given(body, known.get(name) ?? null) !== null)
  const isRenamed = isChat && quirks.renamesCap && own.length > 0
  const kept = isRenamed ? own.slice(0, 1) : own
  if (isRenamed) cutKnown(draft, without(caps, kept))
  for (const name of kept) {
    const member = known.get(name)
    if (member === undefined) continue
    if (isRenamed && name !== spelling) edits.push(rename(member, spelling))
    if (outputCap !== null && !isWithin(body, member, outputCap)) edits.push(replaceBy(member, outputCap))
  }
  if (kept.length > 0 || outputCap === null) return
  const unset = known.get(spelling)
  edits.push(
    unset === undefined
      ? insertMember(insertAt, false, spelling, String(outputCap))
      : replaceBy(unset, outputCap),
  )
}

function without(names: readonly string[], taken: readonly string[]): string[] {
  return names.filter((name) => !taken.includes(name))
}

function replaceBy(member: Member, count: number): Edit {
  return replaceValue(member, Buffer.from(String(count)))
}

function rename({ keyStart, valueStart }: Member, name: string): Edit {
  return { start: keyStart, end: valueStart, bytes: Buffer.from(`"${name}":`) }
}

/** A cap that is no count is not within anything: providers may read -1, or text, as a number of their own choosing. */
function isWithin(body: Buffer, member: Member, value: number): boolean {
  const count = readCount(body, member)
  return count !== null && count <= value
}
