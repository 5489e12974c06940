import { stringEnd } from './strings.ts'

const quote = 0x22
const plus = 0x2b
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const nine = 0x39
const colon = 0x3a
const backslash = 0x5c
const smallE = 0x65
const openBrace = 0x7b
const closeBrace = 0x7d
/** Set in both braces and clear in both brackets: or-ing it makes one comparison of two. */
const braceBit = 0x20

/**
 * Where a member of an object stands: `keyStart` at the key's opening quote, the value in [valueStart,
 * valueEnd).
 */
export interface Member {
  readonly keyStart: number
  readonly valueStart: number
  readonly valueEnd: number
}

/** A member's place, overwritten by every scan. `keyStart` is -1 while the member is absent. */
export interface Slot {
  readonly name: string
  keyStart: number
  valueStart: number
  valueEnd: number
}

/** The members a scan looks for, and what the last scan found. Made once, used again for every scan. */
export interface Wanted<Name extends string = string> {
  /** The last occurrence of each. */
  readonly found: Readonly<Record<Name, Slot>>
  /** Occurrences before the last, in the order of the text. */
  readonly earlier: Readonly<Slot>[]
  /** The members that are none of these, in the order of the text; null where nobody asks. */
  others: Member[] | null
  /** Just after the object's opening brace. */
  insertAt: number
  /** The object has no member at all. */
  isEmpty: boolean
  readonly keys: KeyTable
}

/** Names to look up among keys as they stand in the bytes. */
export interface KeyTable {
  readonly byLength: readonly (readonly Slot[] | undefined)[]
  /** A key of fewer bytes cannot be one of the names with an escape in it. */
  readonly shortestEscaped: number
  /** Nor can a key of more. */
  readonly longestEscaped: number
}

/** `scanMembers`: the text is no JSON as far as we look. */
export const malformed = -1
/** `scanMembers`: the text does not begin with an object. */
export const notObject = -2

/** Nesting beyond this is refused, which bounds what a hostile body can make us allocate. */
const deepest = 1 << 20
/** Letters have one escape: a backslash, `u` and four digits. */
const escapeBytes = 6
const shallow = new Uint8Array(512)

/** Makes what a scan looks for. Names are ASCII without quotes, backslashes and control characters. */
export function wantMembers<Name extends string>(...names: readonly Name[]): Wanted<Name> {
  const slots = names.map((name): Slot => ({ name, keyStart: -1, valueStart: -1, valueEnd: -1 }))
  const byLength: Slot[][] = []
  for (const slot of slots) {
    const sameLength = byLength[slot.name.length]
    if (sameLength) sameLength.push(slot)
    else byLength[slot.name.length] = [slot]
  }
  return {
    found: Object.fromEntries(slots.map((slot) => [slot.name, slot])) as Record<Name, Slot>,
    earlier: [],
    others: null,
    insertAt: -1,
    isEmpty: false,
    keys: {
      byLength,
      shortestEscaped: escapeBytes - 1 + Math.min(...names.map((name) => name.length)),
      longestEscaped: escapeBytes * Math.max(...names.map((name) => name.length)),
    },
  }
}

/** The same, for a scan that also collects the members of any other name. */
export function wantMembersAndOthers<Name extends string>(...names: readonly Name[]): Wanted<Name> {
  const wanted = wantMembers(...names)
  wanted.others = []
  return wanted
}

/**
 * Finds the wanted members of the object that begins in [start, end), white space before it allowed.
 *
 * The members themselves are held to the grammar, their keys and plain values included. Inside nested values
 * only strings and brackets are followed: brackets must match in kind, all else there is for others to judge.
 * A key counts as the name it decodes to. Never recurses. Returns the position after the closing brace, or
 * `malformed` or `notObject`.
 */
export function scanMembers(bytes: Buffer, start: number, end: number, wanted: Wanted): number {
  forget(wanted)
  let at = afterSpace(bytes, start, end)
  if (at >= end || bytes[at] !== openBrace) return notObject
  wanted.insertAt = at + 1
  at = afterSpace(bytes, at + 1, end)
  wanted.isEmpty = at < end && bytes[at] === closeBrace
  if (wanted.isEmpty) return at + 1

  for (;;) {
    const keyStart = at
    if (keyStart >= end || bytes[keyStart] !== quote) return malformed
    const keyEnd = keyEndOf(bytes, keyStart + 1, end)
    if (keyEnd < 0) return malformed
    at = afterSpace(bytes, keyEnd, end)
    if (at >= end || bytes[at] !== colon) return malformed
    const valueStart = afterSpace(bytes, at + 1, end)
    const valueEnd = valueEndOf(bytes, valueStart, end)
    if (valueEnd < 0) return malformed
    const slot = findKey(wanted.keys, bytes, keyStart + 1, keyEnd - 1)
    if (slot !== null) note(wanted, slot, keyStart, valueStart, valueEnd)
    else if (wanted.others !== null) wanted.others.push({ keyStart, valueStart, valueEnd })

    at = afterSpace(bytes, valueEnd, end)
    if (at >= end) return malformed
    if (bytes[at] === closeBrace) return at + 1
    if (bytes[at] !== comma) return malformed
    at = afterSpace(bytes, at + 1, end)
  }
}

