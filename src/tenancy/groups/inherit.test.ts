import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LimitFact, NodeFact } from '../facts.ts'
import { group, limit } from '../test-kit.ts'
import { compilePlan, ownCounters } from './compile.ts'
import { inheritedLimits, type Lineage } from './inherit.ts'

const slug = 'w/m'
const tuples = [
  'token/second',
  'token/minute',
  'request/second',
  'request/minute',
  'token/day',
  'request/day',
]
const limits = fc
  .uniqueArray(fc.constantFrom(...tuples), { maxLength: 4 })
  .chain((chosen) => fc.tuple(...chosen.map((tuple) => fc.nat(100).map((most) => limit(tuple, most)))))
const trees = fc.tuple(
  fc.constantFrom<NodeFact['enforcement']>('INDEPENDENT', 'CASCADING'),
  fc.array(fc.option(limits), { minLength: 1, maxLength: 5 }),
)

/** From the root's limits down to the group's own; null where a level does not list the slug. */
function lineageWith(enforcement: NodeFact['enforcement'], levels: readonly (LimitFact[] | null)[]): Lineage {
  let lineage: NodeFact[] = []
  for (const [depth, own] of levels.entries()) {
    const models = own === null ? [] : [{ slug, limits: own }]
    lineage = [group(`g${depth}`, { enforcement, models }, lineage[0] ?? null), ...lineage]
  }
  return lineage as [NodeFact, ...NodeFact[]]
}

const sameTuple = (a: LimitFact, b: LimitFact) => a.metric === b.metric && a.unit === b.unit

describe('inherited limits', () => {
  test('are what a plain reading of the rules gives', () => {
    fc.assert(
      fc.property(trees, ([enforcement, levels]) => {
        const lineage = lineageWith(enforcement, levels)
        const declared = lineage.flatMap((node) =>
          (node.models[0]?.limits ?? []).map((limit) => ({ limit, source: node.id })),
        )
        const expected =
          enforcement === 'CASCADING'
            ? declared.map((it) => ({ ...it, counterOwner: it.source }))
            : declared
                .filter((it, at) => declared.findIndex((other) => sameTuple(other.limit, it.limit)) === at)
                .map((it) => ({ ...it, counterOwner: lineage[0].id }))
        expect(inheritedLimits(lineage, slug)).toEqual(expected)
      }),
    )
  })

  test('become the rows of the plan, one for one', () => {
    fc.assert(
      fc.property(trees, ([enforcement, levels]) => {
        const lineage = lineageWith(enforcement, levels)
        const plan = compilePlan(lineage, slug)
        if (lineage[0].models.length === 0) {
          expect(plan).toBeNull()
          return
        }
        const effective = inheritedLimits(lineage, slug)
        expect(plan?.rows.map(({ counter, ceiling }) => [counter, ceiling.whole])).toEqual(
          effective.map(({ limit, counterOwner }) => [
            `${counterOwner}:${slug}:${limit.metric}:${limit.unit}`,
            limit.threshold,
          ]),
        )
        const mine = effective.filter(({ counterOwner }) => counterOwner === lineage[0].id)
        expect(ownCounters(lineage)).toHaveLength(mine.length)
      }),
    )
  })
})

test('a row keeps the promises of its kind of limit', () => {
  const rows = compilePlan(
    [group('g', { models: [{ slug, limits: [limit('token/second', 3), limit('request/day', 5)] }] })],
    slug,
  )?.rows
  expect(rows).toEqual([
    {
      counter: 'g:w/m:token:second',
      generation: 0,
      metric: 'token',
      ceiling: { whole: 3, pico: 0 },
      window: { kind: 'rolling', lengthMs: 1000 },
      unit: 'second',
      strict: false,
      refundsFailed: false,
      chargedAt: 'completion',
      subject: null,
    },
    {
      counter: 'g:w/m:request:day',
      generation: 0,
      metric: 'request',
      ceiling: { whole: 5, pico: 0 },
      window: { kind: 'fixed', lengthMs: 86_400_000, anchor: 0 },
      unit: 'day',
      strict: false,
      refundsFailed: false,
      chargedAt: 'admission',
      subject: null,
    },
  ])
})

test('a plan is strict by a strict token row, not by a strict request row', () => {
  const isStrict = (tuple: string) =>
    compilePlan([group('g', { models: [{ slug, limits: [limit(tuple, 1, true)] }] })], slug)?.isStrict
  expect([isStrict('token/minute'), isStrict('request/minute')]).toEqual([true, false])
})
