import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { costOf } from '../domain/money.ts'
import { fromPico, toPico } from '../domain/quantity.ts'
import {
  type Attempt,
  chargeOf,
  holdOf,
  isCounted,
  isImpossible,
  latenessOf,
  type Model,
  openModel,
} from './counters.model.ts'
import { type MemoryCounters, openMemoryCounters } from './memory.ts'
import {
  type Actual,
  type Amounts,
  type Charge,
  isRefusal,
  type Plan,
  type PlanRow,
  type Refusal,
} from './plan.ts'
import { endOfTime } from './window.ts'

const numRuns = isLong ? 5000 : 120

const dayMs = 86_400_000
type Bucket = Pick<PlanRow, 'counter' | 'metric' | 'window' | 'unit' | 'chargedAt'>

/** Every metric in every kind of window, charged at either end. */
const buckets: readonly Bucket[] = [
  { metric: 'request', window: { kind: 'rolling', lengthMs: 1000 }, chargedAt: 'completion' },
  { metric: 'request', window: { kind: 'rolling', lengthMs: 60_000 }, chargedAt: 'completion' },
  { metric: 'request', window: { kind: 'fixed', lengthMs: dayMs, anchor: 0 }, chargedAt: 'admission' },
  { metric: 'request', window: { kind: 'calendar', unit: 'month' }, chargedAt: 'completion' },
  { metric: 'token', window: { kind: 'rolling', lengthMs: 1000 }, chargedAt: 'completion' },
  { metric: 'token', window: { kind: 'rolling', lengthMs: 60_000 }, chargedAt: 'completion' },
  { metric: 'token', window: { kind: 'fixed', lengthMs: dayMs, anchor: 0 }, chargedAt: 'admission' },
  { metric: 'token', window: { kind: 'fixed', lengthMs: 5000, anchor: 123 }, chargedAt: 'completion' },
  { metric: 'cost', window: { kind: 'rolling', lengthMs: 60_000 }, chargedAt: 'completion' },
  { metric: 'cost', window: { kind: 'calendar', unit: 'day' }, chargedAt: 'admission' },
  { metric: 'cost', window: { kind: 'calendar', unit: 'week' }, chargedAt: 'completion' },
  { metric: 'cost', window: { kind: 'calendar', unit: 'quarter' }, chargedAt: 'completion' },
  { metric: 'cost', window: { kind: 'calendar', unit: 'year' }, chargedAt: 'completion' },
  { metric: 'request', window: { kind: 'endless', anchor: 0 }, chargedAt: 'completion' },
  { metric: 'cost', window: { kind: 'endless', anchor: 5 }, chargedAt: 'completion' },
].map((bucket, index) => ({ ...bucket, counter: `counter-${index}`, unit: 'unit' }) as Bucket)

/** Shortly before a day, a week, a month and a year end. */
const starts = [
  Date.UTC(2026, 10, 2, 23, 59, 50),
  Date.UTC(2026, 10, 1, 23, 59, 50),
  Date.UTC(2026, 9, 31, 23, 59, 50),
  Date.UTC(2026, 11, 31, 23, 59, 50),
]

const ceilings = {
  request: fc.integer({ min: 0, max: 5 }).map((whole) => ({ whole, pico: 0 })),
  token: fc.integer({ min: 0, max: 600 }).map((whole) => ({ whole, pico: 0 })),
  cost: fc.bigInt({ min: 0n, max: 900_000_000n }).map(fromPico),
}

const rowFor = (bucket: Bucket, strict: fc.Arbitrary<boolean>): fc.Arbitrary<PlanRow> =>
  fc.record({
    counter: fc.constant(bucket.counter),
    generation: fc.constant(0),
    metric: fc.constant(bucket.metric),
    window: fc.constant(bucket.window),
    unit: fc.constant(bucket.unit),
    chargedAt: fc.constant(bucket.chargedAt),
    ceiling: ceilings[bucket.metric],
    strict,
    refundsFailed: fc.boolean(),
    subject: fc.constant(null),
  })

function planOf(rows: readonly PlanRow[]): Plan {
  return { rows, isStrict: rows.some(({ strict, metric }) => strict && metric !== 'request') }
}

