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

const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/

/** Reads RFC 3339 with any offset; null for what is none, or no day of any calendar. Finer than milliseconds is cut. */
export function parseRfc3339(text: string): EpochMs | null {
  const [whole, year, month, day, hour, minute, second, fraction = '', sign, hours = '0', minutes = '0'] =
    rfc3339.exec(text) ?? []
  if (whole === undefined) return null
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const at = Date.parse(`${local}Z`)
  // Days that a month does not have are moved into the next one rather than refused.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(local)) return null
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000
  const sinceSecondMs = Math.floor(Number(`0${fraction}`) * 1000)
  return at + sinceSecondMs - (sign === '-' ? -offsetMs : offsetMs)
}
