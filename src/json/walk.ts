import { openCapture } from './capture.ts'
import { findKey, isSpace, type KeyTable } from './scan.ts'
import { stringEnd, unendedInEscape } from './strings.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const closeBracket = 0x5d
/** Set in both braces and clear in both brackets: or-ing it makes one comparison of two. */
const braceBit = 0x20

/** What a walk tells of, in the order of the text. Positions are in the chunk at hand. */
export interface Visitor {
  /** The object's opening brace stands before `at`. */
  objectBegins?(at: number): void
  /** A member's value begins at `at`. `name` is which of the names its key decodes to; null for none. */
  valueBegins(name: string | null, chunk: Buffer, at: number): void
  /** [from, to) belongs to the value that has begun last. */
  valuePart(chunk: Buffer, from: number, to: number): void
  /** The value has ended before `at`. */
  valueEnds(at: number): void
  /** The comma at `at` parts two members. */
  memberEnds?(chunk: Buffer, at: number): void
  /** The object's closing brace stands at `at`. */
  objectEnds?(at: number): void
  /** The text is no object, or no JSON any more. Nothing is told after that. */
  strays?(): void
}

/** A walk over one text. */
export interface Walk {
  /** Goes through a chunk, good until its memory is used again. */
  push(chunk: Buffer): void
  /** The text so far is an object that has ended, with nothing but white space around. */
  isWhole(): boolean
  /** Tells nothing any more. */
  stop(): void
}

/**
 * Walks over a JSON object that arrives in chunks, however it is cut, and tells where the outermost members and their
 * values begin and end. Holds nothing back, and keeps no more of a chunk than a key that is cut.
 */
export function openWalk(keys: KeyTable, visitor: Visitor): Walk {
  const splitKey = openCapture(keys.longestEscaped + 1)
  let step = beforeObject
  let name: string | null = null
  let depth = 0
  let isInString = false
  let isEscaped = false
  let isKeySplit = false

  function beforeObject(chunk: Buffer, at: number): number {
    const byte = chunk[at]
    if (byte === openBrace) {
      visitor.objectBegins?.(at + 1)
      step = beforeFirstKey
    } else if (!isSpace(byte) && !isByteOrderMark(byte)) stray()
    return at + 1
  }

  function beforeFirstKey(chunk: Buffer, at: number): number {
    return chunk[at] === closeBrace ? endObject(at) : beforeKey(chunk, at)
  }

  function beforeKey(chunk: Buffer, at: number): number {
    if (isSpace(chunk[at])) return at + 1
    isInString = chunk[at] === quote
    isKeySplit = false
    if (isInString) step = insideKey
    else stray()
    return at + 1
  }

  function insideKey(chunk: Buffer, at: number): number {
    const end = throughString(chunk, at)
    if (isInString || isKeySplit) {
      if (!isKeySplit) splitKey.begin()
      isKeySplit = true
      splitKey.add(chunk, at, end)
    }
    if (isInString) return end
    const text = isKeySplit ? splitKey.bytes() : chunk
    const start = isKeySplit ? 0 : at
    const slot = text === null ? null : findKey(keys, text, start, isKeySplit ? text.length - 1 : end - 1)
    name = slot?.name ?? null
    step = beforeColon
    return end
  }

  function beforeColon(chunk: Buffer, at: number): number {
    if (isSpace(chunk[at])) return at + 1
    if (chunk[at] === colon) step = beforeValue
    else stray()
    return at + 1
  }

  function beforeValue(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number
    if (isSpace(byte)) return at + 1
    visitor.valueBegins(name, chunk, at)
    step = byte === quote || (byte | braceBit) === openBrace ? insideValue : insidePlain
    return at
  }

  function insideValue(chunk: Buffer, from: number): number {
    let at = from
    let open = depth
    do {
      if (isInString) at = throughString(chunk, at)
      else {
        const byte = chunk[at] as number
        at += 1
        if (byte === quote) {
          isInString = true
          continue
        }
        const folded = byte | braceBit
        if (folded === openBrace) open += 1
        else if (folded === closeBrace) open -= 1
      }
    } while ((open > 0 || isInString) && at < chunk.length)
    depth = open
    return valuePart(chunk, from, at, open === 0 && !isInString)
  }

  function insidePlain(chunk: Buffer, from: number): number {
    let at = from
    while (at < chunk.length && !endsPlain(chunk[at])) at += 1
    return valuePart(chunk, from, at, at < chunk.length)
  }

  function valuePart(chunk: Buffer, from: number, to: number, hasEnded: boolean): number {
    visitor.valuePart(chunk, from, to)
    if (hasEnded) {
      visitor.valueEnds(to)
      step = afterValue
    }
    return to
  }

  function afterValue(chunk: Buffer, at: number): number {
    const byte = chunk[at]
    if (isSpace(byte)) return at + 1
    if (byte === closeBrace) return endObject(at)
    if (byte === comma) {
      visitor.memberEnds?.(chunk, at)
      step = beforeKey
    } else stray()
    return at + 1
  }

  function endObject(at: number): number {
    visitor.objectEnds?.(at)
    step = afterObject
    return at + 1
  }

  function afterObject(chunk: Buffer, at: number): number {
    if (!isSpace(chunk[at])) stray()
    return at + 1
  }

  function stray(): void {
    visitor.strays?.()
    step = passing
  }

  function throughString(chunk: Buffer, at: number): number {
    const end = stringEnd(chunk, isEscaped ? at + 1 : at, chunk.length)
    isInString = end < 0
    isEscaped = end === unendedInEscape
    return end < 0 ? chunk.length : end
  }

  return {
    push(chunk) {
      let at = 0
      while (at < chunk.length) at = step(chunk, at)
    },
    isWhole: () => step === afterObject,
    stop() {
      step = passing
    },
  }
}

function passing(chunk: Buffer): number {
  return chunk.length
}

function isByteOrderMark(byte: number | undefined): boolean {
  return byte === 0xef || byte === 0xbb || byte === 0xbf
}

function endsPlain(byte: number | undefined): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte)
}
