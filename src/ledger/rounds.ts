/** Work that is done again and again. */
export interface Rounds {
  /** Waits for the round under way; no other begins. */
  close(): Promise<void>
}

/**
 * Begins a round every `everyMs`, unless the last is still under way. What a round throws goes to `onError`, and the
 * next one comes all the same. Does not keep the process alive.
 */
export function repeat(
  everyMs: number,
  round: () => Promise<void>,
  onError: (error: unknown) => void,
): Rounds {
  let running: Promise<void> | null = null
  const timer = setInterval(() => {
    running ??= round()
      .catch(onError)
      .finally(() => {
        running = null
      })
  }, everyMs)
  timer.unref()
  return {
    async close() {
      clearInterval(timer)
      await running
    },
  }
}
