import { openCapture } from './capture.ts'
import { findKey, isSpace, type Member, scanMembers, wantMembers } from './scan.ts'
import { stringEnd, unendedInEscape } from './strings.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const closeBracket = 0x5d
/** Set in both braces and clear in both brackets: or-ing it makes one comparison of two. */
const braceBit = 0x20

const longestUsageBytes = 1 << 20
const wanted = wantMembers('model', 'usage')
const { keys } = wanted

/** An answer as it goes out, and its last `usage`. */
export interface StampedAnswer {
  readonly bytes: Buffer
  readonly usage: Buffer | null
}

/**
 * Does with an answer that came in one piece what `openAnswer` does with one in chunks, at a third of the cost. What is
 * no plain object, or has a member twice, is left to the other.
 */
export function stampAnswer(answer: Buffer, stampModel: Buffer | null): StampedAnswer {
  const end = scanMembers(answer, 0, answer.length, wanted)
  if (end < 0 || wanted.earlier.length > 0) {
    const relay = openAnswer(stampModel)
    return { bytes: Buffer.concat(relay.push(answer)), usage: relay.usage() }
  }
  const { model, usage } = wanted.found
  const isLong = usage.valueEnd - usage.valueStart > longestUsageBytes
  return {
    bytes: model.keyStart < 0 || stampModel === null ? answer : replaced(answer, model, stampModel),
    usage: usage.keyStart < 0 || isLong ? null : answer.subarray(usage.valueStart, usage.valueEnd),
  }
}

function replaced(answer: Buffer, { valueStart, valueEnd }: Member, value: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(answer.length - (valueEnd - valueStart) + value.length)
  answer.copy(bytes, 0, 0, valueStart)
  value.copy(bytes, valueStart)
  answer.copy(bytes, valueStart + value.length, valueEnd)
  return bytes
}

/** A whole answer on its way through. */
export interface AnswerRelay {
  /** What goes out for `chunk`: views of it and stamps, good until the chunk's memory is used again. */
  push(chunk: Buffer): Buffer[]
  /** The bytes of the last `usage` that has ended so far; null without one, or where it is above 1 MiB. */
  usage(): Buffer | null
}

/**
 * Relays a JSON answer that arrives in chunks, however it is cut, acting on members of the outermost object
 * only.
 *
 * The value of `model`, whatever it is, gives way to `stampModel` (a JSON value; null leaves it), and `usage`
 * is noted. Nothing is held back and nothing else changes: what is no object passes as it is, and so does the
 * rest of an answer from where it stops being JSON.
 */
export function openAnswer(stampModel: Buffer | null): AnswerRelay {
  let step = beforeObject
  let member: string | null = null
  let depth = 0
  let isInString = false
  let isEscaped = false
  let isKeySplit = false
  const splitKey = openCapture(keys.longestEscaped + 1)
  const currentUsage = openCapture(longestUsageBytes)
  let usage: Buffer | null = null
  let pieces: Buffer[] = []
  let keptFrom = 0
  let isDropping = false

  function beforeObject(chunk: Buffer, at: number): number {
    const byte = chunk[at]
    if (byte === openBrace) step = beforeKey
    else if (!isSpace(byte) && !isByteOrderMark(byte)) step = passing
    return at + 1
  }

  function beforeKey(chunk: Buffer, at: number): number {
    if (isSpace(chunk[at])) return at + 1
    isInString = chunk[at] === quote
    isKeySplit = false
    step = isInString ? insideKey : passing
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
    member = text === null ? null : nameAt(text, start, isKeySplit ? text.length - 1 : end - 1)
    step = beforeColon
    return end
  }

  function beforeColon(chunk: Buffer, at: number): number {
    if (!isSpace(chunk[at])) step = chunk[at] === colon ? beforeValue : passing
    return at + 1
  }

  function beforeValue(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number
    if (isSpace(byte)) return at + 1
    if (member === 'model' && stampModel !== null) {
      keep(chunk, at)
      pieces.push(stampModel)
      isDropping = true
    }
    if (member === 'usage') currentUsage.begin()
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

  function valuePart(chunk: Buffer, from: number, at: number, hasEnded: boolean): number {
    if (member === 'usage') {
      currentUsage.add(chunk, from, at)
      if (hasEnded) usage = currentUsage.bytes()
    }
    if (!hasEnded) return at
    if (isDropping) keptFrom = at
    isDropping = false
    step = afterValue
    return at
  }

  function afterValue(chunk: Buffer, at: number): number {
    if (!isSpace(chunk[at])) step = chunk[at] === comma ? beforeKey : passing
    return at + 1
  }

  function throughString(chunk: Buffer, at: number): number {
    const end = stringEnd(chunk, isEscaped ? at + 1 : at, chunk.length)
    isInString = end < 0
    isEscaped = end === unendedInEscape
    return end < 0 ? chunk.length : end
  }

  function keep(chunk: Buffer, end: number): void {
    if (end > keptFrom) pieces.push(end - keptFrom === chunk.length ? chunk : chunk.subarray(keptFrom, end))
  }

  return {
    push(chunk) {
      pieces = []
      keptFrom = 0
      let at = 0
      while (at < chunk.length) at = step(chunk, at)
      if (!isDropping) keep(chunk, chunk.length)
      return pieces
    },
    usage: () => usage,
  }
}

function passing(chunk: Buffer): number {
  return chunk.length
}

function nameAt(bytes: Buffer, start: number, end: number): string | null {
  return findKey(keys, bytes, start, end)?.name ?? null
}

function isByteOrderMark(byte: number | undefined): boolean {
  return byte === 0xef || byte === 0xbb || byte === 0xbf
}

function endsPlain(byte: number | undefined): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte)
}
