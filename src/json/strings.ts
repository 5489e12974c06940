const quote = 0x22
const backslash = 0x5c

/** `stringEnd`: the string goes on beyond the bytes given. */
export const unended = -1
/** `stringEnd`: the same, and the last byte is a backslash that escapes the byte to come. */
export const unendedInEscape = -2

const shortRun = 24
const longRun = 512

/**
 * Finds where a JSON string ends. `from` is just after the opening quote, or any place inside that no
 * backslash escapes.
 *
 * Returns the position after the closing quote, or `unended` or `unendedInEscape` if it is not before `end`.
 * Most strings are short, so a byte loop looks first.
 */
export function stringEnd(bytes: Buffer, from: number, end: number): number {
  const pause = from + shortRun < end ? from + shortRun : end
  let at = from
  while (at < pause) {
    const byte = bytes[at]
    if (byte === quote) return at + 1
    at += byte === backslash ? 2 : 1
  }
  return farEnd(bytes, at, end)
}

/**
 * The same for what may be long. Native search costs a call, a byte loop costs each byte: so search jumps
 * over long runs, and the loop takes longer turns while searching keeps stopping early (text dense with
 * escaped quotes).
 */
function farEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  let turn = 0
  for (;;) {
    const pause = at + turn < end ? at + turn : end
    while (at < pause) {
      const byte = bytes[at]
      if (byte === quote) return at + 1
      at += byte === backslash ? 2 : 1
    }
    if (at >= end) return at > end ? unendedInEscape : unended

    const found = bytes.indexOf(quote, at)
    const stop = found === -1 || found >= end ? end : found
    const isEscaped = ((stop - runStart(bytes, at, stop)) & 1) === 1
    if (stop === end) return isEscaped ? unendedInEscape : unended
    if (!isEscaped) return stop + 1
    turn = stop - at < shortRun ? longRun : 0
    at = stop + 1
  }
}

/** Where the run of backslashes that ends at `stop` begins, not before `from`. */
function runStart(bytes: Buffer, from: number, stop: number): number {
  let at = stop
  while (at > from && bytes[at - 1] === backslash) at -= 1
  return at
}
