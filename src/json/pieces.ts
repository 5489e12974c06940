/** Bytes to send on, noted as stretches of the buffers they stand in. */
export interface Pieces {
  /** Notes [start, end) of `bytes`. Neighbours in one buffer become one stretch. */
  add(bytes: Buffer, start: number, end: number): void
  /**
   * Hands everything noted over and begins anew. One stretch comes as a view, or as the buffer itself when it
   * is all of it. Several come joined in a new buffer, or as views where they are so long that another write
   * is cheaper than a copy.
   */
  take(): readonly Buffer[]
}

const dearToCopyBytes = 1 << 16
const none: readonly Buffer[] = []

/** Begins with nothing noted. */
export function openPieces(): Pieces {
  let finished: Buffer[] = []
  let current: Buffer | null = null
  let start = 0
  let end = 0

  function currentView(bytes: Buffer): Buffer {
    return end - start === bytes.length ? bytes : bytes.subarray(start, end)
  }

  return {
    add(bytes, from, to) {
      if (from === to) return
      if (bytes !== current || from !== end) {
        if (current !== null) finished.push(currentView(current))
        current = bytes
        start = from
      }
      end = to
    },
    take() {
      if (current === null) return none
      const last = currentView(current)
      current = null
      if (finished.length === 0) return [last]
      const views = finished
      views.push(last)
      finished = []
      const byteLength = views.reduce((sum, view) => sum + view.length, 0)
      return byteLength > dearToCopyBytes ? views : [Buffer.concat(views, byteLength)]
    },
  }
}
