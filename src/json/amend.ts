import { type Capture, openCapture } from './capture.ts'
import { openKept } from './kept.ts'
import { afterSpace, scanMembers, type Wanted, wantMembers } from './scan.ts'
import { openWalk } from './walk.ts'

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
  const values = new Map<string, Buffer | null>()
  const kept = openKept()
  let member: string | null = null
  let current: Capture | null = null
  let hasMember = false
  /** What is held back: from `heldFrom` of this chunk on, after `held` of those before. */
  let isHolding = false
  let heldFrom = 0
  let held: Buffer[] = []
  let heldBytes = 0
  let pieces: Buffer[] = []

  const walk = openWalk(wanted.keys, {
    objectBegins: hold,
    valueBegins(name, chunk) {
      // What has had to be let go cannot be cut any more.
      if (name === added && isHolding) drop(chunk)
      else {
        release()
        hasMember = true
      }
      const longest = name === null ? undefined : noted.get(name)
      current = longest === undefined ? null : openCapture(longest)
      member = name
    },
    valuePart(chunk, from, to) {
      current?.add(chunk, from, to)
    },
    valueEnds(at) {
      if (current !== null && member !== null) values.set(member, current.bytes())
      kept.resume(at)
    },
    memberEnds(chunk, at) {
      if (hasMember) return hold(at)
      // Where all members so far were cut, the next is the first, and no comma is due.
      kept.keep(chunk, at)
      kept.drop()
      kept.resume(at + 1)
      hold(at + 1)
    },
    objectEnds(at) {
      release()
      hold(at)
    },
    strays: release,
  })

  function hold(from: number): void {
    isHolding = true
    heldFrom = from
  }

  function release(): void {
    if (held.length > 0) pieces.push(...held)
    forget()
  }

  function drop(chunk: Buffer): void {
    if (held.length === 0) kept.keep(chunk, heldFrom)
    forget()
    kept.drop()
  }

  function forget(): void {
    isHolding = false
    held = []
    heldBytes = 0
  }

  /** Copies what is held back of a chunk that is used up, as long as that is not too much. */
  function holdRest(chunk: Buffer): void {
    kept.keep(chunk, heldFrom)
    const rest = Buffer.from(chunk.subarray(heldFrom))
    held.push(rest)
    heldBytes += rest.length
    if (heldBytes <= longestHeldBytes) return
    if (walk.isWhole()) walk.stop()
    release()
  }

  return {
    push(chunk) {
      pieces = kept.begin()
      heldFrom = 0
      walk.push(chunk)
      if (isHolding) holdRest(chunk)
      else kept.keep(chunk, chunk.length)
      return pieces
    },
    end(value) {
      const isWhole = walk.isWhole()
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
