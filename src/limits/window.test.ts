import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CalendarUnit } from './plan.ts'
import {
  bucketOf,
  bucketStart,
  bucketsKept,
  endOfTime,
  lengthOf,
  type PeriodWindow,
  periodOf,
} from './window.ts'

const dayMs = 86_400_000
const at = (text: string) => Date.parse(text)
const calendar = (unit: CalendarUnit): PeriodWindow => ({ kind: 'calendar', unit })
const day: PeriodWindow = { kind: 'fixed', lengthMs: dayMs, anchor: 0 }
const hours: PeriodWindow = { kind: 'fixed', lengthMs: 5_400_000, anchor: at('2026-11-02T08:15:00Z') }

describe('a period holds its first instant and not its end', () => {
  test.each([
    ['UTC day', day, '2026-11-02T00:00:00Z', '2026-11-03T00:00:00Z'],
    ['90 minutes from an anchor', hours, '2026-11-02T09:45:00Z', '2026-11-02T11:15:00Z'],
    ['90 minutes before the anchor', hours, '2026-11-02T06:45:00Z', '2026-11-02T08:15:00Z'],
    ['calendar day', calendar('day'), '2026-02-28T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['week, from Monday', calendar('week'), '2026-10-26T00:00:00Z', '2026-11-02T00:00:00Z'],
    ['week across the year', calendar('week'), '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
    ['leap February', calendar('month'), '2028-02-01T00:00:00Z', '2028-03-01T00:00:00Z'],
    ['December', calendar('month'), '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['quarter', calendar('quarter'), '2026-10-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['quarter with a leap day', calendar('quarter'), '2028-01-01T00:00:00Z', '2028-04-01T00:00:00Z'],
    ['year', calendar('year'), '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
  ])('%s', (_, window, from, to) => {
    const period = { startsAt: at(from), endsAt: at(to) }
    expect(periodOf(window, period.startsAt)).toEqual(period)
    expect(periodOf(window, period.endsAt - 1)).toEqual(period)
    expect(periodOf(window, period.startsAt - 1).endsAt).toBe(period.startsAt)
    expect(periodOf(window, period.endsAt).startsAt).toBe(period.endsAt)
  })
})

test('periods follow one another without gap or overlap', () => {
  const windows = fc.constantFrom(
    day,
    hours,
    ...(['day', 'week', 'month', 'quarter', 'year'] as const).map(calendar),
  )
  fc.assert(
    fc.property(windows, fc.integer({ min: 0, max: 4e12 }), (window, instant) => {
      const { startsAt, endsAt } = periodOf(window, instant)
      expect(startsAt).toBeLessThanOrEqual(instant)
      expect(endsAt).toBeGreaterThan(instant)
      expect(periodOf(window, endsAt).startsAt).toBe(endsAt)
      expect(periodOf(window, startsAt - 1).endsAt).toBe(startsAt)
    }),
  )
})

test('what never ends is one period, and ends with time', () => {
  const endless: PeriodWindow = { kind: 'endless', anchor: at('2026-11-02T08:15:00Z') }
  for (const instant of [0, at('2026-11-02T08:15:00Z'), at('9999-12-31T23:59:59.999Z')]) {
    expect(periodOf(endless, instant)).toEqual({ startsAt: at('2026-11-02T08:15:00Z'), endsAt: endOfTime })
  }
  expect(lengthOf(endless, 0)).toBe(Number.POSITIVE_INFINITY)
})

test('months and years are as long as they are', () => {
  expect(lengthOf(calendar('month'), at('2026-02-10T12:00:00Z'))).toBe(28 * dayMs)
  expect(lengthOf(calendar('year'), at('2028-02-10T12:00:00Z'))).toBe(366 * dayMs)
  expect(lengthOf({ kind: 'rolling', lengthMs: 1000 }, 0)).toBe(1000)
})

test('a bucket begins at its first millisecond, though a second has 60 of them', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1000, 60_000, 3_600_000, 61, 7),
      fc.integer({ min: 0, max: 4e12 }),
      (lengthMs, instant) => {
        const bucket = bucketOf(lengthMs, instant)
        const start = bucketStart(lengthMs, bucket)
        expect(start).toBeLessThanOrEqual(instant)
        expect(bucketOf(lengthMs, start)).toBeGreaterThanOrEqual(bucket)
        expect(bucketOf(lengthMs, start - 1)).toBeLessThan(bucket)
        expect(bucketStart(lengthMs, bucket + 1)).toBeGreaterThan(instant)
      },
    ),
  )
})

test('61 buckets cover the whole window and at most 1/60 more', () => {
  fc.assert(
    fc.property(fc.constantFrom(1000, 60_000), fc.integer({ min: 1e12, max: 4e12 }), (lengthMs, instant) => {
      const oldest = bucketOf(lengthMs, instant) - bucketsKept + 1
      expect(bucketStart(lengthMs, oldest)).toBeLessThanOrEqual(instant - lengthMs + 1)
      expect(bucketStart(lengthMs, oldest)).toBeGreaterThan(instant - lengthMs - lengthMs / 60 - 1)
    }),
  )
})
