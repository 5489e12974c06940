import { isEmptyArray, isNull, isObject, readCount } from '../../json/read.ts'
import { afterSpace, type Member, scanMembers, wantMembers, wantMembersAndOthers } from '../../json/scan.ts'

const quote = 0x22
const comma = 0x2c
const openBrace = 0x7b

const choice = wantMembers('index', 'finish_reason', 'delta', 'text')
const delta = wantMembersAndOthers('role')

/** How far the choices of a stream have come. */
export interface Choices {
  /** Notes the `choices` of an event, a non-empty array. */
  note(bytes: Buffer, choices: Member): void
  /** What the last event noted has brought. */
  readonly last: { hasContent: boolean; hasFinish: boolean }
  /** There has been one, and each that has been has a `finish_reason`. */
  haveFinished(): boolean
}

/** Begins with no choice seen. Until `isSettled` says so, the deltas are searched for content. */
export function openChoices(isSettled: () => boolean): Choices {
  const seen = new Set<number>()
  const finished = new Set<number>()
  const last = { hasContent: false, hasFinish: false }

  function note(bytes: Buffer, choices: Member): void {
    last.hasContent = false
    last.hasFinish = false
    let at = afterSpace(bytes, choices.valueStart + 1, choices.valueEnd)
    while (bytes[at] === openBrace) {
      at = scanMembers(bytes, at, choices.valueEnd, choice)
      if (at < 0) return
      noteChoice(bytes)
      at = afterSpace(bytes, at, choices.valueEnd)
      if (bytes[at] !== comma) return
      at = afterSpace(bytes, at + 1, choices.valueEnd)
    }
  }

  function noteChoice(bytes: Buffer): void {
    const { index, finish_reason: reason } = choice.found
    const number = (index.keyStart >= 0 ? readCount(bytes, index) : null) ?? 0
    seen.add(number)
    if (reason.keyStart >= 0 && !isNull(bytes, reason)) {
      finished.add(number)
      last.hasFinish = true
    }
    if (!last.hasContent && !isSettled()) last.hasContent = hasContent(bytes)
  }

  return { note, last, haveFinished: () => finished.size > 0 && finished.size === seen.size }
}

/** Whether the choice just scanned says more than who speaks. */
function hasContent(bytes: Buffer): boolean {
  const { delta: member, text } = choice.found
  if (text.keyStart >= 0 && !isNothing(bytes, text)) return true
  if (member.keyStart < 0 || !isObject(bytes, member)) return false
  const { valueStart, valueEnd } = member
  if (scanMembers(bytes, valueStart, valueEnd, delta) < 0) return true
  return delta.others?.some((other) => !isNothing(bytes, other)) ?? false
}

/** `null`, an empty text or an empty array. */
function isNothing(bytes: Buffer, member: Member): boolean {
  const { valueStart, valueEnd } = member
  const isEmptyText = bytes[valueStart] === quote && valueEnd - valueStart === 2
  return isEmptyText || isNull(bytes, member) || isEmptyArray(bytes, member)
}
