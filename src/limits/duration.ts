import type { EpochMs } from '../domain/time.ts'
import type { CalendarUnit, Window } from './plan.ts'

/** After how long a limit counts afresh, as it was written. */
export interface ResetDuration {
  readonly text: string
  /** Months have 30 days, quarters 90, years 365. Infinity: never. */
  readonly lengthMs: number
  /** What it was written in: hours, minutes and what is shorter all count as milliseconds. */
  readonly unit: 'millisecond' | CalendarUnit | 'never'
  /** How many of the unit; 1 of `never`. */
  readonly count: number
}

const dayMs = 86_400_000

/** By the letter behind a number: case tells a month from a minute. */
const units: Readonly<Record<string, { readonly unit: CalendarUnit; readonly lengthMs: number }>> = {
  d: { unit: 'day', lengthMs: dayMs },
  w: { unit: 'week', lengthMs: 7 * dayMs },
  M: { unit: 'month', lengthMs: 30 * dayMs },
  Q: { unit: 'quarter', lengthMs: 90 * dayMs },
  Y: { unit: 'year', lengthMs: 365 * dayMs },
}

const aliases = new Map([
  ['daily', '1d'],
  ['weekly', '1w'],
  ['monthly', '1M'],
  ['yearly', '1Y'],
])

const nanosecondsOf: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

const wholeUnits = /^(\d{1,15})([dwMQY])$/
/** As Go writes them, but for the micro sign, which no header can hold, and for signs before them. */
const goDuration = /^(?:(?:\d{1,19}(?:\.\d{0,19})?|\.\d{1,19})(?:ns|us|ms|s|m|h))+$/
const goParts = /(\d*)(?:\.(\d*))?(ns|us|ms|s|m|h)/g

/** What a signed 64-bit number of nanoseconds holds, some 292 years: no duration is longer. */
const longestMs = 9_223_372_036_854

/**
 * Reads `1h30m`, `300ms`, `1d`, `2w`, `1M`, `1Q`, `1Y`, `daily`, `weekly`, `monthly`, `yearly` or `never`; null for
 * what is none of these, or nothing, or too long. What is finer than a millisecond is rounded up to one.
 */
export function parseResetDuration(text: string): ResetDuration | null {
  if (text === 'never') return { text, lengthMs: Number.POSITIVE_INFINITY, unit: 'never', count: 1 }
  const written = aliases.get(text) ?? text
  const [, digits, letter = ''] = wholeUnits.exec(written) ?? []
  const known = units[letter]
  if (known !== undefined) {
    const count = Number(digits)
    return inBounds({ text, lengthMs: count * known.lengthMs, unit: known.unit, count })
  }
  if (!goDuration.test(written)) return null
  const lengthMs = goMilliseconds(written)
  return inBounds({ text, lengthMs, unit: 'millisecond', count: lengthMs })
}

function inBounds(duration: ResetDuration): ResetDuration | null {
  return duration.lengthMs > 0 && duration.lengthMs <= longestMs ? duration : null
}

function goMilliseconds(text: string): number {
  let nanoseconds = 0n
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(goParts)) {
    const length = nanosecondsOf[unit] ?? 0n
    nanoseconds += BigInt(whole) * length + (BigInt(fraction) * length) / 10n ** BigInt(fraction.length)
  }
  return Number((nanoseconds + 999_999n) / 1_000_000n)
}

/** Whether two durations are the same window: `1d` and `daily` are, `1d` and `24h` are not. */
export function isSameDuration(one: ResetDuration, other: ResetDuration): boolean {
  return one.unit === other.unit && one.lengthMs === other.lengthMs
}

/**
 * The window of a limit that counts afresh after a duration: in whole lengths from `startsAt` on, or with the calendar.
 * A fault where no calendar has such periods.
 */
export function windowOf(
  duration: ResetDuration,
  calendarAligned: boolean,
  startsAt: EpochMs,
): Window | { readonly fault: string } {
  const { text, unit, lengthMs, count } = duration
  if (!calendarAligned) {
    return unit === 'never'
      ? { kind: 'endless', anchor: startsAt }
      : { kind: 'fixed', lengthMs, anchor: startsAt }
  }
  if (lengthMs < dayMs) {
    return { fault: `calendar_aligned is not supported for sub-day reset durations: ${text}` }
  }
  if (unit === 'millisecond' || unit === 'never' || count !== 1) {
    return { fault: `calendar_aligned requires a single day, week, month or year: ${text}` }
  }
  return { kind: 'calendar', unit }
}
