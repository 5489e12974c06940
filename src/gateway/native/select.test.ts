import { describe, expect, test } from 'vitest'
import type { ProviderConfigFact } from '../../tenancy/governance/facts.ts'
import { orderByWeight } from './select.ts'

function candidate(provider: string, weight: number | null, isKnown = true) {
  const config: ProviderConfigFact = {
    id: 1,
    virtualKeyId: 'vk',
    provider,
    weight,
    allowedModels: ['*'],
    blacklistedModels: [],
    allowAllKeys: true,
    keyIds: [],
    budgets: [],
    rateLimit: null,
  }
  return { config, isKnown }
}

function order(candidates: readonly ReturnType<typeof candidate>[], at = 0): string[] {
  return orderByWeight(candidates, () => at).map(({ provider }) => provider)
}

describe('the order in which providers are tried', () => {
  test('begins by weight, and goes on with the heaviest', () => {
    const all = [candidate('light', 1), candidate('heavy', 6), candidate('middling', 3)]
    expect(order(all, 0)).toEqual(['light', 'heavy', 'middling'])
    expect(order(all, 0.5)).toEqual(['heavy', 'middling', 'light'])
    expect(order(all, 0.99)).toEqual(['middling', 'heavy', 'light'])
  })

  test('leaves out what has no weight, and ends with a weight of nothing', () => {
    const all = [candidate('none', null), candidate('zero', 0), candidate('some', 1)]
    expect(order(all)).toEqual(['some', 'zero'])
  })

  test('is that of the virtual key where nothing has a weight, among those that know the model', () => {
    const all = [candidate('unknown', null, false), candidate('first', null), candidate('second', null)]
    expect(order(all)).toEqual(['first', 'second'])
    expect(order([candidate('zero', 0), candidate('first', null)])).toEqual(['first', 'zero'])
    expect(order([candidate('unknown', null, false)])).toEqual([])
  })

  test('begins with each as often as its weight says', () => {
    const all = [candidate('three', 3), candidate('one', 1)]
    let threes = 0
    for (let round = 0; round < 10_000; round += 1) {
      if (orderByWeight(all, Math.random)[0]?.provider === 'three') threes += 1
    }
    expect(Math.abs(threes - 7500)).toBeLessThan(200)
  })
})
