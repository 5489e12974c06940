import { describe, expect, test } from 'vitest'
import { type Quantity, zero } from '../domain/quantity.ts'
import { onePico } from './claim.ts'
import { amounts, count, planOf, row } from './counters.conformance.ts'
import { openMemoryCounters } from './memory.ts'
import { isRefusal, type Limited, type PlanRow, type Subject } from './plan.ts'
import { nativeRefusalOf } from './words.ts'

const now = Date.UTC(2026, 10, 2)
const hourly = { kind: 'fixed', lengthMs: 3_600_000, anchor: now } as const

/** A row of a limit whose owner has this level; one that is named twice has two halves. */
function rowOf(
  level: Subject['level'],
  fields: Partial<PlanRow>,
  name = 'aurora',
  limitId = 'limit',
): PlanRow {
  return row({ window: hourly, unit: '1h', subject: { level, name, limitId }, ...fields })
}

/** The refusal that follows when every row has used so much. */
function refused(rows: readonly PlanRow[], used: Quantity, asked = amounts()): Limited {
  const counters = openMemoryCounters()
  counters.load(
    rows.map(({ counter }) => ({
      counter,
      generation: 0,
      startsAt: now,
      endsAt: now + hourly.lengthMs,
      amount: used,
    })),
  )
  const answer = counters.reserve(planOf(...rows), asked, now)
  if (!isRefusal(answer) || answer.refusal !== 'limited') throw new Error('not limited')
  return answer
}

const requests = { metric: 'request', ceiling: count(5) } as const
const tokens = { metric: 'token', ceiling: count(5) } as const
const hundredDollars = { metric: 'cost', ceiling: { whole: 100_000_000, pico: 0 } } as const
const spentDollars: Quantity = { whole: 105_500_000, pico: 0 }

describe('a native refusal', () => {
  test.each([
    ['virtual_key', 'VK'],
    ['team', 'Team'],
    ['customer', 'Customer'],
    ['provider_config', 'aurora'],
    ['key_model', 'aurora'],
  ] as const)('of a %s names %s', (level, who) => {
    expect(nativeRefusalOf(refused([rowOf(level, requests)], count(5)))).toEqual({
      type: 'request_limited',
      status: 429,
      message: `Rate limit check failed: rate limit violated for ${who}: request limit exceeded (5/5, resets every 1h)`,
    })
    expect(nativeRefusalOf(refused([rowOf(level, tokens)], count(70)))).toEqual({
      type: 'token_limited',
      status: 429,
      message: `Rate limit check failed: rate limit violated for ${who}: token limit exceeded (70/5, resets every 1h)`,
    })
    expect(nativeRefusalOf(refused([rowOf(level, hundredDollars)], spentDollars))).toEqual({
      type: 'budget_exceeded',
      status: 402,
      message: `Budget exceeded: ${who} budget exceeded: 105.5000 >= 100.0000 dollars`,
    })
  })

  test.each([
    ['provider', 'Provider'],
    ['model', 'Model'],
  ] as const)('of a %s everywhere says so', (level, prefix) => {
    expect(nativeRefusalOf(refused([rowOf(level, requests)], count(5))).message).toBe(
      `${prefix}-level rate limit check failed: rate limit violated for aurora: request limit exceeded (5/5, resets every 1h)`,
    )
    expect(nativeRefusalOf(refused([rowOf(level, hundredDollars)], spentDollars)).message).toBe(
      `${prefix}-level budget exceeded: aurora budget exceeded: 105.5000 >= 100.0000 dollars`,
    )
  })

  test('tells both halves of a rate limit that both refuse, and no other row', () => {
    const rows = [
      rowOf('team', tokens),
      rowOf('team', requests),
      rowOf('customer', requests, 'other', 'other limit'),
      rowOf('customer', hundredDollars, 'other', 'budget'),
    ]
    expect(nativeRefusalOf(refused(rows, count(500_000_000)))).toEqual({
      type: 'rate_limited',
      status: 429,
      message:
        'Rate limit check failed: rate limit violated for Team: token limit exceeded (500000000/5, resets every 1h); ' +
        'request limit exceeded (500000000/5, resets every 1h)',
    })
    const half = [rowOf('team', { ...tokens, ceiling: count(1000) }), rowOf('team', requests)]
    expect(nativeRefusalOf(refused(half, count(5)))).toMatchObject({ type: 'request_limited' })
  })

  test('is of the first row that refuses, whatever refuses behind it', () => {
    const rows = [rowOf('virtual_key', hundredDollars, 'a', 'b1'), rowOf('team', requests, 'b', 'r1')]
    expect(nativeRefusalOf(refused(rows, spentDollars)).status).toBe(402)
    expect(nativeRefusalOf(refused(rows.toReversed(), spentDollars)).status).toBe(429)
  })

  test('of a limit without end says that it never resets', () => {
    const endless = rowOf('virtual_key', {
      ...requests,
      window: { kind: 'endless', anchor: now },
      unit: 'never',
    })
    const refusal = refused([endless], count(6))
    expect(nativeRefusalOf(refusal).message).toMatch(/ \(6\/5, never resets\)$/)
  })

  test('counts what calls under way hold, to the tenth of a millidollar', () => {
    const cost = rowOf('team', { metric: 'cost', ceiling: { whole: 1_234_549, pico: 999_999 } })
    const held: Limited = {
      refusal: 'limited',
      row: cost,
      judged: [
        {
          row: cost,
          used: { whole: 1_000_049, pico: 999_999 },
          held: { whole: 234_500, pico: 1 },
          needed: onePico,
          opensAt: now,
          onlyHeld: true,
        },
      ],
      remaining: zero,
      opensAt: now,
      onlyHeld: true,
    }
    expect(nativeRefusalOf(held).message).toMatch(/: 1\.2346 >= 1\.2345 dollars$/)
  })

  test('of a strict row counts what the call needs, so that it is seen why', () => {
    const strict = rowOf('team', { ...tokens, ceiling: count(100), strict: true })
    expect(nativeRefusalOf(refused([strict], count(60))).message).toMatch(/\(116\/100, resets every 1h\)$/)
  })

  test('of a limit of nobody is a bug', () => {
    expect(() => nativeRefusalOf(refused([row({ ...requests, window: hourly })], count(5)))).toThrow('nobody')
  })
})
