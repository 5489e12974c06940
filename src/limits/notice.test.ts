import { describe, expect, test } from 'vitest'
import { zero } from '../domain/quantity.ts'
import { one } from './claim.ts'
import { durationText, noticeOf, refusalHeaders, standingHeaders, wordImpossible } from './notice.ts'
import type { Limited, PlanRow } from './plan.ts'
import { endOfTime } from './window.ts'

const now = Date.UTC(2026, 1, 10, 12)

function row(fields: Partial<PlanRow>): PlanRow {
  return {
    counter: 'secret-owner',
    generation: 0,
    metric: 'token',
    ceiling: { whole: 60_000, pico: 0 },
    window: { kind: 'rolling', lengthMs: 60_000 },
    unit: 'minute',
    strict: false,
    refundsFailed: false,
    chargedAt: 'completion',
    subject: null,
    ...fields,
  }
}

function limited(fields: Partial<PlanRow>, waitMs: number): Limited {
  const refused = row(fields)
  return {
    refusal: 'limited',
    row: refused,
    judged: [
      {
        row: refused,
        used: refused.ceiling,
        held: zero,
        needed: one,
        opensAt: now + waitMs,
        onlyHeld: false,
      },
    ],
    remaining: { whole: 0, pico: 0 },
    opensAt: now + waitMs,
    onlyHeld: false,
  }
}

const pairs = (headers: readonly string[]) =>
  Object.fromEntries(headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : [])))

test('a notice has the limit in numbers, and never whose it is', () => {
  const notice = noticeOf(limited({}, 11_001), 'aurora/lumen-2', now)
  expect(notice).toEqual({
    metric: 'token',
    unit: 'minute',
    ceiling: 60_000,
    remaining: 0,
    windowMs: 60_000,
    opensAt: now + 11_001,
    retryAfterMs: 11_001,
    model: 'aurora/lumen-2',
  })
})

describe('headers of a refusal', () => {
  test('tokens by the minute', () => {
    expect(pairs(refusalHeaders(noticeOf(limited({}, 11_001), 'm', now)))).toEqual({
      'retry-after': '12',
      'ratelimit-policy': '"token-minute";q=60000;w=60',
      ratelimit: '"token-minute";r=0;t=12',
      'x-ratelimit-limit-tokens': '60000',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '11.001s',
    })
  })

  test('requests by the second: never a Retry-After below 1', () => {
    const second = { metric: 'request', unit: 'second', window: { kind: 'rolling', lengthMs: 1000 } } as const
    const headers = pairs(
      refusalHeaders(noticeOf(limited({ ...second, ceiling: { whole: 2, pico: 0 } }, 17), 'm', now)),
    )
    expect(headers).toMatchObject({
      'retry-after': '1',
      'ratelimit-policy': '"request-second";q=2;w=1',
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-reset-requests': '17ms',
    })
  })

  test('dollars by the month are counted in microdollars and have no x-ratelimit names', () => {
    const budget = { metric: 'cost', unit: '1M', window: { kind: 'calendar', unit: 'month' } } as const
    const refusal = limited({ ...budget, ceiling: { whole: 12_500_000, pico: 1 } }, 1000)
    expect(noticeOf(refusal, 'm', now).ceiling).toBe(12.500000000001)
    expect(pairs(refusalHeaders(noticeOf(refusal, 'm', now)))).toEqual({
      'retry-after': '1',
      'ratelimit-policy': '"cost-1M";q=12500000;qu="microdollars";w=2419200',
      ratelimit: '"cost-1M";r=0;t=1',
    })
  })

  test('no number is longer than a structured field may be', () => {
    const refusal = limited({ ceiling: { whole: Number.MAX_SAFE_INTEGER, pico: 0 } }, 1000)
    expect(pairs(refusalHeaders(noticeOf(refusal, 'm', now)))).toMatchObject({
      'ratelimit-policy': '"token-minute";q=999999999999999;w=60',
      'x-ratelimit-limit-tokens': '9007199254740991',
    })
  })
})

