import { expect, test } from 'vitest'
import { readInstant, reportRecomputed } from './recompute.ts'

test.each([
  ['2026-11-01', Date.UTC(2026, 10, 1)],
  ['2026-11-01T08:00Z', Date.UTC(2026, 10, 1, 8)],
  ['2026-11-01T08:00:00.5Z', Date.UTC(2026, 10, 1, 8, 0, 0, 500)],
  ['2026-11-01T08:00:00+02:00', Date.UTC(2026, 10, 1, 6)],
  // Without an offset it would be another instant on another machine.
  ['2026-11-01T08:00:00', null],
  ['2026-13-01', null],
  ['1', null],
  ['', null],
])('%j is read as an instant, or as none', (text, at) => {
  expect(readInstant(text)).toBe(at)
})

test('the report says what was, what is, and by how much that differs', () => {
  const recomputed = {
    calls: 3,
    changed: 1,
    reported: 1,
    unpriced: 0,
    before: { whole: 2_000_000, pico: 1 },
    after: { whole: 500_000, pico: 0 },
  }
  expect(reportRecomputed(recomputed, true, false)).toBe(
    [
      '3 calls, of which 1 would cost something else now.',
      '1 cost what their provider said, and 0 have no price now: these are as they were.',
      'Before $2.000000000001, then $0.5 (-1.500000000001).',
    ].join('\n'),
  )
  expect(JSON.parse(reportRecomputed(recomputed, false, true))).toEqual({
    dry_run: false,
    calls: 3,
    changed: 1,
    reported: 1,
    unpriced: 0,
    cost_before: 2.000000000001,
    cost_after: 0.5,
    difference: -1.500000000001,
  })
})
