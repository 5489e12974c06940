import { describe, expect, test } from 'vitest'
import { fromPico, type Quantity } from '../domain/quantity.ts'
import {
  type Actual,
  type Amounts,
  type CounterStore,
  isRefusal,
  type Plan,
  type PlanRow,
  type Rates,
  type Refusal,
  type Reservation,
  type Window,
} from './plan.ts'
import { endOfTime } from './window.ts'

export const minute: Window = { kind: 'rolling', lengthMs: 60_000 }
const second: Window = { kind: 'rolling', lengthMs: 1000 }
export const day: Window = { kind: 'fixed', lengthMs: 86_400_000, anchor: 0 }

/** Midnight UTC, a Monday. */
export const midnight = Date.UTC(2026, 10, 2)
const tomorrow = midnight + 86_400_000

export function count(whole: number): Quantity {
  return { whole, pico: 0 }
}

function dollars(amount: number): Quantity {
  return { whole: amount * 1_000_000, pico: 0 }
}

let rowsMade = 0

/** A token row by the minute with a counter of its own, but for `fields`. */
export function row(fields: Partial<PlanRow> = {}): PlanRow {
  rowsMade += 1
  return {
    counter: `counter-${rowsMade}`,
    generation: 0,
    metric: 'token',
    ceiling: count(1000),
    window: minute,
    unit: 'minute',
    strict: false,
    refundsFailed: false,
    chargedAt: fields.window?.kind === 'fixed' ? 'admission' : 'completion',
    subject: null,
    ...fields,
  }
}

export function planOf(...rows: PlanRow[]): Plan {
  return { rows, isStrict: rows.some(({ strict, metric }) => strict && metric !== 'request') }
}

/** One microdollar for an input token, two for an output token. */
const rates: Rates = { input: 10n ** 12n, output: 2n * 10n ** 12n }

/** Ten tokens in and ten out are expected: a hold of 20 tokens or 30 microdollars. */
export function amounts(fields: Partial<Amounts> = {}): Amounts {
  return {
    inputEstimate: 10,
    inputBound: 40,
    outputEstimate: 10,
    outputCap: null,
    defaultOutputCap: 4096,
    choices: 1,
    rates,
    ...fields,
  }
}

export function actual(fields: Partial<Actual> = {}): Actual {
  return { tokens: 0, costPico: 0n, reported: true, failed: false, ...fields }
}

/**
 * What every counter store promises, however it keeps its counters.
 *
 * `make` returns an empty store. Its answers are awaited, so it may return promises.
 */