/** Plans that share counters, each under ceilings of its own. */
const mixedPlans = fc.array(
  fc
    .subarray([...buckets])
    .chain((chosen) => fc.tuple(...chosen.map((bucket) => rowFor(bucket, fc.boolean())))),
  { minLength: 1, maxLength: 4 },
)

/** Plans that share rows as the groups of a tree do: whatever the path, a counter has one ceiling. */
function pooledPlans(strict: boolean) {
  const pool = fc.tuple(...buckets.map((bucket) => rowFor(bucket, fc.constant(strict))))
  return pool.chain((rows) => fc.array(fc.subarray(rows, { minLength: 1 }), { minLength: 1, maxLength: 4 }))
}

const rate = fc.bigInt({ min: 0n, max: 4n * 10n ** 12n })
const amounts: fc.Arbitrary<Amounts> = fc
  .record({
    inputEstimate: fc.integer({ min: 0, max: 50 }),
    overhead: fc.integer({ min: 0, max: 100 }),
    outputEstimate: fc.integer({ min: 0, max: 60 }),
    outputCap: fc.option(fc.integer({ min: 0, max: 100 })),
    defaultOutputCap: fc.integer({ min: 1, max: 100 }),
    choices: fc.integer({ min: 1, max: 3 }),
    rates: fc.option(fc.record({ input: rate, output: rate }), { freq: 10 }),
  })
  .map(({ overhead, ...asked }) => ({ ...asked, inputBound: asked.inputEstimate + overhead }))

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      plan: fc.nat(3),
      amounts,
      waits: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(20),
      input: fc.double({ min: 0, max: 1, noNaN: true }),
      output: fc.double({ min: 0, max: 1, noNaN: true }),
      reported: fc.boolean(),
      failed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.oneof(
        fc.constantFrom(0, 1, 16, 17, 999, 1000, 1001, 10_000, 59_999, 60_000, 61_000, dayMs),
        fc.nat(2000),
      ),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer Of> ? Of : never

/** What a run looks at after every step. */
interface Watch {
  readonly admitted?: (attempt: Attempt) => void
  readonly charged?: (attempt: Attempt, row: PlanRow, amount: bigint) => void
  readonly after?: (model: Model, rows: readonly PlanRow[], now: number) => void
}

/** Plays steps against the store and the model, and compares all they say. */
function play(
  rowsOfPlans: readonly (readonly PlanRow[])[],
  startsAt: number,
  steps: readonly Step[],
  watch: Watch,
) {
  const plans = rowsOfPlans.map(planOf)
  const rows = plans.flatMap((plan) => plan.rows)
  const model = openModel()
  const settled: Charge[] = []
  let store = openMemoryCounters()
  let now = startsAt

  function reserve(plan: Plan, asked: Amounts): Refusal | null {
    const answer = store.reserve(plan, asked, now)
    if (isRefusal(answer)) {
      checkRefusal(model, plan, asked, answer, now)
      return answer
    }
    const attempt = { reservation: answer, amounts: asked }
    checkAdmission(model, plan, attempt, now)
    model.admit(attempt)
    watch.admitted?.(attempt)
    return null
  }

  function end(attempt: Attempt, actual: Actual | null): void {
    model.open.delete(attempt)
    const { reservation } = attempt
    const charges = actual ? store.settle(reservation, actual, now) : store.release(reservation, now)
    const expected: Charge[] = []
    for (const row of reservation.plan.rows) {
      const { placedAt, amount } = chargeFor(row, attempt, actual, now)
      const wasCharged = charges.some(({ counter }) => counter === row.counter)
      if (row.metric === 'request' && isRefunded(row, attempt, actual, wasCharged, now)) {
        model.refund(row, placedAt)
        continue
      }
      if (amount === 0n) continue
      if (row.metric !== 'request') model.charge(row, placedAt, amount)
      watch.charged?.(attempt, row, amount)
      expected.push(chargeOf(row, placedAt, amount))
    }
    expect(charges).toEqual(expected)
    settled.push(...charges)
  }

  function restart(): void {
    store = openMemoryCounters()
    for (const attempt of model.open) {
      const { reservation } = attempt
      for (const row of reservation.plan.rows)
        if (row.metric === 'request') model.refund(row, reservation.admittedAt)
      for (const { row, amount } of reservation.strictHolds) {
        const placedAt = row.chargedAt === 'admission' ? reservation.admittedAt : now
        model.charge(row, placedAt, toPico(amount))
        settled.push(chargeOf(row, placedAt, toPico(amount)))
      }
    }
    model.open.clear()
    store.load(settled)
  }

  for (const taken of steps) {
    const attempts = [...model.open]
    if (taken.kind === 'pass') now += taken.ms
    else if (taken.kind === 'restart') restart()
    else if (taken.kind === 'sweep') store.sweep(now)
    else if (taken.kind === 'reserve') {
      const plan = plans[taken.plan % plans.length]!
      const refusal = reserve(plan, taken.amounts)
      const opens = refusal?.refusal === 'limited' && refusal.opensAt < endOfTime
      if (taken.waits && opens && model.open.size === 0) {
        now = refusal.opensAt - 1
        expect(reserve(plan, taken.amounts)).not.toBeNull()
        now += 1
        const again = reserve(plan, taken.amounts)
        if (!refusal.judged.some(({ row: { ceiling } }) => toPico(ceiling) === 0n))
          expect(again?.refusal).not.toBe('limited')
      }
    } else if (attempts.length > 0) {
      const attempt = attempts[taken.which % attempts.length]!
      end(attempt, taken.kind === 'release' ? null : actualOf(attempt, taken))
    }
    checkReadings(model, store, rows, now)
    watch.after?.(model, rows, now)
  }
}

