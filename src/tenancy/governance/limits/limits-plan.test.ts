import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isFailure } from '../../../domain/failure.ts'
import { isSameDuration, parseResetDuration } from '../../../limits/duration.ts'
import type { BudgetFact, OwnedLimits } from '../facts.ts'
import { type BudgetInput, type LimitsPlan, noLimits, partyWording, planLimits } from './limits-plan.ts'

function budget(id: string, resetDuration: string, over: Partial<BudgetFact> = {}): BudgetFact {
  return {
    id,
    maxLimit: { whole: 1_000_000, pico: 0 },
    resetDuration,
    calendarAligned: false,
    strict: false,
    generation: 0,
    startsAt: 0,
    keptSince: 0,
    override: null,
    configHash: null,
    createdAt: 0,
    updatedAt: 0,
    ...over,
  }
}

function owning(...budgets: BudgetFact[]): OwnedLimits {
  return { budgets, rateLimit: null }
}

const durations = ['1m', '60s', '1h', '24h', '1d', 'daily', '1w', 'weekly', '1M', 'never'] as const

function isSame(one: string, other: string): boolean {
  const [left, right] = [parseResetDuration(one), parseResetDuration(other)]
  return left !== null && right !== null && isSameDuration(left, right)
}

/** What is to become of the budgets, told in the plainest way: kept ids with their durations, new ones, gone ones. */
interface Outcome {
  readonly kept: readonly string[]
  readonly made: readonly string[]
  readonly dropped: readonly string[]
}

function outcomeOf({ kept, made, dropped }: LimitsPlan): Outcome {
  return {
    kept: kept.map(({ before, terms }) => `${before.id} ${terms.duration.text}`).sort(),
    made: made.map(({ duration }) => duration.text).sort(),
    dropped: dropped.map(({ id }) => id).sort(),
  }
}

/** As somebody would do it by hand: first those who name a budget, then the others, each takes what is still there. */
function matchedByHand(known: readonly BudgetFact[], wishes: readonly BudgetInput[]): Outcome | 'refused' {
  let left = [...known]
  const kept: string[] = []
  const made: string[] = []
  const texts: string[] = []
  for (const wish of wishes) {
    if (wish.id === undefined) continue
    const own = left.find(({ id }) => id === wish.id)
    if (own === undefined) return 'refused'
    left = left.filter((it) => it !== own)
    const text = wish.resetDuration ?? own.resetDuration
    kept.push(`${own.id} ${text}`)
    texts.push(text)
  }
  for (const { id, resetDuration } of wishes) {
    if (id !== undefined) continue
    if (resetDuration === undefined) return 'refused'
    const own = left.find((it) => isSame(it.resetDuration, resetDuration))
    left = left.filter((it) => it !== own)
    if (own) kept.push(`${own.id} ${resetDuration}`)
    else made.push(resetDuration)
    texts.push(resetDuration)
  }
  const repeats = texts.some((one, at) => texts.some((other, before) => before < at && isSame(one, other)))
  if (repeats) return 'refused'
  return { kept: kept.sort(), made: made.sort(), dropped: left.map(({ id }) => id).sort() }
}

test('budgets are matched by id, then by duration, as by hand', () => {
  const known = fc
    .uniqueArray(fc.constantFrom(...durations), { maxLength: 4, comparator: isSame })
    .map((all) => all.map((duration, at) => budget(`b${at}`, duration)))
  const wish = fc.record({
    id: fc.option(fc.constantFrom('b0', 'b1', 'b2', 'b3', 'foreign'), { nil: undefined, freq: 2 }),
    maxLimit: fc.constant('5'),
    resetDuration: fc.option(fc.constantFrom(...durations), { nil: undefined, freq: 4 }),
  })
  let refused = 0
  let matched = 0
  fc.assert(
    fc.property(known, fc.array(wish, { maxLength: 5 }), (budgets, wishes) => {
      const expected = matchedByHand(budgets, wishes)
      const plan = planLimits(owning(...budgets), { budgets: wishes }, false, partyWording)
      if (expected === 'refused') refused += 1
      else matched += 1
      expect(isFailure(plan) ? 'refused' : outcomeOf(plan)).toEqual(expected)
    }),
    { numRuns: 2000 },
  )
  expect(Math.min(refused, matched)).toBeGreaterThan(100)
})

describe('what is left out', () => {
  const known = owning(budget('b0', '1d', { strict: true, calendarAligned: true }))
  const planned = (...args: Parameters<typeof planLimits>) => {
    const plan = planLimits(...args)
    if (isFailure(plan)) throw new Error(JSON.stringify(plan))
    return plan
  }

  test('of a budget stays as it was', () => {
    const plan = planned(known, { budgets: [{ id: 'b0', maxLimit: '7' }] }, false, partyWording)
    expect(plan.kept[0]?.terms).toMatchObject({
      maxLimit: { whole: 7_000_000, pico: 0 },
      duration: { text: '1d' },
      calendarAligned: true,
      strict: true,
    })
  })

  test('of everything changes nothing', () => {
    const plan = planned(known, {}, false, partyWording)
    expect(outcomeOf(plan)).toEqual({ kept: ['b0 1d'], made: [], dropped: [] })
    expect(plan.rateLimit).toBe(undefined)
  })

  test('by a new budget is what its owner says', () => {
    const budgets = [{ maxLimit: '1', resetDuration: '1w' }]
    expect(planned(noLimits, { budgets }, true, partyWording).made[0]?.calendarAligned).toBe(true)
    const said = { budgets, calendarAligned: false }
    expect(planned(noLimits, said, true, partyWording).made[0]?.calendarAligned).toBe(false)
  })

  test('what an owner says of the calendar holds for the budgets that it has', () => {
    const plan = planned(known, { calendarAligned: false }, true, partyWording)
    expect(plan.kept[0]?.terms.calendarAligned).toBe(false)
  })
})