export function conformCounters(name: string, make: () => CounterStore | Promise<CounterStore>): void {
  async function open() {
    const store = await make()
    const tryReserve = async (plan: Plan, asked: Amounts, now: number) => store.reserve(plan, asked, now)
    return {
      store,
      tryReserve,
      async admit(plan: Plan, now: number, asked = amounts()): Promise<Reservation> {
        const answer = await tryReserve(plan, asked, now)
        if (isRefusal(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`)
        return answer
      },
      async refuse(plan: Plan, now: number, asked = amounts()): Promise<Refusal> {
        const answer = await tryReserve(plan, asked, now)
        if (!isRefusal(answer)) throw new Error('admitted')
        return answer
      },
      async used(counted: PlanRow, now: number) {
        const [reading] = await store.read([counted], now)
        return reading?.used ?? null
      },
      async held(counted: PlanRow, now: number) {
        const [reading] = await store.read([counted], now)
        return reading?.held
      },
    }
  }

  /** Charges an amount at one instant, as an attempt of that very size would. */
  async function charge(store: CounterStore, plan: Plan, fields: Partial<Actual>, now: number) {
    const reservation = await store.reserve(plan, amounts(), now)
    if (isRefusal(reservation)) throw new Error('refused')
    return store.settle(reservation, actual(fields), now)
  }

  describe(`${name}: requests`, () => {
    test('exactly as many as the ceiling are admitted, 500 at one instant', async () => {
      const { tryReserve, used } = await open()
      const requests = row({ metric: 'request', ceiling: count(25) })
      const plan = planOf(requests)
      const answers = await Promise.all(
        Array.from({ length: 500 }, () => tryReserve(plan, amounts(), midnight)),
      )
      expect(answers.filter((answer) => !isRefusal(answer))).toHaveLength(25)
      expect(await used(requests, midnight)).toEqual(count(25))
    })

    test('a refusal by one row charges and holds nothing in any', async () => {
      const { refuse, used, held } = await open()
      const first = row({ metric: 'request' })
      const tokens = row()
      const spent = row({ metric: 'request', ceiling: count(0) })
      const refusal = await refuse(planOf(first, tokens, spent), midnight)
      expect(refusal).toMatchObject({ refusal: 'limited', row: spent, onlyHeld: false })
      expect(await used(first, midnight)).toBeNull()
      expect(await held(tokens, midnight)).toEqual(count(0))
    })

    test('a ceiling of nothing admits nothing, in any metric, strict or not', async () => {
      const { refuse } = await open()
      const free = amounts({ inputBound: 0, outputCap: 0, rates: { input: 0n, output: 0n } })
      for (const metric of ['request', 'token', 'cost'] as const) {
        for (const strict of [false, true]) {
          const shut = row({ metric, strict, ceiling: count(0) })
          const isNever = strict && metric !== 'request'
          expect((await refuse(planOf(shut), midnight, free)).refusal).toBe(
            isNever ? 'impossible' : 'limited',
          )
        }
      }
    })

    test('a released unit is given back where the row refunds, and charged where it does not', async () => {
      const { store, admit, used } = await open()
      const kept = row({ metric: 'request', window: day })
      const refunded = row({ metric: 'request', window: day, refundsFailed: true })
      const reservation = await admit(planOf(kept, refunded), midnight)
      expect(await store.release(reservation, midnight + 5)).toEqual([
        { counter: kept.counter, generation: 0, startsAt: midnight, endsAt: tomorrow, amount: count(1) },
      ])
      expect(await used(kept, midnight + 5)).toEqual(count(1))
      expect(await used(refunded, midnight + 5)).toBeNull()
    })

    test('a refunded unit leaves the very bucket it was put in, and is forfeit once that is over', async () => {
      const { store, admit, refuse } = await open()
      const plan = planOf(row({ metric: 'request', ceiling: count(2), refundsFailed: true }))
      const first = await admit(plan, midnight)
      const later = await admit(plan, midnight + 30_000)
      await refuse(plan, midnight + 30_000)
      await store.release(first, midnight + 30_000)
      await admit(plan, midnight + 30_000)
      // The two units left lie in one bucket: nothing opens before that is forgotten.
      expect(await refuse(plan, midnight + 60_999)).toMatchObject({ opensAt: midnight + 91_000 })
      expect(await store.release(later, midnight + 91_000)).toHaveLength(1)
      await admit(plan, midnight + 91_000)
      await admit(plan, midnight + 91_000)
      await refuse(plan, midnight + 91_000)
    })

    test('a unit of a period that is over is forfeit, and the charge names that period', async () => {
      const { store, admit, used } = await open()
      const requests = row({ metric: 'request', window: day, refundsFailed: true })
      const reservation = await admit(planOf(requests), tomorrow - 1)
      await admit(planOf(requests), tomorrow)
      expect(await store.release(reservation, tomorrow)).toEqual([
        { counter: requests.counter, generation: 0, startsAt: midnight, endsAt: tomorrow, amount: count(1) },
      ])
      expect(await used(requests, tomorrow)).toEqual(count(1))
    })

    test('a failed attempt is charged what it reported, and its unit returned where the row refunds', async () => {
      const { store, admit, used } = await open()
      const refunded = row({ metric: 'request', refundsFailed: true })
      const kept = row({ metric: 'request' })
      const tokens = row()
      const reservation = await admit(planOf(refunded, kept, tokens), midnight)
      const charges = await store.settle(reservation, actual({ tokens: 7, failed: true }), midnight)
      expect(charges.map(({ counter }) => counter)).toEqual([kept.counter, tokens.counter])
      expect(await used(refunded, midnight)).toBeNull()
      expect(await used(tokens, midnight)).toEqual(count(7))
    })
  })

  describe(`${name}: holds`, () => {
    test('tokens and cost are held by estimate, and replaced by what was used', async () => {
      const { store, admit, used, held } = await open()
      const tokens = row()
      const cost = row({ metric: 'cost', ceiling: dollars(1) })
      const reservation = await admit(planOf(tokens, cost), midnight)
      expect(reservation).toMatchObject({ outputCap: null, strictHolds: [] })
      expect(await held(tokens, midnight)).toEqual(count(20))
      expect(await held(cost, midnight)).toEqual(count(30))
      expect(await used(tokens, midnight)).toEqual(count(0))
      await store.settle(reservation, actual({ tokens: 1500, costPico: 1n }), midnight)
      expect(await held(tokens, midnight)).toEqual(count(0))
      expect(await held(cost, midnight)).toEqual(count(0))
      expect(await used(tokens, midnight)).toEqual(count(1500))
      expect(await used(cost, midnight)).toEqual({ whole: 0, pico: 1 })
    })

    test('output is expected to be no longer than the cap of the caller, for each choice', async () => {
      const { admit, held } = await open()
      const tokens = row()
      await admit(planOf(tokens), midnight, amounts({ outputCap: 3, choices: 4 }))
      expect(await held(tokens, midnight)).toEqual(count(10 + 3 * 4))
      await admit(planOf(tokens), midnight, amounts({ outputCap: 500, choices: 4 }))
      expect(await held(tokens, midnight)).toEqual(count(10 + 3 * 4 + 10 + 10 * 4))
    })

    test('a row that is full only of holds opens in a second', async () => {
      const { store, admit, refuse } = await open()
      const tokens = row({ ceiling: count(20), window: day })
      const reservation = await admit(planOf(tokens), midnight)
      expect(await refuse(planOf(tokens), midnight)).toMatchObject({
        refusal: 'limited',
        opensAt: midnight + 1000,
        onlyHeld: true,
        remaining: count(0),
        judged: [{ row: tokens, used: count(0), held: count(20), needed: count(1), onlyHeld: true }],
      })
      await store.release(reservation, midnight)
      await admit(planOf(tokens), midnight)
    })

    test('one call may overrun a ceiling, and the next waits for the window', async () => {
      const { store, refuse, admit } = await open()
      const tokens = row({ ceiling: count(100), window: day })
      await charge(store, planOf(tokens), { tokens: 500 }, midnight)
      expect(await refuse(planOf(tokens), tomorrow - 1)).toMatchObject({ opensAt: tomorrow, onlyHeld: false })
      await admit(planOf(tokens), tomorrow)
    })

    test('the hold of a charge that belongs to the admission ends with its period', async () => {
      const { store, admit, used, held } = await open()
      const tokens = row({ window: day })
      const reservation = await admit(planOf(tokens), tomorrow - 1)
      expect(await held(tokens, tomorrow)).toEqual(count(0))
      expect(await store.settle(reservation, actual({ tokens: 5 }), tomorrow)).toEqual([
        { counter: tokens.counter, generation: 0, startsAt: midnight, endsAt: tomorrow, amount: count(5) },
      ])
      expect(await used(tokens, tomorrow)).toBeNull()
      expect(await held(tokens, tomorrow)).toEqual(count(0))
    })

    test('the hold of a charge that belongs to the completion is carried into the next period', async () => {
      const { store, admit, used, held } = await open()
      const tokens = row({ window: day, chargedAt: 'completion' })
      const released = await admit(planOf(tokens), tomorrow - 2)
      const reservation = await admit(planOf(tokens), tomorrow - 1)
      expect(await held(tokens, tomorrow)).toEqual(count(40))
      await store.release(released, tomorrow)
      expect(await held(tokens, tomorrow)).toEqual(count(20))
      const charges = await store.settle(reservation, actual({ tokens: 5 }), tomorrow)
      expect(charges).toMatchObject([{ startsAt: tomorrow, endsAt: tomorrow + 86_400_000 }])
      expect(await used(tokens, tomorrow)).toEqual(count(5))
      expect(await held(tokens, tomorrow)).toEqual(count(0))
    })

    test('nothing used is no charge, and an estimate counts as a report where the row is not strict', async () => {
      const { store, admit } = await open()
      const plan = planOf(row())
      expect(await store.settle(await admit(plan, midnight), actual(), midnight)).toEqual([])
      const guessed = actual({ tokens: 9, reported: false })
      expect(await store.settle(await admit(plan, midnight), guessed, midnight)).toMatchObject([
        { amount: count(9) },
      ])
    })

    test('a reservation ends once', async () => {
      const { store, admit } = await open()
      const plan = planOf(row())
      const settled = await admit(plan, midnight)
      await store.settle(settled, actual(), midnight)
      await expect((async () => store.settle(settled, actual(), midnight))()).rejects.toThrow('twice')
      await expect((async () => store.release(settled, midnight))()).rejects.toThrow('twice')
    })
  })

  describe(`${name}: strict rows`, () => {
    const strict = (fields: Partial<PlanRow> = {}) => row({ strict: true, ...fields })

    test('hold the worst case, with the caller`s cap as it is where it fits', async () => {
      const { admit, held } = await open()
      const tokens = strict()
      const reservation = await admit(planOf(tokens), midnight, amounts({ outputCap: 100, choices: 2 }))
      expect(reservation).toMatchObject({
        outputCap: 100,
        strictHolds: [{ row: tokens, amount: count(40 + 200) }],
      })
      expect(await held(tokens, midnight)).toEqual(count(240))
    })

    test('grant what fits in every strict row, or the default where there is no cap', async () => {
      const { admit } = await open()
      const asked = amounts({ defaultOutputCap: 300 })
      expect((await admit(planOf(strict()), midnight, asked)).outputCap).toBe(300)
      const wide = strict({ ceiling: count(10_000) })
      const narrow = strict({ ceiling: count(100) })
      // (100 - 40) / 3 output tokens of each choice.
      const three = amounts({ choices: 3, outputCap: 50 })
      const reservation = await admit(planOf(wide, narrow), midnight, three)
      expect(reservation.outputCap).toBe(20)
      expect(reservation.strictHolds.map(({ amount }) => amount)).toEqual([count(100), count(100)])
    })

    test('cap what ordinary rows beside them hold', async () => {
      const { admit, held } = await open()
      const ordinary = row()
      await admit(
        planOf(ordinary, strict({ ceiling: count(60) })),
        midnight,
        amounts({ outputEstimate: 256 }),
      )
      expect(await held(ordinary, midnight)).toEqual(count(10 + 20))
    })

    test('refuse when fewer than 16 output tokens of each choice fit, or than the caller asks for', async () => {
      const { store, admit, refuse } = await open()
      const tokens = strict({ ceiling: count(100) })
      await charge(store, planOf(row({ ...tokens, strict: false })), { tokens: 45 }, midnight)
      expect(await refuse(planOf(tokens), midnight)).toMatchObject({
        refusal: 'limited',
        onlyHeld: false,
        judged: [{ row: tokens, used: count(45), held: count(0), needed: count(56) }],
        remaining: count(55),
        opensAt: midnight + 61_000,
      })
      await refuse(planOf(tokens), midnight, amounts({ outputCap: 16 }))
      expect((await admit(planOf(tokens), midnight, amounts({ outputCap: 15 }))).outputCap).toBe(15)
    })

    test('are never overrun by calls at once that keep to their caps', async () => {
      const { store, tryReserve, used } = await open()
      const tokens = strict({ ceiling: count(1000) })
      const asked = amounts({ outputCap: 60 })
      const answers = await Promise.all(
        Array.from({ length: 500 }, () => tryReserve(planOf(tokens), asked, midnight)),
      )
      const admitted = answers.filter((answer): answer is Reservation => !isRefusal(answer))
      expect(admitted).toHaveLength(10)
      for (const reservation of admitted) await store.settle(reservation, actual({ tokens: 100 }), midnight)
      expect(await used(tokens, midnight)).toEqual(count(1000))
    })

    test('refuse for ever what an empty counter would not admit, before anything that opens', async () => {
      const { refuse } = await open()
      const spent = row({ metric: 'request', ceiling: count(0) })
      const tokens = strict({ ceiling: count(55) })
      expect(await refuse(planOf(spent, tokens), midnight)).toEqual({
        refusal: 'impossible',
        row: tokens,
        bound: count(56),
      })
    })

    test('are charged their whole hold when nobody tells what was used', async () => {
      const { store, admit, used } = await open()
      const tokens = strict()
      const cost = strict({ metric: 'cost', ceiling: dollars(1) })
      const ordinary = row()
      const reservation = await admit(planOf(tokens, cost, ordinary), midnight, amounts({ outputCap: 60 }))
      await store.settle(reservation, actual({ reported: false }), midnight)
      expect(await used(tokens, midnight)).toEqual(count(100))
      expect(await used(cost, midnight)).toEqual(count(160))
      expect(await used(ordinary, midnight)).toBeNull()
    })

    test('count in full what a provider used beyond its cap', async () => {
      const { store, admit, used } = await open()
      const tokens = strict({ ceiling: count(100) })
      const reservation = await admit(planOf(tokens), midnight)
      await store.settle(reservation, actual({ tokens: 250 }), midnight)
      expect(await used(tokens, midnight)).toEqual(count(250))
    })

    test('price the worst case at the dearest rates, rounded up', async () => {
      const { admit, held } = await open()
      const cost = strict({ metric: 'cost', ceiling: { whole: 100, pico: 0 } })
      // 40 x 1 microdollar, and what is left buys 29 tokens of 2 microdollars and a bit.
      const bit = { input: 10n ** 12n, output: 2n * 10n ** 12n + 1n }
      const reservation = await admit(planOf(cost), midnight, amounts({ rates: bit }))
      expect(reservation.outputCap).toBe(29)
      expect(await held(cost, midnight)).toEqual({ whole: 98, pico: 1 })
    })

    test('refuse a worst case beyond all money, even under the highest ceiling', async () => {
      const { refuse } = await open()
      const cost = strict({ metric: 'cost', ceiling: dollars(9e9) })
      const dearest = { input: 10n ** 24n, output: 10n ** 24n }
      const asked = amounts({ inputBound: 100_000, rates: dearest })
      expect(await refuse(planOf(cost), midnight, asked)).toMatchObject({ refusal: 'impossible', row: cost })
    })

    test('say so when they are full only of holds', async () => {
      const { admit, refuse } = await open()
      const tokens = strict({ ceiling: count(100) })
      await admit(planOf(tokens), midnight)
      expect(await refuse(planOf(tokens), midnight)).toMatchObject({
        onlyHeld: true,
        opensAt: midnight + 1000,
      })
    })

    test('mean nothing on requests', async () => {
      const { admit, refuse } = await open()
      const plan = planOf(strict({ metric: 'request', ceiling: count(1) }))
      expect((await admit(plan, midnight)).outputCap).toBeNull()
      expect((await refuse(plan, midnight)).refusal).toBe('limited')
    })
  })

  describe(`${name}: money`, () => {
    test.each([10_000, 10_000_000])('adds 1 pico a thousand times to $%d exactly', async (amount) => {
      const { store, used } = await open()
      const cost = row({ metric: 'cost', ceiling: dollars(9e9), window: day })
      await charge(store, planOf(cost), { costPico: BigInt(amount) * 10n ** 12n }, midnight)
      for (let times = 0; times < 1000; times += 1) {
        await charge(store, planOf(cost), { costPico: 1n }, midnight)
      }
      expect(await used(cost, midnight)).toEqual({ whole: amount * 1_000_000, pico: 1000 })
    })

    test.each([10_000, 10_000_000])('holds 1 pico a thousand times beside $%d exactly', async (amount) => {
      const { store, admit, held } = await open()
      const cost = row({ metric: 'cost', ceiling: dollars(9e9), window: day })
      const onePico = amounts({ rates: { input: 1n, output: 0n } })
      const whole = amounts({ inputEstimate: amount, rates: { input: 10n ** 18n, output: 0n } })
      await admit(planOf(cost), midnight, whole)
      const reservations: Reservation[] = []
      for (let times = 0; times < 1000; times += 1) {
        reservations.push(await admit(planOf(cost), midnight, onePico))
      }
      expect(await held(cost, midnight)).toEqual({ whole: amount * 1_000_000, pico: 1000 })
      for (const reservation of reservations) await store.release(reservation, midnight)
      expect(await held(cost, midnight)).toEqual(dollars(amount))
    })

    test('is held as the expected input and output of every choice cost', async () => {
      const { admit, held } = await open()
      const cost = row({ metric: 'cost', ceiling: dollars(1) })
      await admit(planOf(cost), midnight, amounts({ choices: 3 }))
      expect(await held(cost, midnight)).toEqual(count(10 + 3 * 10 * 2))
      await admit(planOf(cost), midnight, amounts({ choices: 3, outputCap: 4 }))
      expect(await held(cost, midnight)).toEqual(count(70 + 10 + 3 * 4 * 2))
    })

    test('of a strict row is refused before it could be overrun, and opens with the window', async () => {
      const { store, admit, refuse, used } = await open()
      const budget = row({ metric: 'cost', ceiling: count(100), strict: true, window: day })
      const plan = planOf(budget)
      // 40 tokens in and 16 out cost 72 microdollars at worst.
      await store.settle(await admit(plan, midnight), actual({ costPico: 29_000_000n }), midnight)
      expect(await refuse(plan, midnight)).toMatchObject({
        refusal: 'limited',
        opensAt: tomorrow,
        judged: [{ used: count(29), held: count(0), needed: count(72) }],
      })
      expect((await admit(plan, midnight, amounts({ outputCap: 15 }))).outputCap).toBe(15)
      expect(await used(budget, midnight)).toEqual(count(29))
      const dear = amounts({ rates: { input: 10n ** 13n, output: 0n } })
      expect(await refuse(plan, tomorrow, dear)).toMatchObject({ refusal: 'impossible', bound: count(400) })
      expect(await refuse(plan, tomorrow, amounts({ rates: null }))).toEqual({
        refusal: 'unpriced',
        row: budget,
      })
    })

    test('is carried at a million picodollars, in windows of both kinds', async () => {
      const { store, used } = await open()
      const fixed = row({ metric: 'cost', ceiling: dollars(1), window: day })
      const rolling = row({ metric: 'cost', ceiling: dollars(1) })
      const plan = planOf(fixed, rolling)
      for (let times = 0; times < 4; times += 1) {
        await charge(store, plan, { costPico: 700_001n }, midnight + times * 1000)
      }
      const now = midnight + 61_000
      expect(await used(fixed, now)).toEqual(fromPico(4n * 700_001n))
      expect(await used(rolling, now)).toEqual(fromPico(3n * 700_001n))
      expect(await used(rolling, midnight + 64_000)).toBeNull()
    })

    test('a ceiling is reached to the picodollar', async () => {
      const { store, admit, refuse } = await open()
      const cost = row({ metric: 'cost', ceiling: { whole: 1, pico: 1 }, window: day })
      await charge(store, planOf(cost), { costPico: 1_000_000n }, midnight)
      await store.release(await admit(planOf(cost), midnight), midnight)
      await charge(store, planOf(cost), { costPico: 1n }, midnight)
      expect(await refuse(planOf(cost), midnight)).toMatchObject({ refusal: 'limited', opensAt: tomorrow })
    })

    test('a missing price refuses after every limit, and an ordinary row without price rows does not care', async () => {
      const { admit, refuse } = await open()
      const cost = row({ metric: 'cost', ceiling: dollars(1) })
      const requests = row({ metric: 'request', ceiling: count(1) })
      const unpriced = amounts({ rates: null })
      const plan = planOf(cost, requests)
      expect(await refuse(plan, midnight, unpriced)).toEqual({ refusal: 'unpriced', row: cost })
      await admit(planOf(requests), midnight, unpriced)
      expect(await refuse(plan, midnight, unpriced)).toMatchObject({ refusal: 'limited', row: requests })
    })
  })

  describe(`${name}: windows`, () => {
    test.each([
      ['minute', minute, 1000],
      ['second', second, 17],
    ])('a rolling %s counts a charge for its whole length and at most 1/60 more', async (_, window, late) => {
      const { admit, refuse } = await open()
      const plan = planOf(row({ metric: 'request', ceiling: count(1), window }))
      const lengthMs = window.kind === 'rolling' ? window.lengthMs : 0
      const start = midnight + 5
      await admit(plan, start)
      const refusal = await refuse(plan, start + lengthMs - 1)
      if (refusal.refusal !== 'limited') throw new Error(refusal.refusal)
      expect(refusal.opensAt).toBeGreaterThanOrEqual(start + lengthMs)
      expect(refusal.opensAt).toBeLessThanOrEqual(start + lengthMs + late)
      await refuse(plan, refusal.opensAt - 1)
      await admit(plan, refusal.opensAt)
    })

    test('a rolling row opens when enough of its oldest charges are forgotten', async () => {
      const { store, admit, refuse } = await open()
      const plan = planOf(row({ ceiling: count(100) }))
      for (const at of [0, 10_000, 20_000]) await charge(store, plan, { tokens: 40 }, midnight + at)
      expect(await refuse(plan, midnight + 30_000)).toMatchObject({ opensAt: midnight + 61_000 })
      await admit(plan, midnight + 61_000)
      expect(await refuse(plan, midnight + 61_001)).toMatchObject({
        onlyHeld: true,
        opensAt: midnight + 62_001,
      })
    })

    test('a strict row waits until as much is forgotten as its call needs', async () => {
      const { store, refuse, admit } = await open()
      const tokens = row({ ceiling: count(100) })
      const plan = planOf(row({ ...tokens, strict: true }))
      for (const at of [0, 10_000, 20_000]) await charge(store, planOf(tokens), { tokens: 30 }, midnight + at)
      // 40 tokens in and 16 out do not fit beside 60, but beside 30.
      expect(await refuse(plan, midnight + 30_000)).toMatchObject({ opensAt: midnight + 71_000 })
      await refuse(plan, midnight + 70_999)
      expect((await admit(plan, midnight + 71_000)).outputCap).toBe(30)
    })

    test('a fixed day opens at midnight UTC and not before', async () => {
      const { admit, refuse } = await open()
      const plan = planOf(row({ metric: 'request', ceiling: count(1), window: day }))
      await admit(plan, midnight)
      expect(await refuse(plan, tomorrow - 1)).toMatchObject({ opensAt: tomorrow })
      await admit(plan, tomorrow)
      expect(await refuse(plan, tomorrow)).toMatchObject({ opensAt: tomorrow + 86_400_000 })
    })

    test.each([
      ['day', tomorrow],
      ['week', midnight + 7 * 86_400_000],
      ['month', Date.UTC(2026, 11, 1)],
      ['quarter', Date.UTC(2027, 0, 1)],
      ['year', Date.UTC(2027, 0, 1)],
    ] as const)('a calendar %s opens when the next begins', async (unit, opensAt) => {
      const { admit, refuse } = await open()
      const window: Window = { kind: 'calendar', unit }
      const plan = planOf(row({ metric: 'request', ceiling: count(1), window }))
      await admit(plan, midnight)
      expect(await refuse(plan, opensAt - 1)).toMatchObject({ opensAt })
      await admit(plan, opensAt)
    })

    test('a window from an anchor goes on in whole lengths, however long nobody comes', async () => {
      const { admit, refuse, store } = await open()
      const anchor = midnight - 5_000_000
      const window: Window = { kind: 'fixed', lengthMs: 5_400_000, anchor }
      const requests = row({ metric: 'request', ceiling: count(1), window, chargedAt: 'completion' })
      const plan = planOf(requests)
      await admit(plan, midnight)
      expect(await refuse(plan, midnight)).toMatchObject({ opensAt: midnight + 400_000 })
      await admit(plan, midnight + 400_000)
      const later = anchor + 1000 * 5_400_000 + 17
      await admit(plan, later)
      expect(await refuse(plan, later)).toMatchObject({ opensAt: anchor + 1001 * 5_400_000 })
      expect(await store.read([requests], later)).toMatchObject([{ endsAt: anchor + 1001 * 5_400_000 }])
    })

    test('what never ends opens only for what is held', async () => {
      const { store, admit, refuse } = await open()
      const endless = row({ ceiling: count(20), window: { kind: 'endless', anchor: midnight } })
      const plan = planOf(endless)
      const reservation = await admit(plan, midnight)
      expect(await refuse(plan, midnight)).toMatchObject({ opensAt: midnight + 1000, onlyHeld: true })
      expect(await store.settle(reservation, actual({ tokens: 20 }), midnight + 1)).toEqual([
        {
          counter: endless.counter,
          generation: 0,
          startsAt: midnight,
          endsAt: endOfTime,
          amount: count(20),
        },
      ])
      const later = midnight + 100 * 365 * 86_400_000
      expect(await refuse(plan, later)).toMatchObject({ opensAt: endOfTime, onlyHeld: false })
      expect(await store.read([endless], later)).toEqual([
        {
          row: endless,
          used: count(20),
          held: count(0),
          endsAt: null,
          opening: { at: null, onlyHeld: false },
        },
      ])
      const untouched = row({ window: endless.window })
      expect(await store.read([untouched], later)).toMatchObject([{ used: null, endsAt: null }])
    })

    test('the first row that refuses is named, and the last of them tells when to come again', async () => {
      const { store, refuse } = await open()
      const quick = row({ metric: 'request', ceiling: count(1), window: second })
      const slow = row({ metric: 'request', ceiling: count(1), window: day })
      const open_ = row({ metric: 'request', ceiling: count(9) })
      await charge(store, planOf(quick, slow), {}, midnight)
      expect(await refuse(planOf(open_, quick, slow), midnight)).toMatchObject({
        row: quick,
        judged: [
          {
            row: quick,
            used: count(1),
            held: count(0),
            needed: count(1),
            opensAt: midnight + 1017,
            onlyHeld: false,
          },
          { row: slow, used: count(1), held: count(0), needed: count(1), opensAt: tomorrow, onlyHeld: false },
        ],
        opensAt: tomorrow,
      })
    })
  })

  describe(`${name}: counters`, () => {
    test('rows of one counter share what it counted, each under its own ceiling', async () => {
      const { store, admit, refuse } = await open()
      const wide = row({ ceiling: count(100) })
      const narrow = row({ ...wide, ceiling: count(50) })
      await charge(store, planOf(narrow), { tokens: 60 }, midnight)
      await refuse(planOf(narrow), midnight)
      await admit(planOf(wide), midnight)
    })

    test('a new generation begins at nothing, and late charges of the old one name the old one', async () => {
      const { store, admit, used } = await open()
      const old = row({ window: day })
      const renewed = row({ ...old, generation: 1 })
      const late = await admit(planOf(old), midnight)
      await charge(store, planOf(old), { tokens: 400 }, midnight)
      await charge(store, planOf(renewed), { tokens: 3 }, midnight)
      expect(await used(renewed, midnight)).toEqual(count(3))
      expect(await store.settle(late, actual({ tokens: 5 }), midnight)).toMatchObject([{ generation: 0 }])
      expect(await used(renewed, midnight)).toEqual(count(3))
    })

    test('a reading has what is used, what is held and when the period ends', async () => {
      const { store, admit } = await open()
      const tokens = row({ window: day })
      const rolling = row()
      const unknown = row({ window: day })
      await charge(store, planOf(tokens, rolling), { tokens: 5 }, midnight)
      await admit(planOf(tokens), midnight)
      expect(await store.read([tokens, rolling, unknown], midnight)).toEqual([
        { row: tokens, used: count(5), held: count(20), endsAt: tomorrow, opening: null },
        { row: rolling, used: count(5), held: count(0), endsAt: null, opening: null },
        { row: unknown, used: null, held: count(0), endsAt: tomorrow, opening: null },
      ])
      expect(await store.read([tokens], tomorrow)).toEqual([
        { row: tokens, used: null, held: count(0), endsAt: tomorrow + 86_400_000, opening: null },
      ])
    })

    test('a reading says which row has no room, and when it has, as a refusal would', async () => {
      const { store, admit, refuse } = await open()
      const quick = row({ metric: 'request', ceiling: count(1), window: second })
      const daily = row({ ceiling: count(5), window: day })
      const roomy = row()
      await charge(store, planOf(quick, daily, roomy), { tokens: 5 }, midnight)
      const [ofQuick, ofDaily, ofRoomy] = await store.read([quick, daily, roomy], midnight)
      expect(await refuse(planOf(quick), midnight)).toMatchObject({ opensAt: ofQuick?.opening?.at })
      expect(ofDaily?.opening).toEqual({ at: tomorrow, onlyHeld: false })
      expect(ofRoomy?.opening).toBeNull()

      const held = row({ ceiling: count(20) })
      const closed = row({ ceiling: count(0) })
      await admit(planOf(held), midnight)
      expect(await store.read([held, closed], midnight)).toMatchObject([
        { opening: { at: midnight + 1000, onlyHeld: true } },
        { opening: { at: null, onlyHeld: false } },
      ])
    })

    test('a charge names its period, or its instant where the window rolls', async () => {
      const { store, admit } = await open()
      const requests = row({ metric: 'request' })
      const tokens = row()
      const plan = planOf(requests, tokens, row({ window: day }))
      const reservation = await admit(plan, midnight + 1)
      const charges = await store.settle(reservation, actual({ tokens: 5 }), midnight + 9)
      expect(charges).toMatchObject([
        { counter: requests.counter, startsAt: midnight + 1, endsAt: null, amount: count(1) },
        { counter: tokens.counter, startsAt: midnight + 9, endsAt: null, amount: count(5) },
        { startsAt: midnight, endsAt: tomorrow, amount: count(5) },
      ])
    })

    test('the tightest row is the one with the smallest part left', async () => {
      const { admit } = await open()
      const many = row({ metric: 'request', ceiling: count(100) })
      const few = row({ ceiling: count(200), window: day })
      const reservation = await admit(planOf(many, few), midnight + 400)
      expect(reservation.tightest).toEqual({ row: few, remaining: count(180), resetMs: 86_399_600 })
      expect((await admit(planOf(), midnight)).tightest).toBeNull()
    })
  })

  describe(`${name}: generations`, () => {
    const hour: Window = { kind: 'fixed', lengthMs: 3_600_000, anchor: midnight }
    const budget = (fields: Partial<PlanRow> = {}) =>
      row({ window: hour, unit: '1h', chargedAt: 'completion', ...fields })
    const renewed = (before: PlanRow, window: Window, fields: Partial<PlanRow> = {}): PlanRow => ({
      ...before,
      generation: before.generation + 1,
      window,
      ...fields,
    })

    test('a longer window goes on with what was used, and ends by its own length', async () => {
      const { store, used, refuse } = await open()
      const before = budget({ ceiling: count(50) })
      const after = renewed(before, { ...hour, lengthMs: 7_200_000 })
      await charge(store, planOf(before), { tokens: 50 }, midnight)
      await store.rebase(before, after, true, midnight + 10)
      expect(await used(after, midnight + 10)).toEqual(count(50))
      expect(await refuse(planOf(after), midnight + 3_600_000)).toMatchObject({
        opensAt: midnight + 7_200_000,
      })
      expect(await charge(store, planOf(after), { tokens: 3 }, midnight + 7_200_000)).toEqual([
        {
          counter: after.counter,
          generation: 1,
          startsAt: midnight + 7_200_000,
          endsAt: midnight + 14_400_000,
          amount: count(3),
        },
      ])
      expect(await used(after, midnight + 7_200_000)).toEqual(count(3))
    })

    test('a window that aligns with the calendar goes on with what was used', async () => {
      const { store, used, refuse } = await open()
      const noon = midnight + 43_200_000
      const before = budget({ ceiling: count(50), window: { ...hour, lengthMs: 86_400_000, anchor: noon } })
      const after = renewed(before, { kind: 'calendar', unit: 'day' })
      await charge(store, planOf(before), { tokens: 50 }, tomorrow + 1)
      await store.rebase(before, after, true, tomorrow + 2)
      expect(await used(after, tomorrow + 2)).toEqual(count(50))
      expect(await refuse(planOf(after), tomorrow + 2)).toMatchObject({ opensAt: tomorrow + 86_400_000 })
    })

    test('a shorter window whose first period is over begins at nothing', async () => {
      const { store, used, held, admit } = await open()
      const before = budget({ window: { ...hour, lengthMs: 86_400_000 } })
      const after = renewed(before, hour)
      await charge(store, planOf(before), { tokens: 50 }, midnight)
      await admit(planOf(before), midnight)
      await store.rebase(before, after, true, midnight + 5_400_000)
      expect(await used(after, midnight + 5_400_000)).toEqual(count(0))
      expect(await held(after, midnight + 5_400_000)).toEqual(count(20))
    })

    test('what an old period had used is not carried into a new window', async () => {
      const { store, used } = await open()
      const before = budget()
      const after = renewed(before, { kind: 'calendar', unit: 'day' })
      await charge(store, planOf(before), { tokens: 50 }, midnight)
      await store.rebase(before, after, true, midnight + 3_600_000)
      expect(await used(after, midnight + 3_600_000)).toBeNull()
    })

    test('a reset begins at nothing at once, for as long as the window is', async () => {
      const { store, admit, refuse } = await open()
      const before = budget({ metric: 'request', ceiling: count(1) })
      await admit(planOf(before), midnight)
      await refuse(planOf(before), midnight + 60_000)
      const after = renewed(before, { ...hour, anchor: midnight + 60_000 })
      await store.rebase(before, after, false, midnight + 60_000)
      await admit(planOf(after), midnight + 60_000)
      expect(await refuse(planOf(after), midnight + 60_000)).toMatchObject({
        opensAt: midnight + 3_660_000,
      })
    })

    test.each([
      ['kept', true],
      ['dropped', false],
    ])(
      'with usage %s, attempts under way are held, settled and released in the new one',
      async (_, keeps) => {
        const { store, admit, used, held } = await open()
        const before = budget()
        const at = midnight + 1000
        const after = renewed(before, { ...hour, anchor: at })
        await charge(store, planOf(before), { tokens: 100 }, midnight)
        const settled = await admit(planOf(before), midnight)
        const released = await admit(planOf(before), midnight)
        await store.rebase(before, after, keeps, at)
        const kept = keeps ? 100 : 0
        expect(await held(after, at)).toEqual(count(40))
        expect(await used(after, at)).toEqual(count(kept))
        expect(await store.settle(settled, actual({ tokens: 7 }), at + 5)).toEqual([
          {
            counter: before.counter,
            generation: 1,
            startsAt: at,
            endsAt: at + 3_600_000,
            amount: count(7),
          },
        ])
        expect(await store.release(released, at + 5)).toEqual([])
        expect(await held(after, at + 5)).toEqual(count(0))
        expect(await used(after, at + 5)).toEqual(count(kept + 7))
      },
    )

    test.each([
      ['kept', true, 2],
      ['dropped', false, 0],
    ])('with usage %s, request units of attempts under way stay where they were', async (_, keeps, left) => {
      const { store, admit, used } = await open()
      const before = budget({ metric: 'request', refundsFailed: true })
      const settled = await admit(planOf(before), midnight)
      const released = await admit(planOf(before), midnight)
      // The new window begins at the very instant at which the old one had.
      const after = renewed(before, { ...hour, lengthMs: 7_200_000 })
      await store.rebase(before, after, keeps, midnight)
      const unit = {
        counter: before.counter,
        generation: 0,
        startsAt: midnight,
        endsAt: midnight + 3_600_000,
        amount: count(1),
      }
      expect(await store.settle(settled, actual(), midnight + 5)).toEqual([unit])
      expect(await store.release(released, midnight + 5)).toEqual([unit])
      expect((await used(after, midnight + 5)) ?? count(0)).toEqual(count(left))

      const next = await admit(planOf(after), midnight + 5)
      expect(await store.release(next, midnight + 5)).toEqual([])
      expect((await used(after, midnight + 5)) ?? count(0)).toEqual(count(left))
    })

    test('strict rows are charged their hold in the new one', async () => {
      const { store, admit, used } = await open()
      const before = budget({ strict: true })
      const reservation = await admit(planOf(before), midnight, amounts({ outputCap: 60 }))
      const after = renewed(before, { ...hour, anchor: midnight + 1 })
      await store.rebase(before, after, false, midnight + 1)
      await store.settle(reservation, actual({ reported: false }), midnight + 2)
      expect(await used(after, midnight + 2)).toEqual(count(100))
    })

    test('a plan from before finds the counter as it is now', async () => {
      const { store, admit, refuse, used } = await open()
      const before = budget({ metric: 'request', ceiling: count(2) })
      const plan = planOf(before)
      await admit(plan, midnight)
      const after = renewed(before, { ...hour, anchor: midnight + 1 })
      await store.rebase(before, after, true, midnight + 1)
      await admit(plan, midnight + 1)
      await refuse(plan, midnight + 1)
      await refuse(planOf({ ...before }), midnight + 1)
      await refuse(planOf(after), midnight + 1)
      expect(await used(before, midnight + 1)).toEqual(count(2))
    })

    test('a generation that was reached is not begun again, and an older one never', async () => {
      const { store, used } = await open()
      const before = budget()
      const next = renewed(before, { ...hour, anchor: midnight + 1 })
      const last = renewed(next, { ...hour, anchor: midnight + 2 })
      await charge(store, planOf(before), { tokens: 5 }, midnight)
      await store.rebase(before, last, true, midnight + 2)
      await store.rebase(before, last, false, midnight + 3)
      await store.rebase(before, next, false, midnight + 3)
      expect(await used(last, midnight + 3)).toEqual(count(5))
      expect(await charge(store, planOf(last), { tokens: 1 }, midnight + 3)).toMatchObject([
        { generation: 2, startsAt: midnight + 2 },
      ])
    })

    test('a counter that nobody used yet begins in the new one', async () => {
      const { store, used } = await open()
      const before = budget()
      const after = renewed(before, { ...hour, anchor: midnight + 1 })
      await store.rebase(before, after, true, midnight + 1)
      expect(await used(after, midnight + 1)).toBeNull()
      expect(await charge(store, planOf(before), { tokens: 1 }, midnight + 2)).toMatchObject([
        { generation: 1, startsAt: midnight + 1 },
      ])
    })

    test('rolling windows and charges of the admission have no generations', async () => {
      const { store } = await open()
      for (const before of [row(), row({ window: day })]) {
        const after = renewed(before, before.window)
        await expect((async () => store.rebase(before, after, true, midnight))()).rejects.toThrow(
          'completion',
        )
      }
    })

    test('an adjustment adds to the period that it names, used before or not', async () => {
      const { store, used, refuse, admit } = await open()
      const cost = budget({ metric: 'cost', ceiling: dollars(1) })
      const adjustment = (amount: Quantity, generation = 0, startsAt = midnight) => ({
        counter: cost.counter,
        generation,
        startsAt,
        endsAt: startsAt + 3_600_000,
        amount,
      })
      await store.adjust(adjustment({ whole: 999_999, pico: 999_999 }))
      expect(await used(cost, midnight)).toEqual({ whole: 999_999, pico: 999_999 })
      await store.adjust(adjustment({ whole: 0, pico: 1 }))
      await refuse(planOf(cost), midnight)
      await store.adjust(adjustment({ whole: -1, pico: -2 }))
      expect(await used(cost, midnight)).toEqual({ whole: 999_998, pico: 999_998 })
      await store.adjust(adjustment(dollars(5), 0, midnight - 3_600_000))
      await store.adjust(adjustment(dollars(5), 1))
      await store.release(await admit(planOf(cost), midnight), midnight)
      expect(await used(cost, midnight)).toEqual({ whole: 999_998, pico: 999_998 })
      expect(await used(cost, midnight + 3_600_000)).toBeNull()
    })

    test('nothing reads as less than nothing, though the sum may be', async () => {
      const { store, used, admit, refuse } = await open()
      const requests = budget({ metric: 'request', ceiling: count(1), refundsFailed: true })
      const plan = planOf(requests)
      const failed = await admit(plan, midnight)
      // A reset that forgives the unit which comes back later.
      const amount = count(-1)
      await store.adjust({
        counter: requests.counter,
        generation: 0,
        startsAt: midnight,
        endsAt: midnight + 3_600_000,
        amount,
      })
      await store.release(failed, midnight)
      expect(await used(requests, midnight)).toEqual(count(0))
      await admit(plan, midnight)
      await admit(plan, midnight)
      await refuse(plan, midnight)
      expect(await used(requests, midnight)).toEqual(count(1))
    })
  })
}