function actualOf(
  { reservation, amounts: asked }: Attempt,
  share: Extract<Step, { kind: 'settle' }>,
): Actual {
  const { plan, outputCap } = reservation
  // Providers keep to the cap they were given, and without one may use three times what is expected.
  const mostInput = plan.isStrict ? asked.inputBound : 3 * asked.inputEstimate
  const mostOutput = (outputCap ?? 3 * asked.outputEstimate) * asked.choices
  const input = Math.round(share.input * mostInput)
  const output = Math.round(share.output * mostOutput)
  const { rates } = asked
  const parts = rates && [
    { units: input, price: rates.input },
    { units: output, price: rates.output },
  ]
  return {
    tokens: input + output,
    costPico: costOf(parts ?? []),
    reported: share.reported,
    failed: share.failed,
  }
}

function chargeFor(row: PlanRow, attempt: Attempt, actual: Actual | null, now: number) {
  const { admittedAt, outputCap } = attempt.reservation
  if (row.metric === 'request') return { placedAt: admittedAt, amount: 1_000_000n }
  const placedAt = row.chargedAt === 'admission' ? admittedAt : now
  if (actual === null) return { placedAt, amount: 0n }
  if (row.strict && !actual.reported) return { placedAt, amount: holdOf(row, attempt.amounts, outputCap) }
  return { placedAt, amount: row.metric === 'token' ? BigInt(actual.tokens) * 1_000_000n : actual.costPico }
}

/** Whether the unit comes back; while it is only kept because a bucket is forgotten late, either will do. */
function isRefunded(row: PlanRow, attempt: Attempt, actual: Actual | null, wasCharged: boolean, now: number) {
  if (!row.refundsFailed || actual?.failed === false) return false
  const { admittedAt } = attempt.reservation
  if (isCounted(row, admittedAt, now, 0)) return true
  return isCounted(row, admittedAt, now, latenessOf(row)) && !wasCharged
}

function checkRefusal(model: Model, plan: Plan, asked: Amounts, refusal: Refusal, now: number) {
  const impossible = plan.rows.find((row) => isImpossible(row, asked))
  if (impossible !== undefined || refusal.refusal === 'impossible') {
    expect(refusal).toMatchObject({ refusal: 'impossible', row: impossible })
    return
  }
  const refused = refusal.refusal === 'limited' ? refusal.judged.map(({ row }) => row) : []
  for (const row of plan.rows) {
    if (refused.includes(row)) expect(model.refuses(row, asked, now, latenessOf(row))).toBe(true)
    else expect(model.refuses(row, asked, now, 0)).toBe(false)
  }
  if (refusal.refusal === 'limited') expect(refusal.row).toBe(refused[0])
  else expect([asked.rates, refusal.row.metric]).toEqual([null, 'cost'])
}

