import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileExpression } from './cel.ts'
import { type Choice, chooseRoute, type ScopedRules } from './choose.ts'
import type { RoutingRule, RuleTarget } from './rule.ts'
import { type Asked, type Percentages, percentageNames, type RuleContext } from './variables.ts'

const percentages = (changed: Partial<Percentages> = {}) =>
  ({ ...Object.fromEntries(percentageNames.map((name) => [name, 0])), ...changed }) as Percentages

const unread = (): never => {
  throw new Error('no rule reads this')
}

const context: RuleContext = {
  requestType: 'chat_completion',
  headers: unread,
  params: unread,
  virtualKeyId: '',
  virtualKeyName: '',
  teamId: '',
  teamName: '',
  customerId: '',
  customerName: '',
  percentages: unread,
}

const asked: Asked = { provider: null, model: 'fast' }

function compiled(text: string) {
  const expression = compileExpression(text)
  return 'fault' in expression ? null : expression
}

function target(changed: Partial<RuleTarget> = {}): RuleTarget {
  return { provider: null, model: null, keyId: null, weight: 1, ...changed }
}

function rule(
  name: string,
  { when = '', ...changed }: Partial<RoutingRule> & { when?: string } = {},
): RoutingRule {
  return {
    id: name,
    name,
    isEnabled: true,
    isChained: false,
    expression: compiled(when),
    targets: [target({ provider: name })],
    fallbacks: [],
    scope: 'global',
    scopeId: null,
    priority: 0,
    createdAt: 0,
    ...changed,
  }
}

function route(rules: Partial<ScopedRules>, changed: Partial<Choice> = {}, from: Asked = asked) {
  const choice = { context, random: unread, maxDepth: 10, isTargetUsable: () => true, ...changed }
  return chooseRoute({ virtualKey: [], team: [], customer: [], global: [], ...rules }, from, choice)
}

describe('which rule counts', () => {
  test('80. The nearest scope counts before priority: a rule of the virtual key wins over a global one', () => {
    const near = rule('near', { scope: 'virtual_key', priority: 9 })
    expect(route({ virtualKey: [near], global: [rule('far')] })?.rule).toBe(near)
  })

  test('virtual key, team, customer, global, and in each the first', () => {
    const all = {
      virtualKey: [rule('a'), rule('b')],
      team: [rule('c')],
      customer: [rule('d')],
      global: [rule('e')],
    }
    expect(route(all)?.rule.name).toBe('a')
    expect(route({ ...all, virtualKey: [] })?.rule.name).toBe('c')
    expect(route({ ...all, virtualKey: [], team: [] })?.rule.name).toBe('d')
    expect(route({ global: all.global })?.rule.name).toBe('e')
  })

  test('79. A rule that asks for a header which is missing leaves the call where it was', () => {
    const gold = rule('gold', { when: 'headers["x-tier"] == "gold"' })
    const withHeaders = (entries: [string, string][]) => ({
      context: { ...context, headers: () => new Map(entries) },
    })
    expect(route({ global: [gold] }, withHeaders([]))).toBeNull()
    expect(route({ global: [gold] }, withHeaders([['x-tier', 'gold']]))?.provider).toBe('gold')
  })

  test.each([
    ['disabled', rule('x', { isEnabled: false })],
    ['not compiled', rule('x', { when: 'model ==' })],
    ['not true', rule('x', { when: 'model == "slow"' })],
    ['without targets', rule('x', { targets: [] })],
  ])('a rule that is %s is passed over', (_, passed) => {
    expect(route({ global: [passed] })).toBeNull()
    expect(route({ global: [passed, rule('next')] })?.rule.name).toBe('next')
  })

  test('without rules nothing is read', () => {
    expect(route({}, { isTargetUsable: unread })).toBeNull()
  })
})

describe('where a rule leads', () => {
  test('what a target leaves out stays as it was asked for', () => {
    const from = { provider: 'azure', model: 'fast' }
    const to = (to: RuleTarget) => {
      const { provider, model, keyId } = route({ global: [rule('x', { targets: [to] })] }, {}, from) ?? {}
      return { provider, model, keyId }
    }
    expect(to(target())).toEqual({ provider: 'azure', model: 'fast', keyId: null })
    expect(to(target({ model: 'gpt-4o' }))).toEqual({ provider: 'azure', model: 'gpt-4o', keyId: null })
    expect(to(target({ provider: 'openai', keyId: 'k1' }))).toEqual({
      provider: 'openai',
      model: 'fast',
      keyId: 'k1',
    })
  })

  test('a fallback without model takes the one that the rule was asked about', () => {
    const fallbacks = [
      { provider: 'azure', model: null, keyId: null },
      { provider: 'mistral', model: 'small', keyId: 'k2' },
    ]
    const routed = route({ global: [rule('x', { targets: [target({ model: 'gpt-4o' })], fallbacks })] })
    expect(routed?.fallbacks).toEqual([
      { provider: 'azure', model: 'fast', keyId: null },
      { provider: 'mistral', model: 'small', keyId: 'k2' },
    ])
  })

  test('a target whose key is gone is passed over, and a rule of nothing else does not match', () => {
    const gone = target({ provider: 'openai', keyId: 'gone', weight: 0.9 })
    const kept = target({ provider: 'openai', keyId: 'kept', weight: 0.1 })
    const isTargetUsable = ({ keyId }: RuleTarget) => keyId !== 'gone'
    expect(route({ global: [rule('x', { targets: [gone, kept] })] }, { isTargetUsable })?.keyId).toBe('kept')
    expect(
      route({ global: [rule('x', { targets: [gone] }), rule('y')] }, { isTargetUsable })?.rule.name,
    ).toBe('y')
  })
})

