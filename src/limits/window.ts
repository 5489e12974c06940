import type { EpochMs } from '../domain/time.ts'
import type { CalendarUnit, Window } from './plan.ts'

/** From `startsAt` up to, but not including, `endsAt`. */
export interface Period {
  readonly startsAt: EpochMs
  readonly endsAt: EpochMs
}

/** A window that counts afresh at given instants. */
export type PeriodWindow = Exclude<Window, { kind: 'rolling' }>

/** The end of what never ends: the first instant that RFC 3339 cannot write. */
export const endOfTime: EpochMs = Date.UTC(10_000, 0, 1)

/** The period that an instant lies in. Fixed windows reach back before their anchor in whole steps, too. */
export function periodOf(window: PeriodWindow, at: EpochMs): Period {
  if (window.kind === 'calendar') return calendarPeriod(window.unit, new Date(at))
  if (window.kind === 'endless') return { startsAt: window.anchor, endsAt: endOfTime }
  const startsAt = window.anchor + Math.floor((at - window.anchor) / window.lengthMs) * window.lengthMs
  return { startsAt, endsAt: startsAt + window.lengthMs }
}

function calendarPeriod(unit: CalendarUnit, date: Date): Period {
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth()
  const day = date.getUTCDate()
  switch (unit) {
    case 'day':
      return { startsAt: Date.UTC(year, month, day), endsAt: Date.UTC(year, month, day + 1) }
    case 'week': {
      const monday = day - ((date.getUTCDay() + 6) % 7)
      return { startsAt: Date.UTC(year, month, monday), endsAt: Date.UTC(year, month, monday + 7) }
    }
    case 'month':
      return { startsAt: Date.UTC(year, month, 1), endsAt: Date.UTC(year, month + 1, 1) }
    case 'quarter': {
      const first = month - (month % 3)
      return { startsAt: Date.UTC(year, first, 1), endsAt: Date.UTC(year, first + 3, 1) }
    }
    case 'year':
      return { startsAt: Date.UTC(year, 0, 1), endsAt: Date.UTC(year + 1, 0, 1) }
  }
}

/** How long the window is that an instant lies in: months and years differ. Infinity for one that never ends. */
export function lengthOf(window: Window, at: EpochMs): number {
  if (window.kind === 'endless') return Number.POSITIVE_INFINITY
  if (window.kind !== 'calendar') return window.lengthMs
  const { startsAt, endsAt } = periodOf(window, at)
  return endsAt - startsAt
}

/**
 * A rolling window is counted in buckets of 1/60 of its length: 60 whole ones and the one being filled.
 * So it never under-counts, and forgets at most 1/60 of its length late.
 */
export const bucketsPerWindow = 60
export const bucketsKept = bucketsPerWindow + 1

/**
 * The number of the bucket that an instant falls into, counted from 1970.
 *
 * A bucket's length may be a fraction of a millisecond (1000 / 60 is), so the quotient is taken last: it is exact
 * as long as the product is, for some thousand years.
 */
export function bucketOf(lengthMs: number, at: EpochMs): number {
  return Math.floor((at * bucketsPerWindow) / lengthMs)
}

/** The first millisecond that falls into a bucket, or, where buckets are shorter than that, into a later one. */
export function bucketStart(lengthMs: number, bucket: number): EpochMs {
  return Math.ceil((bucket * lengthMs) / bucketsPerWindow)
}
