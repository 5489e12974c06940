/** A bound on the memory of request bodies, shared by all requests of a server. Counts bytes; holds none. */
export interface BufferBudget {
  /** Takes bytes out of the budget, or returns false and takes none. */
  take(bytes: number): boolean
  give(bytes: number): void
  takenBytes(): number
}

export function openBufferBudget(maxBytes: number): BufferBudget {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > maxBytes) return false
      taken += bytes
      return true
    },
    give(bytes) {
      taken -= bytes
    },
    takenBytes: () => taken,
  }
}
