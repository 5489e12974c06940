/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number

/** Tells the time. Successive readings never decrease. */
export type Clock = () => EpochMs

/**
 * Wall clock that cannot go backwards: the wall time at start plus what a monotonic timer has counted since.
 *
 * Known limit: a correction of the system's clock is seen only by the next start.
 */
export function monotonicClock(startedAt: EpochMs, elapsedMs: () => number): Clock {
  const origin = elapsedMs()
  return () => Math.floor(startedAt + elapsedMs() - origin)
}

/** RFC 3339 in UTC with milliseconds; a zero fraction is left out: `2026-11-02T08:15:00Z`. */
export function toRfc3339(at: EpochMs): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