describe('weights', () => {
  const weights = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 6 })

  test('a target is chosen as often as its weight says', () => {
    fc.assert(
      fc.property(weights, (given) => {
        const sorted = given.toSorted((left, right) => right - left)
        const total = sorted.reduce((sum, weight) => sum + weight, 0)
        const targets = sorted.map((weight, i) => target({ model: `${i}`, weight }))
        // Every share of the range is walked through evenly: as many draws as there are units of weight.
        const draws = total === 0 ? targets.length : total
        const counts = new Map<string, number>()
        for (let draw = 0; draw < draws; draw++) {
          const model =
            route({ global: [rule('x', { targets })] }, { random: () => (draw + 0.5) / draws })?.model ?? ''
          counts.set(model, (counts.get(model) ?? 0) + 1)
        }
        const expected = sorted.map((weight) => (total === 0 ? 1 : weight))
        expect(targets.map(({ model }) => counts.get(model ?? '') ?? 0)).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  test('any draw ends at a target that has weight', () => {
    const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 })
    const draws = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fractions, draws, (given, draw) => {
        const targets = given.toSorted((l, r) => r - l).map((weight, i) => target({ model: `${i}`, weight }))
        const chosen = route({ global: [rule('x', { targets })] }, { random: () => draw })
        const weight = targets.find(({ model }) => model === chosen?.model)?.weight
        expect(weight === 0).toBe(given.every((each) => each === 0))
      }),
    )
  })
})

describe('chains', () => {
  const chained = (name: string, from: string, to: string, changed: Partial<RoutingRule> = {}) =>
    rule(name, { when: `model == "${from}"`, targets: [target({ model: to })], isChained: true, ...changed })

  test('the rules are asked again about where a chained rule leads, and all of the last one counts', () => {
    const first = chained('first', 'fast', 'gpt-4o', {
      targets: [target({ provider: 'openai', model: 'gpt-4o', keyId: 'k1' })],
      fallbacks: [{ provider: 'azure', model: null, keyId: null }],
    })
    const last = rule('last', {
      when: 'model == "gpt-4o" && provider == "openai"',
      targets: [target({ model: 'gpt-4.1' })],
    })
    const routed = route({ global: [first, last] })
    expect(routed).toEqual({ rule: last, provider: 'openai', model: 'gpt-4.1', keyId: null, fallbacks: [] })
  })

  test('without a further match the chain ends where it is', () => {
    const only = chained('only', 'fast', 'gpt-4o', {
      fallbacks: [{ provider: 'azure', model: null, keyId: null }],
    })
    expect(route({ global: [only] })).toMatchObject({
      rule: only,
      model: 'gpt-4o',
      fallbacks: [{ model: 'fast' }],
    })
  })

  test('percentages are those of what is now asked for, headers are read once', () => {
    const read: Asked[] = []
    let headersRead = 0
    const used = (of: Asked) => {
      read.push(of)
      return percentages({ budget_used: of.model === 'fast' ? 100 : 10 })
    }
    const headers = () => {
      headersRead++
      return new Map([['x', 'y']])
    }
    const rules = [
      rule('none', { when: 'budget_used > 100 && headers.x == "y"' }),
      rule('spent', { when: 'budget_used >= 100', targets: [target({ model: 'slow' })], isChained: true }),
      rule('free', { when: 'budget_used < 50 && headers.x == "y"', targets: [target({ model: 'free' })] }),
    ]
    expect(route({ global: rules }, { context: { ...context, percentages: used, headers } })?.model).toBe(
      'free',
    )
    expect(read).toEqual([asked, { provider: null, model: 'slow' }])
    expect(headersRead).toBe(1)
  })

  test('a chain that leads nowhere else, or back, ends there', () => {
    const still = rule('still', { targets: [target()], isChained: true })
    expect(route({ global: [still] })).toMatchObject({ rule: still, model: 'fast' })
    const there = chained('there', 'fast', 'slow')
    const back = chained('back', 'slow', 'fast')
    expect(route({ global: [there, back] })).toMatchObject({ rule: back, model: 'fast' })
  })

  test('a chain is as long as it may be', () => {
    const steps = Array.from({ length: 20 }, (_, i) => chained(`${i}`, `m${i}`, `m${i + 1}`))
    const from = { provider: null, model: 'm0' }
    for (const maxDepth of [1, 2, 10])
      expect(route({ global: steps }, { maxDepth }, from)?.model).toBe(`m${maxDepth}`)
    expect(route({ global: steps }, { maxDepth: 100 }, from)?.model).toBe('m20')
  })

  test('any chain ends, at the target of a rule that matched', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd')
    const links = fc.array(fc.record({ from: names, to: names, isChained: fc.boolean() }), { maxLength: 8 })
    fc.assert(
      fc.property(links, names, fc.integer({ min: 1, max: 12 }), (given, model, maxDepth) => {
        const rules = given.map(({ from, to, isChained }, i) => chained(`${i}`, from, to, { isChained }))
        let at = model
        const been = new Set<string>()
        for (let depth = 0; depth < maxDepth && !been.has(at); depth++) {
          const next = given.find(({ from }) => from === at)
          if (next === undefined) break
          been.add(at)
          at = next.to
          if (!next.isChained) break
        }
        const routed = route({ global: rules }, { maxDepth }, { provider: null, model })
        expect(routed?.model ?? model).toBe(at)
        expect(routed === null).toBe(!given.some(({ from }) => from === model))
      }),
    )
  })
})
