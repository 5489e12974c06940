import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSameDuration, parseResetDuration, type ResetDuration, windowOf } from './duration.ts'
import { periodOf } from './window.ts'

const dayMs = 86_400_000
const startsAt = Date.UTC(2026, 10, 2, 8, 15)

function parsed(text: string): ResetDuration {
  const duration = parseResetDuration(text)
  if (duration === null) throw new Error(`${text} is no duration`)
  return duration
}

describe('what is a duration', () => {
  test.each([
    ['300ms', 300],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['1.1s', 1100],
    ['2.3s', 2300],
    ['.5m', 30_000],
    ['1.h', 3_600_000],
    ['1us', 1],
    ['1000001ns', 2],
    ['2562047h', 2_562_047 * 3_600_000],
  ])('%s is %d ms', (text, lengthMs) => {
    expect(parseResetDuration(text)).toEqual({ text, lengthMs, unit: 'millisecond', count: lengthMs })
  })

  test.each([
    ['1d', 'day', 1, 1],
    ['daily', 'day', 1, 1],
    ['3d', 'day', 3, 3],
    ['2w', 'week', 2, 14],
    ['weekly', 'week', 1, 7],
    ['1M', 'month', 1, 30],
    ['monthly', 'month', 1, 30],
    ['1Q', 'quarter', 1, 90],
    ['1Y', 'year', 1, 365],
    ['yearly', 'year', 1, 365],
  ] as const)('%s counts in units of a %s', (text, unit, count, days) => {
    expect(parseResetDuration(text)).toEqual({ text, lengthMs: days * dayMs, unit, count })
  })

  test('never is one, and longer than all others', () => {
    expect(parseResetDuration('never')).toEqual({
      text: 'never',
      lengthMs: Number.POSITIVE_INFINITY,
      unit: 'never',
      count: 1,
    })
  })

  test.each([
    '',
    '0',
    '0s',
    '0d',
    '-1d',
    '-5m',
    '+5m',
    '1',
    '1.5d',
    '1D',
    '1y',
    '1h 30m',
    ' 1h',
    '1d12h',
    '1µs',
    'h',
    '.s',
    '1e3s',
    'Daily',
    'toString',
    'NaNs',
    '293Y',
    '106752d',
    '2562048h',
    '9'.repeat(100_000).concat('s'),
  ])('%.30s is none', (text) => {
    expect(parseResetDuration(text)).toBeNull()
  })
})

test('durations are the same by length and unit', () => {
  expect(isSameDuration(parsed('1d'), parsed('daily'))).toBe(true)
  expect(isSameDuration(parsed('90m'), parsed('1h30m'))).toBe(true)
  expect(isSameDuration(parsed('never'), parsed('never'))).toBe(true)
  expect(isSameDuration(parsed('24h'), parsed('1d'))).toBe(false)
  expect(isSameDuration(parsed('7d'), parsed('1w'))).toBe(false)
  expect(isSameDuration(parsed('1d'), parsed('2d'))).toBe(false)
})

describe('the window of a duration', () => {
  test('counts in whole lengths from where it starts', () => {
    expect(windowOf(parsed('2w'), false, startsAt)).toEqual({
      kind: 'fixed',
      lengthMs: 14 * dayMs,
      anchor: startsAt,
    })
    fc.assert(
      fc.property(fc.constantFrom('300ms', '90m', '1d', '1M'), fc.nat(1e12), (text, passedMs) => {
        const window = windowOf(parsed(text), false, startsAt)
        if ('fault' in window || window.kind !== 'fixed') throw new Error('not fixed')
        const period = periodOf(window, startsAt + passedMs)
        expect(Math.abs((period.startsAt - startsAt) % window.lengthMs)).toBe(0)
        expect(period.endsAt - period.startsAt).toBe(window.lengthMs)
      }),
    )
  })

  test('follows the calendar where it is aligned, whenever it starts', () => {
    const months = { d: 'day', w: 'week', M: 'month', Q: 'quarter', Y: 'year' }
    for (const [letter, unit] of Object.entries(months)) {
      expect(windowOf(parsed(`1${letter}`), true, startsAt)).toEqual({ kind: 'calendar', unit })
    }
    expect(windowOf(parsed('monthly'), true, startsAt)).toEqual({ kind: 'calendar', unit: 'month' })
  })

  test('of never is one that does not end', () => {
    expect(windowOf(parsed('never'), false, startsAt)).toEqual({ kind: 'endless', anchor: startsAt })
  })

  test.each([
    ['1h', 'calendar_aligned is not supported for sub-day reset durations: 1h'],
    ['23h59m', 'calendar_aligned is not supported for sub-day reset durations: 23h59m'],
    ['24h', 'calendar_aligned requires a single day, week, month or year: 24h'],
    ['2w', 'calendar_aligned requires a single day, week, month or year: 2w'],
    ['never', 'calendar_aligned requires a single day, week, month or year: never'],
  ])('of %s cannot be aligned', (text, fault) => {
    expect(windowOf(parsed(text), true, startsAt)).toEqual({ fault })
  })
})
