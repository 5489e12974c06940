import { expect, test } from 'vitest'
import type { RoutingRuleFact } from '../facts.ts'
import { compiledRules, compileRules } from './compiled-rules.ts'

function rule(id: string, over: Partial<RoutingRuleFact> = {}): RoutingRuleFact {
  return {
    id,
    name: `rule ${id}`,
    description: '',
    enabled: true,
    chainRule: false,
    celExpression: '',
    targets: [{ provider: 'openai', model: null, keyId: null, weight: 1 }],
    fallbacks: [],
    scope: 'global',
    scopeId: null,
    priority: 0,
    query: null,
    configHash: null,
    createdAt: 1,
    updatedAt: 1,
    ...over,
  }
}

const noBroken = () => {
  throw new Error('no rule here is broken')
}

test('rules that were compiled are asked from then on; the same list gives the same rules', async () => {
  const facts = [rule('a'), rule('b', { celExpression: 'model == "m"' })]
  await compileRules([...facts, null], noBroken)
  const rules = compiledRules(facts)
  expect(rules.map(({ id, expression }) => [id, expression === null])).toEqual([
    ['a', false],
    ['b', false],
  ])
  expect(compiledRules(facts)).toBe(rules)
})

test('a stored text that does not compile is told once, and matches nothing', async () => {
  const broken: unknown[] = []
  const facts = [rule('c', { celExpression: 'model ==' })]
  await compileRules(facts, (it) => broken.push(it))
  expect(broken).toEqual([{ id: 'c', name: 'rule c', fault: expect.stringMatching(/./) }])
  expect(compiledRules(facts)).toMatchObject([{ id: 'c', expression: null }])
  expect(broken).toHaveLength(1)
})

test('a fallback is read as it was written, and one that names no provider is none', async () => {
  const fallbacks = ['openai/gpt-4o', 'azure/', { provider: 'openai', key_id: 'k' }, 'gpt-4o'] as const
  const facts = [rule('d', { fallbacks })]
  await compileRules(facts, noBroken)
  expect(compiledRules(facts)[0]?.fallbacks).toEqual([
    { provider: 'openai', model: 'gpt-4o', keyId: null },
    { provider: 'azure', model: null, keyId: null },
    { provider: 'openai', model: null, keyId: 'k' },
  ])
})

test('a rule that was not compiled is a fault of ours, not a rule that never matches', () => {
  expect(() => compiledRules([rule('e')])).toThrow('not compiled')
})
