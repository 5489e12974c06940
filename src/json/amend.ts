import { type Capture, openCapture } from './capture.ts'
import { afterSpace, findKey, isSpace, scanMembers, type Wanted, wantMembers } from './scan.ts'
import { stringEnd, unendedInEscape } from './strings.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const closeBracket = 0x5d
/** Set in both braces and clear in both brackets: or-ing it makes one comparison of two. */
const braceBit = 0x20

/** White space where none is needed is held back no further than this. */
const longestHeldBytes = 1 << 14

/** What is done to an answer. */
export interface Amendment {
  /** The member that is added as the last one. Those of its name that were there are cut. */
  readonly added: string
  /** Members that are noted, and the longest value that is. */
  readonly noted: ReadonlyMap<string, number>
  readonly wanted: Wanted
}

/** Names are ASCII without quotes, backslashes and control characters. */
export function amendmentOf(added: string, noted: Readonly<Record<string, number>>): Amendment {
  return { added, noted: new Map(Object.entries(noted)), wanted: wantMembers(added, ...Object.keys(noted)) }
}

/** The end of an amended answer. */
export interface AmendedEnd {
  /** The bytes that were held back, the added member among them. */
  readonly bytes: Buffer
  /** The answer was one JSON object, and nothing else. If not, nothing was added. */
  readonly isWhole: boolean
}

/** A whole answer on its way through. */
export interface AmendedAnswer {
  /** What goes out for `chunk`: views of it among copies, good until the chunk's memory is used again. */
  push(chunk: Buffer): Buffer[]
  /** The upstream has ended. `value` is what the added member holds, as JSON. */
  end(value: Buffer): AmendedEnd
  /** The bytes of a noted member's last value; null without one, or where that is too long. */
  noted(name: string): Buffer | null
}

/**
 * Relays a JSON answer that arrives in chunks, however it is cut, with a member added whose value need not be known
 * before the end. Acts on members of the outermost object only.
 *
 * Held back are the closing brace, and the comma and the key of each member until it is clear whether that is to be cut.
 * Nothing else changes: what is no object passes as it is, and so does the rest of an answer from where it stops being
 * JSON.
 */
