import { writtenForms } from '../dialects/openai-native/upstream-error.ts'

const star = 0x2a
const lineFeed = 0x0a
const nothing = Buffer.alloc(0)
/**
 * What is shorter is no secret: `none`, `ollama`, `x`. Answers may well have such a word, and must keep it. Errors, which
 * nobody asked for, hide every credential whatever its length.
 */
const shortestBytes = 8
/** Rare in answers, the rarest first. Of what is neither here nor in another needle any byte does. */
const rareBytes = Buffer.from('ZQXJKVYWUGHFLBMNDOPREC9876543210SATI_~zqxjk')
const shortestAnchor = 4

/** What a provider may quote of what it was sent, made ready to be looked for. Made once for each credential. */
export interface Needles {
  readonly all: readonly Needle[]
  readonly longestBytes: number
  /** By byte, whether what ends with it may end within a needle: 1 or 0. */
  readonly mayEndWith: Uint8Array
}

interface Needle {
  readonly bytes: Buffer
  /** The needle from a byte on that answers seldom have: finding `sk-…` by its `s` takes ten times as long. */
  readonly anchor: Buffer
  readonly anchorAt: number
}

/** Null where nothing is secret. */
export function needlesOf(secrets: readonly string[]): Needles | null {
  const forms = new Set(secrets.flatMap(writtenForms).flatMap(inBytes))
  const all = [...forms].map((form) => needleOf(Buffer.from(form, 'latin1')))
  if (all.length === 0) return null
  const mayEndWith = new Uint8Array(256)
  for (const { bytes } of all) for (const byte of bytes.subarray(0, -1)) mayEndWith[byte] = 1
  return { all, longestBytes: Math.max(...all.map(({ bytes }) => bytes.length)), mayEndWith }
}

/** A text as it may stand in an answer, byte by byte: in UTF-8, or in Latin-1 as it was sent. */
function inBytes(text: string): string[] {
  const forms = [text, Buffer.from(text).toString('latin1')]
  return forms.filter((form) => form.length >= shortestBytes && /^[^\r\n\u0100-\uffff]*$/.test(form))
}

function needleOf(bytes: Buffer): Needle {
  const anchors = bytes.subarray(0, bytes.length - shortestAnchor + 1)
  const rarest = rareBytes.find((byte) => anchors.includes(byte))
  const anchorAt = rarest === undefined ? 0 : anchors.indexOf(rarest)
  return { bytes, anchor: bytes.subarray(anchorAt), anchorAt }
}

/** One answer on its way through, in which needles are masked. */
export interface Mask {
  readonly needles: Needles
  /** The end of what has come, if it may be the beginning of a needle: as it came, and as it goes out if it is none. */
  held: Buffer
  heldMasked: Buffer
}

export function openMask(needles: Needles): Mask {
  return { needles, held: nothing, heldMasked: nothing }
}

/**
 * What may go out of an answer after one more chunk, each byte of a needle replaced by a star so that all others stay
 * where they are. It is the chunk itself where nothing in it is secret, and at times empty: a chunk may end within a
 * needle. An event never does, for it ends in a line feed, and no needle has one.
 */
export function maskChunk(mask: Mask, chunk: Buffer): Buffer {
  const { needles, held } = mask
  const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
  const clean = held.length === 0 ? chunk : Buffer.concat([mask.heldMasked, chunk])
  const masked = starred(bytes, clean, needles)
  const from = tailFrom(bytes, needles)
  if (from === bytes.length) {
    mask.held = nothing
    mask.heldMasked = nothing
    return masked
  }
  mask.held = Buffer.from(bytes.subarray(from))
  mask.heldMasked = Buffer.from(masked.subarray(from))
  return masked.subarray(0, from)
}

/** What was held back, at the end of an answer. One that breaks off within a needle has shown enough of it. */
export function endMask({ held, heldMasked }: Mask): Buffer {
  return held.length < shortestBytes ? heldMasked : Buffer.alloc(held.length, star)
}

/** `clean`, with stars where a needle stands in `bytes`. Copied before anything in it changes. */
function starred(bytes: Buffer, clean: Buffer, { all }: Needles): Buffer {
  let masked = clean
  for (const needle of all) {
    const { anchor, anchorAt } = needle
    for (let at = bytes.indexOf(anchor); at >= 0; at = bytes.indexOf(anchor, at + 1)) {
      const start = at - anchorAt
      if (!begins(needle, bytes, start, at)) continue
      if (masked === clean) masked = Buffer.from(clean)
      masked.fill(star, start, start + needle.bytes.length)
    }
  }
  return masked
}

/** Where the longest beginning of a needle that ends the bytes begins; their length if none does. */
function tailFrom(bytes: Buffer, { all, longestBytes, mayEndWith }: Needles): number {
  const end = bytes.length
  if (mayEndWith[bytes[end - 1] ?? lineFeed] === 0) return end
  for (let from = Math.max(0, end - longestBytes + 1); from < end; from++)
    for (const needle of all)
      if (end - from < needle.bytes.length && begins(needle, bytes, from, end)) return from
  return end
}

/** Whether [start, end) is the beginning of the needle. */
function begins({ bytes: needle }: Needle, bytes: Buffer, start: number, end: number): boolean {
  if (start < 0) return false
  return (
    start === end || (bytes[start] === needle[0] && needle.compare(bytes, start, end, 0, end - start) === 0)
  )
}
