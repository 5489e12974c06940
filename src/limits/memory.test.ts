import { expect, test } from 'vitest'
import {
  actual,
  amounts,
  conformCounters,
  count,
  day,
  midnight,
  minute,
  planOf,
  row,
} from './counters.conformance.ts'
import { type MemoryCounters, openMemoryCounters } from './memory.ts'
import { isRefusal, type Plan, type PlanRow, type Reservation } from './plan.ts'

conformCounters('memory', openMemoryCounters)

function admit(counters: MemoryCounters, plan: Plan, now: number): Reservation {
  const answer = counters.reserve(plan, amounts(), now)
  if (isRefusal(answer)) throw new Error('refused')
  return answer
}

function charge(counters: MemoryCounters, plan: Plan, tokens: number, now: number) {
  return counters.settle(admit(counters, plan, now), actual({ tokens }), now)
}

function used(counters: MemoryCounters, counted: PlanRow, now: number) {
  return counters.read([counted], now)[0]?.used ?? null
}

const tomorrow = midnight + 86_400_000

test('answers are values', () => {
  const counters = openMemoryCounters()
  expect(charge(counters, planOf(row()), 1, midnight)).toHaveLength(1)
})

test('a plan that names a counter twice is a bug', () => {
  const tokens = row()
  expect(() => openMemoryCounters().reserve(planOf(tokens, tokens), amounts(), midnight)).toThrow('twice')
})

test('what was charged before a restart is counted again, before or after a plan names it', () => {
  const before = openMemoryCounters()
  const daily = row({ window: day })
  const rolling = row()
  const plan = planOf(daily, rolling)
  const charges = [0, 20_000, 40_000].flatMap((at) => charge(before, plan, 10, midnight + at))

  const after = openMemoryCounters()
  after.load(charges)
  expect(after.size()).toEqual({ counters: 0, waiting: 2 })
  const now = midnight + 62_000
  expect(used(after, daily, now)).toEqual(count(30))
  expect(used(after, rolling, now)).toEqual(count(20))
  expect(after.size()).toEqual({ counters: 2, waiting: 0 })
  after.load(charges)
  expect(used(after, daily, now)).toEqual(count(60))
  expect(used(after, rolling, now)).toEqual(count(40))
})

test('of loaded periods the newest counts, of another generation none', () => {
  const counters = openMemoryCounters()
  const daily = row({ window: day })
  const of = (startsAt: number, tokens: number, generation = 0) => ({
    counter: daily.counter,
    generation,
    startsAt,
    endsAt: startsAt + 86_400_000,
    amount: count(tokens),
  })
  counters.load([of(midnight - 86_400_000, 1), of(midnight, 10), of(midnight, 20), of(midnight, 500, 1)])
  expect(used(counters, daily, midnight)).toEqual(count(30))
})

test('a clock that was set back keeps the newer period, and forgets rolling charges in one window', () => {
  const counters = openMemoryCounters()
  const daily = row({ window: day })
  const rolling = row()
  const plan = planOf(daily, rolling)
  counters.load([
    {
      counter: daily.counter,
      generation: 0,
      startsAt: tomorrow,
      endsAt: tomorrow + 86_400_000,
      amount: count(9),
    },
    { counter: rolling.counter, generation: 0, startsAt: tomorrow, endsAt: null, amount: count(9) },
  ])
  expect(charge(counters, plan, 1, midnight)).toMatchObject([{ startsAt: tomorrow }, { startsAt: midnight }])
  expect(used(counters, daily, midnight)).toEqual(count(10))
  expect(used(counters, rolling, midnight)).toEqual(count(10))
  expect(used(counters, rolling, midnight + 60_999)).toEqual(count(10))
  expect(used(counters, rolling, midnight + 61_000)).toBeNull()
})

test('a forgotten counter takes no late charge and stays forgotten', () => {
  const counters = openMemoryCounters()
  const deleted = row({ window: day })
  const surviving = row({ window: day })
  const plan = planOf(deleted, surviving)
  const late = admit(counters, plan, midnight)
  counters.forget([deleted.counter])
  expect(counters.settle(late, actual({ tokens: 5 }), midnight)).toMatchObject([
    { counter: surviving.counter },
  ])
  expect(charge(counters, plan, 5, midnight)).toMatchObject([{ counter: surviving.counter }])
  expect(used(counters, deleted, midnight)).toBeNull()
  expect(counters.size()).toEqual({ counters: 1, waiting: 0 })

  // A counter that is declared anew begins at nothing.
  charge(counters, planOf(deleted), 7, midnight)
  expect(used(counters, deleted, midnight)).toEqual(count(7))
})

