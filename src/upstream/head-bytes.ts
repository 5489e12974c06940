// The words of a head, read from its bytes: the same on the way in and on the way out.

/** Whether the bytes say `text`, which is in lower case and of letters and hyphens only, in any case. */
export function spells(bytes: Buffer, start: number, stop: number, text: string): boolean {
  if (stop - start !== text.length) return false
  for (let at = 0; at < text.length; at++) {
    // The bit that makes a letter small makes no other byte of a token a letter or a hyphen.
    if (((bytes[start + at] ?? 0) | 0x20) !== text.charCodeAt(at)) return false
  }
  return true
}

/** A number of 1 to 15 digits, so that it is exact; -1 for anything else. */
export function decimal(bytes: Buffer, start: number, stop: number): number {
  if (stop === start || stop - start > 15) return -1
  let number = 0
  for (let at = start; at < stop; at++) {
    const digit = (bytes[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}

/** Whether a byte is one of those that may stand around a value. */
export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}
