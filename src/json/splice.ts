import { afterSpace, isSpace, type Member } from './scan.ts'

const comma = 0x2c

/** Puts `bytes` in the place of [start, end). Nothing to put makes a cut, nothing to replace an insertion. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
}

/** A text in pieces, to be written one after the other. */
export interface Spliced {
  readonly pieces: Buffer[]
  readonly byteLength: number
}

const nothing = Buffer.alloc(0)

/**
 * Applies edits, in any order, to a text. Kept stretches are views of `body`, not copies.
 * Edits that overlap are a bug and throw.
 */
export function splice(body: Buffer, edits: readonly Edit[]): Spliced {
  const pieces: Buffer[] = []
  let byteLength = 0
  let kept = 0
  const add = (piece: Buffer) => {
    if (piece.length === 0) return
    pieces.push(piece)
    byteLength += piece.length
  }
  const inOrder =
    edits.length < 2 ? edits : edits.toSorted((one, other) => one.start - other.start || one.end - other.end)
  for (const edit of inOrder) {
    if (edit.start < kept) throw new Error('Edits overlap')
    add(body.subarray(kept, edit.start))
    add(edit.bytes)
    kept = edit.end
  }
  add(kept === 0 ? body : body.subarray(kept))
  return { pieces, byteLength }
}

/** Gives a member another value. */
export function replaceValue(member: Member, value: Buffer): Edit {
  return { start: member.valueStart, end: member.valueEnd, bytes: value }
}

/**
 * Adds a member in front of all others. `insertAt` is just after the object's opening brace;
 * `isOnly` says that no other member will be left in it, so that no comma is due. `name` needs no escapes.
 */
export function insertMember(insertAt: number, isOnly: boolean, name: string, value: string): Edit {
  return { start: insertAt, end: insertAt, bytes: Buffer.from(`"${name}":${value}${isOnly ? '' : ','}`) }
}

/**
 * Takes members of one object out, each with one of the commas beside it; `members` stand in the order of the
 * text. White space beyond that comma and that member stays.
 */
export function cutMembers(body: Buffer, members: readonly Member[]): Edit[] {
  const edits: Edit[] = []
  let kept = 0
  for (const { keyStart, valueEnd } of members) {
    const before = beforeSpace(body, keyStart)
    const after = afterSpace(body, valueEnd, body.length)
    let start = keyStart
    let end = valueEnd
    if (before >= kept && body[before] === comma) start = before
    else if (body[after] === comma) end = after + 1
    edits.push({ start, end, bytes: nothing })
    kept = end
  }
  return edits
}

/** The last position before `at` that holds no white space. */
function beforeSpace(body: Buffer, at: number): number {
  let before = at - 1
  while (before >= 0 && isSpace(body[before])) before -= 1
  return before
}
