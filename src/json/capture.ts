/** Collects a stretch of bytes that comes in parts. */
export interface Capture {
  /** Forgets what was collected. */
  begin(): void
  /** Copies [start, end) of `bytes`. */
  add(bytes: Buffer, start: number, end: number): void
  /** All of it in one; null if it was more than the limit. */
  bytes(): Buffer | null
}

/** Beyond `limitBytes` nothing is kept. */
export function openCapture(limitBytes: number): Capture {
  let parts: Buffer[] = []
  let length = 0
  return {
    begin() {
      parts = []
      length = 0
    },
    add(bytes, start, end) {
      length += end - start
      if (length <= limitBytes) parts.push(Buffer.from(bytes.subarray(start, end)))
      else parts = []
    },
    bytes() {
      if (length > limitBytes) return null
      return parts.length === 1 ? (parts[0] ?? null) : Buffer.concat(parts)
    },
  }
}