test('idle counters are swept away and come back when needed', () => {
  const counters = openMemoryCounters()
  const rolling = row()
  const daily = row({ window: day })
  const plan = planOf(rolling, daily)
  charge(counters, plan, 5, midnight)
  const held = admit(counters, planOf(rolling), midnight)
  counters.sweep(midnight + 120_000)
  expect(counters.size().counters).toBe(2)
  counters.release(held, midnight + 120_000)

  const empty = admit(counters, planOf(row({ ...rolling })), midnight + 120_000)
  counters.settle(empty, actual(), midnight + 120_000)
  counters.sweep(midnight + 120_000)
  counters.sweep(midnight + 120_000)
  expect(counters.size().counters).toBe(1)

  // Two plans that share the counter meet on the one that is made anew.
  charge(counters, plan, 3, midnight + 120_001)
  charge(counters, planOf(row({ ...rolling })), 4, midnight + 120_001)
  expect(used(counters, rolling, midnight + 120_001)).toEqual(count(7))
  expect(used(counters, daily, midnight + 120_001)).toEqual(count(8))
})

test('a charge that comes after its counter was swept counts all the same', () => {
  const counters = openMemoryCounters()
  const rolling = row()
  const nothing = amounts({ inputEstimate: 0, outputEstimate: 0 })
  const open = counters.reserve(planOf(rolling), nothing, midnight)
  if (isRefusal(open)) throw new Error('refused')
  counters.sweep(midnight)
  expect(counters.size().counters).toBe(0)
  counters.settle(open, actual({ tokens: 5 }), midnight)
  expect(used(counters, rolling, midnight)).toEqual(count(5))
})

test('what was loaded goes on in a generation that begins before any plan names it', () => {
  const hour = { kind: 'fixed', lengthMs: 3_600_000, anchor: midnight } as const
  const before = row({ window: hour, chargedAt: 'completion' })
  const after = { ...before, generation: 1, window: { ...hour, lengthMs: 7_200_000 } }
  const charge = (generation: number, tokens: number) => ({
    counter: before.counter,
    generation,
    startsAt: midnight,
    endsAt: midnight + 3_600_000,
    amount: count(tokens),
  })
  const counters = openMemoryCounters()
  counters.load([charge(0, 5)])
  counters.rebase(before, after, true, midnight + 1)
  expect(used(counters, after, midnight + 1)).toEqual(count(5))

  // What was loaded in the new generation has what it took over already.
  const restarted = openMemoryCounters()
  restarted.load([{ ...charge(1, 9), endsAt: midnight + 7_200_000 }])
  restarted.rebase(before, after, false, midnight + 1)
  expect(used(restarted, after, midnight + 1)).toEqual(count(9))
})

test('a counter that has begun a generation is not swept away, or an older plan would bring back the old one', () => {
  const hour = { kind: 'fixed', lengthMs: 3_600_000, anchor: midnight } as const
  const before = row({ window: hour, chargedAt: 'completion' })
  const after = { ...before, generation: 1, window: { ...hour, anchor: midnight + 1 } }
  const counters = openMemoryCounters()
  const nothing = amounts({ inputEstimate: 0, outputEstimate: 0 })
  const open = counters.reserve(planOf(before), nothing, midnight)
  if (isRefusal(open)) throw new Error('refused')
  counters.rebase(before, after, false, midnight + 1)
  counters.sweep(midnight + 2)
  expect(counters.settle(open, actual({ tokens: 5 }), midnight + 3)).toMatchObject([{ generation: 1 }])
  expect(used(counters, after, midnight + 3)).toEqual(count(5))
})

test('charges that no plan asks for are dropped when they cannot count any more', () => {
  const counters = openMemoryCounters()
  const loaded = (name: string, endsAt: number | null) => ({
    counter: name,
    generation: 0,
    startsAt: midnight,
    endsAt,
    amount: count(1),
  })
  counters.load([loaded('rolling', null), loaded('daily', tomorrow)])
  const sweepAt = (now: number) => {
    counters.sweep(now)
    counters.sweep(now)
    return counters.size().waiting
  }
  expect(sweepAt(midnight + 60_000)).toBe(2)
  expect(sweepAt(midnight + 300_000)).toBe(1)
  expect(sweepAt(tomorrow)).toBe(0)
})

test('a sweep looks at a part of many counters, and gets round', () => {
  const counters = openMemoryCounters()
  for (let index = 0; index < 1000; index += 1) charge(counters, planOf(row({ window: minute })), 1, midnight)
  counters.sweep(midnight + 120_000)
  const { counters: left } = counters.size()
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(1000)
  for (let round = 0; round < 10; round += 1) counters.sweep(midnight + 120_000)
  expect(counters.size().counters).toBe(0)
})

test('open reservations are counted until they end', () => {
  const counters = openMemoryCounters()
  const plan = planOf(row({ ceiling: count(21) }))
  const first = admit(counters, plan, midnight)
  const second = admit(counters, plan, midnight)
  expect(isRefusal(counters.reserve(plan, amounts(), midnight))).toBe(true)
  expect(counters.openReservations()).toBe(2)
  counters.settle(first, actual(), midnight)
  counters.release(second, midnight)
  expect(counters.openReservations()).toBe(0)
})
