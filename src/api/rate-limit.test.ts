import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openRateLimit } from './rate-limit.ts'

const noon = Date.UTC(2026, 10, 3, 12)
/** A rolling second forgets up to 1/60 of itself late. */
const lateMs = 17

test('no second sees more than the limit, and a second later there is room again', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (waits, perSecond) => {
      const limit = openRateLimit(perSecond)
      const admitted: number[] = []
      let now = noon
      for (const wait of waits) {
        now += wait
        const recent = admitted.filter((at) => at > now - 1000).length
        const lingering = admitted.filter((at) => at > now - 1000 - lateMs).length
        const refused = limit.count('key', 'route', now)
        if (recent >= perSecond) expect(refused).not.toBeNull()
        if (lingering < perSecond) expect(refused).toBeNull()
        if (refused === null) admitted.push(now)
      }
    }),
  )
})

test('a refusal says when to come back, and then there is room', () => {
  const limit = openRateLimit(2)
  limit.count('key', 'route', noon)
  limit.count('key', 'route', noon + 300)
  const refused = limit.count('key', 'route', noon + 400)
  if (refused?.failure !== 'limited') return expect.fail('it has no room')
  expect(refused.limit.retryAfterMs).toBeGreaterThanOrEqual(600)
  expect(refused.limit.retryAfterMs).toBeLessThanOrEqual(600 + lateMs)
  expect(limit.count('key', 'route', noon + 400 + refused.limit.retryAfterMs)).toBeNull()
})

test('each key counts for itself on each route', () => {
  const limit = openRateLimit(1)
  const pairs = [
    ['a', 'x'],
    ['a', 'y'],
    ['b', 'x'],
  ] as const
  for (const [key, route] of pairs) expect(limit.count(key, route, noon)).toBeNull()
  for (const [key, route] of pairs)
    expect(limit.count(key, route, noon)).toMatchObject({ failure: 'limited' })
})

test('remembers whoever called within the last second, and lets go of the others', () => {
  const limit = openRateLimit(1)
  for (let caller = 0; caller < 500; caller += 1) limit.count(`caller-${caller}`, 'route', noon)
  expect(limit.size).toBe(500)
  expect(limit.count('caller-0', 'route', noon + 900)).not.toBeNull()
  // Each request lets go of two, and is remembered itself.
  for (let request = 0; request < 500; request += 1) limit.count('steady', 'route', noon + 1100 + request)
  expect(limit.size).toBe(1)
})
