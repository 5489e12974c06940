/** What of a text that arrives in chunks goes out: views of each chunk, and other bytes between them. */
export interface Kept {
  /** Begins a chunk. What goes out for it is put into the list that is returned. */
  begin(): Buffer[]
  /** All of the chunk up to `end` goes out, unless it is being dropped. */
  keep(chunk: Buffer, end: number): void
  /** These bytes go out next. */
  put(bytes: Buffer): void
  /** What follows is dropped, in the chunks to come as well. */
  drop(): void
  /** From `at` on nothing is dropped. */
  resume(at: number): void
}

/** Begins with nothing dropped. */
export function openKept(): Kept {
  let pieces: Buffer[] = []
  let keptFrom = 0
  let isDropping = false
  return {
    begin() {
      pieces = []
      keptFrom = 0
      return pieces
    },
    keep(chunk, end) {
      if (isDropping || end <= keptFrom) return
      pieces.push(end - keptFrom === chunk.length ? chunk : chunk.subarray(keptFrom, end))
      keptFrom = end
    },
    put(bytes) {
      pieces.push(bytes)
    },
    drop() {
      isDropping = true
    },
    resume(at) {
      if (isDropping) keptFrom = at
      isDropping = false
    },
  }
}
