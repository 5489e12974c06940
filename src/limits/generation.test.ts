import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { add, fromPico, toPico, zero } from '../domain/quantity.ts'
import { actual, amounts, count, planOf } from './counters.conformance.ts'
import { carriedUsage, type GenerationChange } from './generation.ts'
import { type MemoryCounters, openMemoryCounters } from './memory.ts'
import { type Charge, isRefusal, type PlanRow, type Reservation } from './plan.ts'
import { type PeriodWindow, periodOf } from './window.ts'

const numRuns = isLong ? 20_000 : 1000

const charge = (generation: number, startsAt: number, endsAt: number, whole: number): Charge => ({
  counter: 'budget',
  generation,
  startsAt,
  endsAt,
  amount: count(whole),
})

const change = (
  generation: number,
  period: readonly [startsAt: number, endsAt: number],
  changedAt: number,
  keepsUsage = true,
): GenerationChange => ({
  counter: 'budget',
  generation,
  startsAt: period[0],
  endsAt: period[1],
  changedAt,
  keepsUsage,
})

describe('a first period takes over', () => {
  const charges = [
    charge(0, 0, 100, 1),
    charge(0, 100, 200, 10),
    charge(0, 100, 200, 20),
    charge(0, 200, 300, 100),
  ]

  test('what the period had used that the change found, and nothing around it', () => {
    expect(carriedUsage([change(1, [120, 220], 150)], charges, 160)).toEqual(charge(1, 120, 220, 30))
    expect(carriedUsage([change(1, [120, 220], 150)], charges, 220)).toBeNull()
    expect(carriedUsage([change(1, [350, 450], 350)], charges, 360)).toBeNull()
    expect(carriedUsage([], charges, 160)).toBeNull()
  })

  test('nothing where the change dropped it, and nothing from before such a change', () => {
    const dropped = change(1, [150, 250], 150, false)
    expect(carriedUsage([dropped], charges, 160)).toBeNull()
    const changes = [dropped, change(2, [150, 350], 170)]
    expect(carriedUsage(changes, charges, 180)).toBeNull()
    const since = [...charges, charge(1, 150, 250, 7), charge(2, 150, 350, 1000)]
    expect(carriedUsage(changes, since, 180)).toEqual(charge(2, 150, 350, 7))
  })

  test('what the period before had taken over itself, unless that was over', () => {
    const first = change(1, [120, 180], 150)
    const used = [...charges, charge(1, 120, 180, 4), charge(1, 180, 240, 5)]
    expect(carriedUsage([first, change(2, [120, 500], 179)], used, 200)).toEqual(charge(2, 120, 500, 34))
    expect(carriedUsage([first, change(2, [120, 500], 180)], used, 200)).toEqual(charge(2, 120, 500, 5))
  })

  test('less than nothing, where adjustments came to that', () => {
    expect(carriedUsage([change(1, [0, 300], 50)], [charge(0, 0, 100, -3)], 60)).toEqual(
      charge(1, 0, 300, -3),
    )
  })

  test('what is known, where older changes are not any more', () => {
    const changes = [change(3, [120, 500], 150)]
    const used = [...charges, charge(2, 100, 200, 5)]
    expect(carriedUsage(changes, used, 160)).toEqual(charge(3, 120, 500, 5))
  })
})

const start = Date.UTC(2026, 11, 30, 22)
const hourMs = 3_600_000

const windows = fc.oneof(
  fc.record({
    kind: fc.constant('fixed' as const),
    lengthMs: fc.constantFrom(hourMs / 2, hourMs, 5 * hourMs, 24 * hourMs),
    anchoredMsAgo: fc.constantFrom(0, 0, 1, hourMs, 3 * hourMs),
  }),
  fc.record({
    kind: fc.constant('calendar' as const),
    unit: fc.constantFrom('day' as const, 'year' as const),
  }),
  fc.record({ kind: fc.constant('endless' as const), anchoredMsAgo: fc.constantFrom(0, hourMs) }),
)
type Wanted = typeof windows extends fc.Arbitrary<infer Of> ? Of : never

const picodollars = fc.bigInt({ min: 1n, max: 3_000_000n })
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(5),
      amount: picodollars,
      failed: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('adjust' as const),
      amount: fc.bigInt({ min: -2_000_000n, max: 2_000_000n }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('change' as const), window: windows, keepsUsage: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.oneof(fc.constantFrom(0, 1, hourMs / 2, hourMs, 5 * hourMs), fc.nat(2 * hourMs)),
    }),
  },
)

function windowFrom(wanted: Wanted, now: number): PeriodWindow {
  if (wanted.kind === 'calendar') return { kind: 'calendar', unit: wanted.unit }
  const anchor = now - wanted.anchoredMsAgo
  return wanted.kind === 'endless'
    ? { kind: 'endless', anchor }
    : { kind: 'fixed', lengthMs: wanted.lengthMs, anchor }
}

const metrics = ['cost', 'request'] as const
const unit = 1_000_000n

const rowOf = (metric: (typeof metrics)[number], generation: number, window: PeriodWindow): PlanRow => ({
  counter: metric,
  generation,
  metric,
  ceiling: { whole: 9e15, pico: 0 },
  window,
  unit: 'any',
  strict: false,
  refundsFailed: true,
  chargedAt: 'completion',
  subject: null,
})

