import { afterSpace, decodeString, type Member } from './scan.ts'

const quote = 0x22
const backslash = 0x5c

/**
 * The string that a member holds; null if it holds anything else, or a string that no parser of JSON reads.
 */
export function readString(bytes: Buffer, { valueStart, valueEnd }: Member): string | null {
  if (bytes[valueStart] !== quote) return null
  for (let at = valueStart + 1; at < valueEnd - 1; at += 1) {
    const byte = bytes[at] as number
    if (byte === backslash || byte < 0x20 || byte > 0x7e)
      return decodeString(bytes, valueStart + 1, valueEnd - 1)
  }
  return bytes.toString('latin1', valueStart + 1, valueEnd - 1)
}

/** The boolean that a member holds; null if it holds anything else. */
export function readBoolean(bytes: Buffer, { valueStart }: Member): boolean | null {
  if (bytes[valueStart] === 0x74) return true
  return bytes[valueStart] === 0x66 ? false : null
}

/**
 * The count that a member holds: a non-negative integer up to 2^53 - 1, however it is spelled (`1.0`, `1e2`).
 * Null if it holds anything else.
 */
export function readCount(bytes: Buffer, { valueStart, valueEnd }: Member): number | null {
  const first = bytes[valueStart] as number
  if (first !== 0x2d && (first < 0x30 || first > 0x39)) return null
  const value = Number(bytes.toString('latin1', valueStart, valueEnd))
  return Number.isSafeInteger(value) && value >= 0 ? Math.abs(value) : null
}

/** A member holds `null`. */
export function isNull(bytes: Buffer, { valueStart }: Member): boolean {
  return bytes[valueStart] === 0x6e
}

/** A member holds an object. */
export function isObject(bytes: Buffer, { valueStart }: Member): boolean {
  return bytes[valueStart] === 0x7b
}

/** A member holds an array with nothing in it. */
export function isEmptyArray(bytes: Buffer, member: Member): boolean {
  return (
    isArray(bytes, member) &&
    afterSpace(bytes, member.valueStart + 1, member.valueEnd) === member.valueEnd - 1
  )
}

/** A member holds an array. */
export function isArray(bytes: Buffer, { valueStart }: Member): boolean {
  return bytes[valueStart] === 0x5b
}