export function openAmended({ added, noted, wanted }: Amendment): AmendedAnswer {
  const { keys } = wanted
  const values = new Map<string, Buffer | null>()
  const splitKey = openCapture(keys.longestEscaped + 1)
  let current: Capture | null = null
  let step = beforeObject
  let member: string | null = null
  let depth = 0
  let isInString = false
  let isEscaped = false
  let isKeySplit = false
  let hasMember = false
  /** Nothing of the current value goes out. */
  let isDropping = false
  /** What is held back: from `heldFrom` of this chunk on, after `held` of those before. */
  let isHolding = false
  let heldFrom = 0
  let held: Buffer[] = []
  let heldBytes = 0
  let pieces: Buffer[] = []
  let keptFrom = 0

  function beforeObject(chunk: Buffer, at: number): number {
    const byte = chunk[at]
    if (byte === openBrace) {
      hold(at + 1)
      step = beforeFirstKey
    } else if (!isSpace(byte) && !isByteOrderMark(byte)) pass()
    return at + 1
  }

  function beforeFirstKey(chunk: Buffer, at: number): number {
    if (chunk[at] !== closeBrace) return beforeKey(chunk, at)
    release()
    return close(at)
  }

  function beforeKey(chunk: Buffer, at: number): number {
    if (isSpace(chunk[at])) return at + 1
    isInString = chunk[at] === quote
    isKeySplit = false
    if (isInString) step = insideKey
    else pass()
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
    member = slot?.name ?? null
    step = beforeColon
    return end
  }

  function beforeColon(chunk: Buffer, at: number): number {
    if (isSpace(chunk[at])) return at + 1
    if (chunk[at] === colon) step = beforeValue
    else pass()
    return at + 1
  }

  function beforeValue(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number
    if (isSpace(byte)) return at + 1
    // What has had to be let go cannot be cut any more.
    if (member === added && isHolding) drop(chunk)
    else {
      release()
      hasMember = true
    }
    const longest = member === null ? undefined : noted.get(member)
    current = longest === undefined ? null : openCapture(longest)
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
    current?.add(chunk, from, at)
    if (!hasEnded) return at
    if (current !== null && member !== null) values.set(member, current.bytes())
    if (isDropping) keptFrom = at
    isDropping = false
    step = afterValue
    return at
  }

  function afterValue(chunk: Buffer, at: number): number {
    const byte = chunk[at]
    if (isSpace(byte)) return at + 1
    if (byte === closeBrace) return close(at)
    if (byte !== comma) {
      pass()
      return at + 1
    }
    // Where all members so far were cut, the next is the first, and no comma is due.
    if (!hasMember) {
      keep(chunk, at)
      keptFrom = at + 1
    }
    hold(hasMember ? at : at + 1)
    step = beforeKey
    return at + 1
  }

  function afterObject(chunk: Buffer, at: number): number {
    if (!isSpace(chunk[at])) pass()
    return at + 1
  }

  function close(at: number): number {
    hold(at)
    step = afterObject
    return at + 1
  }

  function pass(): void {
    release()
    isDropping = false
    step = passing
  }

  function hold(from: number): void {
    isHolding = true
    heldFrom = from
  }

  function release(): void {
    if (held.length > 0) pieces.push(...held)
    forget()
  }

  function drop(chunk: Buffer): void {
    if (held.length === 0) keep(chunk, heldFrom)
    forget()
    isDropping = true
  }

  function forget(): void {
    isHolding = false
    held = []
    heldBytes = 0
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

  /** Copies what is held back of a chunk that is used up, as long as that is not too much. */
  function holdRest(chunk: Buffer): void {
    keep(chunk, heldFrom)
    const rest = Buffer.from(chunk.subarray(heldFrom))
    held.push(rest)
    heldBytes += rest.length
    if (heldBytes <= longestHeldBytes) return
    if (step === afterObject) step = passing
    release()
  }

  return {
    push(chunk) {
      pieces = []
      keptFrom = 0
      heldFrom = 0
      let at = 0
      while (at < chunk.length) at = step(chunk, at)
      if (isHolding) holdRest(chunk)
      else if (!isDropping) keep(chunk, chunk.length)
      return pieces
    },
    end(value) {
      const isWhole = step === afterObject
      const bytes = isWhole ? [memberOf(added, value, hasMember), ...held] : held
      return { bytes: Buffer.concat(bytes), isWhole }
    },
    noted: (name) => values.get(name) ?? null,
  }
}

/** Does with an answer that came in one piece what `openAmended` does with one in chunks, at a fraction of the cost. */
export function amendAnswer(
  answer: Buffer,
  change: Amendment,
  value: Buffer,
): AmendedEnd & Pick<AmendedAnswer, 'noted'> {
  const { added, noted, wanted } = change
  const end = scanMembers(answer, 0, answer.length, wanted)
  const isPlain =
    end >= 0 &&
    wanted.earlier.length === 0 &&
    (wanted.found[added]?.keyStart ?? -1) < 0 &&
    afterSpace(answer, end, answer.length) === answer.length
  if (!isPlain) {
    const relay = openAmended(change)
    const before = relay.push(answer)
    const { bytes, isWhole } = relay.end(value)
    return { bytes: Buffer.concat([...before, bytes]), isWhole, noted: relay.noted }
  }
  const values = new Map<string, Buffer>()
  for (const [name, longest] of noted) {
    const slot = wanted.found[name]
    if (slot !== undefined && slot.keyStart >= 0 && slot.valueEnd - slot.valueStart <= longest)
      values.set(name, answer.subarray(slot.valueStart, slot.valueEnd))
  }
  const member = memberOf(added, value, !wanted.isEmpty)
  return {
    bytes: Buffer.concat([answer.subarray(0, end - 1), member, answer.subarray(end - 1)]),
    isWhole: true,
    noted: (name) => values.get(name) ?? null,
  }
}

function memberOf(name: string, value: Buffer, isNext: boolean): Buffer {
  return Buffer.concat([Buffer.from(`${isNext ? ',' : ''}"${name}":`), value])
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
