import type { KeyId, NodeId, WorkspaceId } from '../../domain/ids.ts'
import type { KeyFact } from '../facts.ts'

/** Many keys as they come from the database, in as few values as possible. */
export interface PackedKeys {
  /** At most 16,384. */
  readonly count: number
  /**
   * A line of each key in any order: its digest in hexadecimal and, without a space, its id, workspace, group or
   * nothing, style, 1 where it is revoked else 0, prefix.
   */
  readonly lines: string
}

/**
 * Keys that do not change, in memory that the collector need not look through: about 120 bytes a key, a quarter of
 * what they take as objects.
 */
export interface KeyBlock {
  /** The key with this digest, live or revoked. */
  find(digest: Buffer): KeyFact | null
  values(): IterableIterator<KeyFact>
}

interface Page {
  readonly digests: Buffer
  readonly lines: Buffer
  /** Where each line begins; one more for the end. */
  readonly starts: Uint32Array
}

const digestBytes = 32
/** A key's number is that of its page and, in so many bits, its place there. */
const placeBits = 14
const placeMask = 2 ** placeBits - 1
/** Facts that are kept ready, so that a key that calls often is not read from its line each time. */
const factsKept = 16_384
const newline = 0x0a

/** Of keys with one digest, revoked in one workspace and made anew in another, the live one is found. */
export function keyBlock(packs: readonly PackedKeys[]): KeyBlock {
  const pages = packs.map(toPage)
  const slots = indexed(pages)
  const mask = slots.length - 1
  const facts = new Map<number, KeyFact>()

  return {
    find(digest) {
      for (let slot = digest.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
        const number = (slots[slot] ?? 0) - 1
        if (number < 0) return null
        const page = pages[number >>> placeBits]
        if (page !== undefined && isSame(page.digests, (number & placeMask) * digestBytes, digest))
          return keptFact(number, page)
      }
    },
    *values() {
      for (const page of pages) for (let at = 0; at + 1 < page.starts.length; at++) yield factAt(page, at)
    },
  }

  function keptFact(number: number, page: Page): KeyFact {
    let fact = facts.get(number)
    if (fact === undefined) {
      if (facts.size === factsKept) facts.clear()
      fact = factAt(page, number & placeMask)
      facts.set(number, fact)
    }
    return fact
  }
}

/** Takes the digests out of the lines. */
function toPage({ count, lines }: PackedKeys): Page {
  const text = Buffer.from(lines)
  const digests = Buffer.alloc(count * digestBytes)
  const rests = Buffer.alloc(Math.max(0, text.length - count * digestBytes * 2))
  const starts = new Uint32Array(count + 1)
  for (let at = 0, from = 0, length = 0; at < count; at++) {
    const digestEnd = from + digestBytes * 2
    digests.write(text.toString('latin1', from, digestEnd), at * digestBytes, 'hex')
    const newlineAt = text.indexOf(newline, digestEnd)
    const end = newlineAt < 0 ? text.length : newlineAt + 1
    length += text.copy(rests, length, digestEnd, end)
    starts[at + 1] = length
    from = end
  }
  return { digests, lines: rests, starts }
}

/** A hash table without chains: the number of a key plus one, in the first free slot from its digest's beginning on. */
function indexed(pages: readonly Page[]): Uint32Array {
  const size = pages.reduce((sum, { starts }) => sum + starts.length - 1, 0)
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(size * 2 + 2)))
  const mask = slots.length - 1
  for (const [number, page] of pages.entries()) {
    for (let at = 0; at * digestBytes < page.digests.length; at++) {
      let slot = page.digests.readUInt32LE(at * digestBytes) & mask
      while (slots[slot] !== 0 && !isOutdone((slots[slot] ?? 0) - 1, page, at)) slot = (slot + 1) & mask
      slots[slot] = ((number << placeBits) | at) + 1
    }
  }
  return slots

  /** Whether the key with this number is revoked and has the digest of another, which then takes its slot. */
  function isOutdone(number: number, page: Page, at: number): boolean {
    const other = pages[number >>> placeBits]
    const from = (number & placeMask) * digestBytes
    if (
      other === undefined ||
      other.digests.readUInt32LE(from) !== page.digests.readUInt32LE(at * digestBytes)
    )
      return false
    const digest = page.digests.subarray(at * digestBytes, (at + 1) * digestBytes)
    return isSame(other.digests, from, digest) && factAt(other, number & placeMask).revoked
  }
}

/** Takes as long wherever they differ. */
function isSame(digests: Buffer, from: number, digest: Buffer): boolean {
  let difference = 0
  for (let at = 0; at < digestBytes; at++) difference |= (digests[from + at] ?? 0) ^ (digest[at] ?? 0)
  return difference === 0
}

function factAt({ digests, lines, starts }: Page, at: number): KeyFact {
  const line = lines.toString('utf8', starts[at], starts[at + 1])
  const [id = '', workspaceId = '', nodeId = '', style, revoked, prefix = ''] = line.trimEnd().split(' ')
  return {
    id: id as KeyId,
    workspaceId: workspaceId as WorkspaceId,
    nodeId: nodeId === '' ? null : (nodeId as NodeId),
    style: style as KeyFact['style'],
    prefix,
    digest: digests.subarray(at * digestBytes, (at + 1) * digestBytes),
    revoked: revoked === '1',
  }
}