/**
 * One counter as the rules say it: what counts is one sum, which is dropped whenever its period is over, and when a
 * change does not keep it or has its own first period behind it.
 */
function naiveCounter(window: PeriodWindow) {
  let inForce = { window, period: periodOf(window, start) }
  let sum = 0n

  function come(now: number): void {
    if (now < inForce.period.endsAt) return
    inForce = { ...inForce, period: periodOf(inForce.window, now) }
    sum = 0n
  }

  return {
    used(now: number) {
      come(now)
      return sum
    },
    add(now: number, amount: bigint) {
      come(now)
      sum += amount
    },
    change(now: number, to: PeriodWindow, keepsUsage: boolean) {
      come(now)
      const period = periodOf(to, now)
      const isFirst = to.kind !== 'fixed' || period.startsAt === to.anchor
      if (!keepsUsage || !isFirst) sum = 0n
      inForce = { window: to, period }
    },
    period: () => inForce.period,
  }
}

/** What the ledger keeps of charges: sums by generation and period. */
function sumsOf(charges: readonly Charge[]): Charge[] {
  const sums = new Map<string, Charge>()
  for (const one of charges) {
    const key = `${one.counter} ${one.generation} ${one.startsAt} ${one.endsAt}`
    sums.set(key, { ...one, amount: add(sums.get(key)?.amount ?? zero, one.amount) })
  }
  return [...sums.values()]
}

test('a restart counts what counters in memory did, and that what the rules say, through any changes', () => {
  fc.assert(
    fc.property(windows, fc.array(step, { maxLength: 40 }), (first, steps) => {
      let window = windowFrom(first, start)
      let generation = 0
      let now = start
      const models = { cost: naiveCounter(window), request: naiveCounter(window) }
      const store = openMemoryCounters()
      const changes: GenerationChange[] = []
      const charges: Charge[] = []
      const adjustments: Charge[] = []
      const underWay: { reservation: Reservation; generation: number; startsAt: number }[] = []
      const rows = () => metrics.map((metric) => rowOf(metric, generation, window))

      function end(attempt: (typeof underWay)[number], amount: bigint, failed: boolean): void {
        const used = actual({ costPico: amount, failed })
        charges.push(...store.settle(attempt.reservation, used, now))
        models.cost.add(now, amount)
        const isThere =
          attempt.generation === generation && attempt.startsAt === periodOf(window, now).startsAt
        if (failed && isThere) models.request.add(now, -unit)
      }

      function adjust(amount: bigint): void {
        const adjustment = { counter: 'cost', generation, ...periodOf(window, now), amount: fromPico(amount) }
        store.adjust(adjustment)
        adjustments.push(adjustment)
        models.cost.add(now, amount)
      }

      function change(wanted: Wanted, keepsUsage: boolean): void {
        const before = rows()
        generation += 1
        window = windowFrom(wanted, now)
        const firstPeriod = periodOf(window, window.kind === 'fixed' ? window.anchor : now)
        for (const [index, after] of rows().entries()) {
          store.rebase(before[index]!, after, keepsUsage, now)
          models[metrics[index]!].change(now, window, keepsUsage)
          changes.push({ counter: after.counter, generation, ...firstPeriod, changedAt: now, keepsUsage })
        }
      }

      function restart() {
        const restarted = openMemoryCounters()
        const kept = [...sumsOf(charges), ...adjustments]
        restarted.load(kept.filter(({ endsAt }) => endsAt !== null && endsAt > now))
        for (const metric of metrics) {
          const ofIt = ({ counter }: { readonly counter: string }) => counter === metric
          const carried = carriedUsage(changes.filter(ofIt), kept.filter(ofIt), now)
          if (carried !== null) restarted.load([carried])
        }
        return restarted
      }

      for (const taken of steps) {
        if (taken.kind === 'pass') now += taken.ms
        else if (taken.kind === 'adjust') adjust(taken.amount)
        else if (taken.kind === 'change') change(taken.window, taken.keepsUsage)
        else if (taken.kind === 'begin') {
          const reservation = store.reserve(planOf(...rows()), amounts(), now)
          if (isRefusal(reservation)) throw new Error('refused')
          underWay.push({ reservation, generation, startsAt: periodOf(window, now).startsAt })
          models.request.add(now, unit)
        } else {
          const [attempt] = underWay.splice(taken.which, 1)
          if (attempt !== undefined) end(attempt, taken.amount, taken.failed)
        }

        const expected = [models.cost.used(now), models.request.used(now)].map((used) =>
          used < 0n ? 0n : used,
        )
        expect(usedIn(store, rows(), now)).toEqual(expected)
        const [cost, requests] = usedIn(restart(), rows(), now)
        expect(cost).toBe(expected[0])
        // Units of attempts under way are not in the ledger yet.
        if (underWay.length === 0) expect(requests).toBe(expected[1])
      }
    }),
    { numRuns },
  )
})

function usedIn(store: MemoryCounters, rows: readonly PlanRow[], now: number): bigint[] {
  return store.read(rows, now).map(({ used }) => (used === null ? 0n : toPico(used)))
}
