/** Bytes to send on, noted as stretches of the buffers they stand in. */
export interface Pieces {
  /** Notes [start, end) of `bytes`. Neighbours in one buffer become one stretch. */
  add(bytes: Buffer, start: number, end: number): void
  /**
   * Hands everything noted over and begins anew. One stretch comes as a view (the buffer itself when it is all of it),
   * several come joined in a new buffer, or, where joining costs more than another write, as views.
   */
  take(): Buffer[]
}

const dearToJoinBytes = 1 << 16

export function openPieces(): Pieces {
  let buffers: Buffer[] = []
  let bounds: number[] = []
  let byteLength = 0

  function view(index: number): Buffer {
    const bytes = buffers[index] as Buffer
    const start = bounds[2 * index] as number
    const end = bounds[2 * index + 1] as number
    return end - start === bytes.length ? bytes : bytes.subarray(start, end)
  }

  function joined(): Buffer {
    const target = Buffer.allocUnsafe(byteLength)
    let at = 0
    for (let index = 0; index < buffers.length; index += 1) {
      at += (buffers[index] as Buffer).copy(target, at, bounds[2 * index], bounds[2 * index + 1])
    }
    return target
  }

  return {
    add(bytes, start, end) {
      if (end === start) return
      byteLength += end - start
      const last = buffers.length - 1
      if (buffers[last] === bytes && bounds[2 * last + 1] === start) bounds[2 * last + 1] = end
      else {
        buffers.push(bytes)
        bounds.push(start, end)
      }
    },
    take() {
      const count = buffers.length
      const taken =
        count <= 1 || byteLength > dearToJoinBytes ? buffers.map((_, index) => view(index)) : [joined()]
      if (count > 0) {
        buffers = []
        bounds = []
        byteLength = 0
      }
      return taken
    },
  }
}