function checkAdmission(model: Model, plan: Plan, { reservation, amounts: asked }: Attempt, now: number) {
  const wanted = asked.outputCap ?? asked.defaultOutputCap
  const longest = [wanted]
  const shortest = [wanted]
  for (const row of plan.rows) {
    expect(model.refuses(row, asked, now, 0)).toBe(false)
    if (!row.strict || row.metric === 'request') continue
    longest.push(model.longestOutput(row, asked, now, 0))
    shortest.push(model.longestOutput(row, asked, now, latenessOf(row)))
  }
  if (!plan.isStrict) return expect(reservation.outputCap).toBeNull()
  expect(reservation.outputCap).toBeLessThanOrEqual(Math.min(...longest))
  expect(reservation.outputCap).toBeGreaterThanOrEqual(Math.min(...shortest))
}

function checkReadings(model: Model, store: MemoryCounters, rows: readonly PlanRow[], now: number) {
  for (const { row, used, held } of store.read(rows, now)) {
    const counted = used === null ? 0n : toPico(used)
    expect(counted).toBeGreaterThanOrEqual(model.used(row, now))
    expect(counted).toBeLessThanOrEqual(model.used(row, now, latenessOf(row)))
    expect(toPico(held)).toBe(model.held(row, now))
  }
}

const runs = fc.tuple(fc.constantFrom(...starts), fc.array(step, { maxLength: 60 }))

test('the store does what a list of facts says, through any calls, restarts and edges of time', () => {
  fc.assert(
    fc.property(mixedPlans, runs, (plans, [startsAt, steps]) => play(plans, startsAt, steps, {})),
    { numRuns },
  )
})

test('in a tree that shares counters no request limit and no strict limit is ever exceeded', () => {
  const neverAbove = (model: Model, rows: readonly PlanRow[], now: number) => {
    for (const row of rows) {
      expect(model.used(row, now) + model.held(row, now)).toBeLessThanOrEqual(toPico(row.ceiling))
    }
  }
  fc.assert(
    fc.property(pooledPlans(true), runs, (plans, [startsAt, steps]) =>
      play(plans, startsAt, steps, { after: neverAbove }),
    ),
    { numRuns },
  )
})

test('an ordinary limit is overrun by less than the last call and what calls under way used beyond estimate', () => {
  fc.assert(
    fc.property(pooledPlans(false), runs, (plans, [startsAt, steps]) => {
      const open = new Set<Attempt>()
      const charged = new Map<Attempt, Map<string, bigint>>()
      const lastOf = new Map<string, { attempt: Attempt; underWay: readonly Attempt[] }>()
      const chargeOn = (attempt: Attempt, row: PlanRow) => charged.get(attempt)?.get(row.counter) ?? 0n

      play(plans, startsAt, steps, {
        admitted(attempt) {
          for (const { counter } of attempt.reservation.plan.rows) {
            lastOf.set(counter, { attempt, underWay: [...open] })
          }
          open.add(attempt)
        },
        charged(attempt, row, amount) {
          open.delete(attempt)
          const charges = charged.get(attempt) ?? new Map<string, bigint>()
          charged.set(attempt, charges.set(row.counter, amount))
        },
        after(model, rows, now) {
          for (const row of rows) {
            const overrun = model.used(row, now) - toPico(row.ceiling)
            const last = lastOf.get(row.counter)
            if (overrun <= 0n || row.metric === 'request') {
              expect(overrun <= 0n).toBe(true)
              continue
            }
            let bound = chargeOn(last!.attempt, row)
            for (const attempt of last!.underWay) {
              const beyond = chargeOn(attempt, row) - holdIn(row, attempt)
              if (beyond > 0n) bound += beyond
            }
            expect(overrun).toBeLessThan(bound)
          }
        },
      })
    }),
    { numRuns },
  )
})

function holdIn(row: PlanRow, { reservation, amounts: asked }: Attempt): bigint {
  const own = reservation.plan.rows.some(({ counter }) => counter === row.counter)
  return own ? holdOf(row, asked, reservation.outputCap) : 0n
}