/** The first position from `at` on that holds no JSON white space, or `end`. */
export function afterSpace(bytes: Buffer, at: number, end: number): number {
  while (at < end && isSpace(bytes[at])) at += 1
  return at
}

/** White space as JSON has it. */
export function isSpace(byte: number | undefined): boolean {
  if (byte === undefined || byte > 0x20) return false
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/**
 * Which of the names the key in [start, end), its quotes left out, decodes to; null for none.
 * Only a key with an escape in it that is short enough to be one of the names is decoded.
 */
export function findKey(keys: KeyTable, bytes: Buffer, start: number, end: number): Slot | null {
  const candidates = keys.byLength[end - start]
  if (candidates !== undefined) {
    for (const slot of candidates) if (isName(slot.name, bytes, start)) return slot
  }
  const mayBeEscaped = end - start >= keys.shortestEscaped && end - start <= keys.longestEscaped
  if (!mayBeEscaped || !hasEscape(bytes, start, end)) return null
  const name = decodeString(bytes, start, end)
  return name === null ? null : (keys.byLength[name.length]?.find((slot) => slot.name === name) ?? null)
}

/**
 * What the JSON string in [start, end), its quotes left out, stands for; null if no parser of JSON reads it.
 * Costs a parse.
 */
export function decodeString(bytes: Buffer, start: number, end: number): string | null {
  try {
    const value: unknown = JSON.parse(`"${bytes.toString('utf8', start, end)}"`)
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}

function forget(wanted: Wanted): void {
  for (const sameLength of wanted.keys.byLength) {
    if (sameLength !== undefined) for (const slot of sameLength) slot.keyStart = -1
  }
  if (wanted.earlier.length > 0) wanted.earlier.length = 0
  if (wanted.others !== null) wanted.others = []
}

function note(wanted: Wanted, slot: Slot, keyStart: number, valueStart: number, valueEnd: number): void {
  if (slot.keyStart >= 0) wanted.earlier.push({ ...slot })
  slot.keyStart = keyStart
  slot.valueStart = valueStart
  slot.valueEnd = valueEnd
}

function isName(name: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < name.length; i += 1) if (bytes[start + i] !== name.charCodeAt(i)) return false
  return true
}

function hasEscape(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === backslash) return true
  return false
}

/**
 * After the closing quote of the key that begins at `start`; -1 if it does not end, or no parser of JSON
 * reads it.
 */
function keyEndOf(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number
    if (byte === quote) return at + 1
    if (byte < 0x20) return malformed
    if (byte === backslash) return escapedKeyEnd(bytes, start, end)
  }
  return malformed
}

function escapedKeyEnd(bytes: Buffer, start: number, end: number): number {
  const keyEnd = stringEnd(bytes, start, end)
  return keyEnd >= 0 && decodeString(bytes, start, keyEnd - 1) !== null ? keyEnd : malformed
}

function valueEndOf(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return malformed
  const byte = bytes[at] as number
  if (byte === quote) return stringEnd(bytes, at + 1, end)
  if ((byte | braceBit) === openBrace) return nestedEnd(bytes, at, end)
  return plainEnd(bytes, at, end)
}

/**
 * After the bracket that closes the one at `from`; -1 if there is none, or brackets of different kinds meet.
 */
function nestedEnd(bytes: Buffer, from: number, end: number): number {
  let awaited = shallow
  let depth = 0
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] as number
    if (byte === quote) {
      at = stringEnd(bytes, at + 1, end) - 1
      if (at < 0) return malformed
      continue
    }
    const folded = byte | braceBit
    if (folded === openBrace) {
      if (depth === awaited.length) {
        if (depth >= deepest) return malformed
        awaited = deeper(awaited)
      }
      awaited[depth] = byte + 2
      depth += 1
    } else if (folded === closeBrace) {
      depth -= 1
      if (awaited[depth] !== byte) return malformed
      if (depth === 0) return at + 1
    }
  }
  return malformed
}

function deeper(awaited: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const twice = new Uint8Array(awaited.length * 2)
  twice.set(awaited)
  return twice
}

/** After the number, `true`, `false` or `null` at `from`; -1 if what stands there is none of them. */
function plainEnd(bytes: Buffer, from: number, end: number): number {
  const first = bytes[from]
  const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : first === 0x6e ? 'null' : null
  if (word === null) return numberEnd(bytes, from, end)
  return from + word.length <= end && isName(word, bytes, from) ? from + word.length : malformed
}

function numberEnd(bytes: Buffer, from: number, end: number): number {
  const whole = bytes[from] === minus ? from + 1 : from
  let at = bytes[whole] === zero && whole < end ? whole + 1 : digitsEnd(bytes, whole, end)
  if (at < 0) return malformed
  if (at < end && bytes[at] === point) at = digitsEnd(bytes, at + 1, end)
  if (at < 0 || at >= end || ((bytes[at] as number) | 0x20) !== smallE) return at
  const sign = bytes[at + 1]
  return digitsEnd(bytes, sign === plus || sign === minus ? at + 2 : at + 1, end)
}

/** After the digits at `from`; -1 if there is not one. */
function digitsEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && (bytes[at] as number) >= zero && (bytes[at] as number) <= nine) at += 1
  return at === from ? malformed : at
}