describe('a limit of the second API', () => {
  test('is named by its duration', () => {
    const hourly = { window: { kind: 'fixed', lengthMs: 3_600_000, anchor: now }, unit: '1h' } as const
    const headers = pairs(refusalHeaders(noticeOf(limited(hourly, 90_000), 'm', now)))
    expect(headers).toMatchObject({
      'retry-after': '90',
      'ratelimit-policy': '"token-1h";q=60000;w=3600',
      ratelimit: '"token-1h";r=0;t=90',
      'x-ratelimit-reset-tokens': '1m30s',
    })
  })

  test('that never opens tells nobody to come again', () => {
    const endless = { window: { kind: 'endless', anchor: now }, unit: 'never' } as const
    const refusal = { ...limited(endless, 0), opensAt: endOfTime }
    expect(noticeOf(refusal, 'm', now)).toMatchObject({
      windowMs: Number.POSITIVE_INFINITY,
      retryAfterMs: Number.POSITIVE_INFINITY,
    })
    expect(pairs(refusalHeaders(noticeOf(refusal, 'm', now)))).toEqual({
      'ratelimit-policy': '"token-never";q=60000',
      ratelimit: '"token-never";r=0',
      'x-ratelimit-limit-tokens': '60000',
      'x-ratelimit-remaining-tokens': '0',
    })
    const budget = { ...limited({ ...endless, metric: 'cost' }, 0), opensAt: endOfTime }
    expect(pairs(refusalHeaders(noticeOf(budget, 'm', now)))).toEqual({
      'ratelimit-policy': '"cost-never";q=60000;qu="microdollars"',
      ratelimit: '"cost-never";r=0',
    })
  })

  test('that never opens, but waits only for attempts under way, opens in a second', () => {
    const endless = { window: { kind: 'endless', anchor: now }, unit: 'never' } as const
    expect(pairs(refusalHeaders(noticeOf(limited(endless, 1000), 'm', now)))).toMatchObject({
      'retry-after': '1',
      'ratelimit-policy': '"token-never";q=60000',
      ratelimit: '"token-never";r=0;t=1',
    })
  })

  test('that never ends has no reset while it has room', () => {
    const endless = row({ window: { kind: 'endless', anchor: 0 }, unit: 'never' })
    const standing = { row: endless, remaining: { whole: 41, pico: 0 }, resetMs: endOfTime - now }
    expect(pairs(standingHeaders(standing, now))).toEqual({
      'ratelimit-policy': '"token-never";q=60000',
      ratelimit: '"token-never";r=41',
      'x-ratelimit-limit-tokens': '60000',
      'x-ratelimit-remaining-tokens': '41',
    })
  })
})

test('headers of an admitted call tell its tightest row', () => {
  const standing = { row: row({}), remaining: { whole: 41, pico: 0 }, resetMs: 60_000 }
  expect(pairs(standingHeaders(standing, now))).toEqual({
    'ratelimit-policy': '"token-minute";q=60000;w=60',
    ratelimit: '"token-minute";r=41;t=60',
    'x-ratelimit-limit-tokens': '60000',
    'x-ratelimit-remaining-tokens': '41',
    'x-ratelimit-reset-tokens': '1m0s',
  })
})

test('what can never be admitted is explained by ceiling and bound', () => {
  const bound = { whole: 70_000, pico: 0 }
  expect(wordImpossible({ refusal: 'impossible', row: row({}), bound })).toMatch(
    /70000 tokens.*60000 tokens per minute/,
  )
  const budget = row({ metric: 'cost', ceiling: { whole: 1, pico: 0 }, unit: 'day' })
  expect(wordImpossible({ refusal: 'impossible', row: budget, bound: { whole: 1, pico: 1 } })).toMatch(
    /\$0\.000001000001.*\$0\.000001 per day/,
  )
  expect(wordImpossible({ refusal: 'unpriced', row: budget })).toMatch(/no price/)
})

test.each([
  [0, '0s'],
  [12, '12ms'],
  [1000, '1s'],
  [1500, '1.5s'],
  [60_000, '1m0s'],
  [360_000, '6m0s'],
  [3_600_000, '1h0m0s'],
  [86_399_999, '23h59m59.999s'],
])('%d ms is %s', (durationMs, text) => {
  expect(durationText(durationMs)).toBe(text)
})
