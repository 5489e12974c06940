import type { Failure } from '../domain/failure.ts'
import type { BufferBudget } from './buffers.ts'

/** Collects one request body in memory that the budget has granted. */
export interface BodyCollector {
  /** Adds a piece; the failure, if any, is final. The collector keeps no piece but one that is the whole body. */
  add(piece: Buffer): Failure | null
  /** What was collected. Without copying, so the bytes stay charged until `release`. */
  whole(): Buffer
  receivedBytes(): number
  /** Returns what was taken from the budget. Harmless when repeated. */
  release(): void
}

const empty = Buffer.alloc(0)
const firstCapacityBytes = 64 * 1024

/**
 * Pieces are copied into one growing buffer, so that a body of a million one-byte chunks costs its bytes and not a
 * million buffers. A body that comes whole in its first piece is kept as it came.
 */
export function openBodyCollector(
  declaredBytes: number | null,
  limitBytes: number,
  budget: BufferBudget,
): BodyCollector {
  let buffer: Buffer = empty
  let length = 0
  let taken = 0

  function grow(needed: number): boolean {
    const wanted = Math.max(needed, firstCapacityBytes, 2 * buffer.length)
    const capacity = Math.max(needed, Math.min(wanted, declaredBytes ?? limitBytes))
    if (!budget.take(capacity - taken)) return false
    taken = capacity
    const grown = Buffer.allocUnsafeSlow(capacity)
    buffer.copy(grown, 0, 0, length)
    buffer = grown
    return true
  }

  return {
    add(piece) {
      const needed = length + piece.length
      if (needed > limitBytes) return { failure: 'body_too_large', limitBytes }
      if (length === 0 && piece.length === declaredBytes) {
        if (!budget.take(needed)) return noBuffers
        taken = needed
        buffer = piece
      } else {
        if (needed > buffer.length && !grow(needed)) return noBuffers
        piece.copy(buffer, length)
      }
      length = needed
      return null
    },
    whole: () => (length === buffer.length ? buffer : buffer.subarray(0, length)),
    receivedBytes: () => length,
    release() {
      budget.give(taken)
      taken = 0
    },
  }
}

/** Why a body cannot be had when the budget is used up. */
export const noBuffers: Failure = { failure: 'overloaded', reason: 'buffers', retryAfterMs: 1000 }
