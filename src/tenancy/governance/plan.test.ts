import { describe, expect, test } from 'vitest'
import type { OwnedLimits, VirtualKeyFact } from './facts.ts'
import { governancePlan } from './plan.ts'
import { openGovernancePlanCache } from './plan-cache.ts'
import {
  advanceGovernance,
  emptyGovernanceWorld,
  type GovernanceChanges,
  noGovernanceChanges,
} from './world.ts'

const now = Date.UTC(2026, 10, 3, 12)
const stored = { configHash: null, createdAt: 0, updatedAt: 0 }
const counting = { resetDuration: '1h', generation: 0, startsAt: 0, keptSince: 0 }

/** A budget of $1 and limits of tokens and requests, with the owner's name as id. */
function limitsOf(id: string): OwnedLimits {
  return {
    budgets: [
      {
        id,
        maxLimit: { whole: 1_000_000, pico: 0 },
        calendarAligned: false,
        strict: false,
        override: null,
        ...counting,
        ...stored,
      },
    ],
    rateLimit: {
      id,
      tokens: { max: 10, ...counting },
      requests: { max: 1, ...counting },
      calendarAligned: false,
      strict: false,
      ...stored,
    },
  }
}

const virtualKey: VirtualKeyFact = {
  id: 'vk',
  name: 'vk',
  description: '',
  digest: Buffer.alloc(32, 1),
  sealedValue: '',
  previous: null,
  isActive: true,
  teamId: 'team',
  customerId: null,
  calendarAligned: false,
  expiresAt: null,
  mcpConfigs: [],
  providerConfigs: [
    {
      id: 1,
      virtualKeyId: 'vk',
      provider: 'openai',
      weight: 1,
      allowedModels: ['*'],
      blacklistedModels: [],
      allowAllKeys: true,
      keyIds: [],
      ...limitsOf('pc'),
    },
  ],
  ...limitsOf('vk'),
  ...stored,
}

function modelConfig(id: string, modelName: string, provider: string | null, scopeId: string | null = null) {
  const scope: 'global' | 'virtual_key' = scopeId === null ? 'global' : 'virtual_key'
  return { id, modelName, provider, scope, scopeId, calendarAligned: false, ...limitsOf(id), ...stored }
}

function entries<Fact extends { readonly id: string }>(...facts: readonly Fact[]): ReadonlyMap<string, Fact> {
  return new Map(facts.map((fact) => [fact.id, fact]))
}

const everything: GovernanceChanges = {
  ...noGovernanceChanges,
  virtualKeys: entries(virtualKey),
  teams: entries({
    id: 'team',
    name: 'team',
    customerId: 'customer',
    calendarAligned: false,
    profile: {},
    config: {},
    claims: {},
    ...limitsOf('team'),
    ...stored,
  }),
  customers: entries({
    id: 'customer',
    name: 'customer',
    calendarAligned: false,
    ...limitsOf('customer'),
    ...stored,
  }),
  providerLimits: new Map([
    ['openai', { provider: 'openai', calendarAligned: false, ...limitsOf('provider'), ...stored }],
  ]),
  modelConfigs: entries(
    modelConfig('named', 'GPT-4o', 'openai'),
    modelConfig('any', '*', null),
    modelConfig('elsewhere', 'gpt-4o', 'azure'),
    modelConfig('another', 'o3', null),
    modelConfig('mine', 'gpt-4o', null, 'vk'),
    modelConfig('theirs', 'gpt-4o', null, 'other'),
  ),
}
const world = advanceGovernance(emptyGovernanceWorld(), everything)
const call = { virtualKey, provider: 'openai', model: 'gpt-4o' }

describe('the plan of a call', () => {
  test('asks provider, model, the way up to the customer, and the model for this key; rates before budgets', () => {
    const rates = (id: string) => [`rate:${id}:token`, `rate:${id}:request`]
    expect(governancePlan(world, call, now).plan.rows.map(({ counter }) => counter)).toEqual([
      ...rates('provider'),
      'budget:provider',
      ...rates('named'),
      'budget:named',
      ...rates('any'),
      'budget:any',
      ...['pc', 'vk', 'team', 'customer'].flatMap(rates),
      ...['pc', 'vk', 'team', 'customer'].map((id) => `budget:${id}`),
      ...rates('mine'),
      'budget:mine',
    ])
  })

  test('knows whose each row is', () => {
    const levels = governancePlan(world, call, now).plan.rows.map(({ subject }) => subject?.level)
    expect([...new Set(levels)]).toEqual([
      'provider',
      'model',
      'provider_config',
      'virtual_key',
      'team',
      'customer',
      'key_model',
    ])
  })

  test('without a virtual key has what holds everywhere', () => {
    const rows = governancePlan(world, { ...call, virtualKey: null }, now).plan.rows
    expect(new Set(rows.map(({ subject }) => subject?.level))).toEqual(new Set(['provider', 'model']))
  })
})

describe('an override', () => {
  const hourMs = 3_600_000
  const raised = (cycles: number | null) => {
    const [budget] = virtualKey.budgets
    if (budget === undefined) throw new Error('no budget')
    const override = { amount: { whole: 500_000, pico: 0 }, startsAt: now, cycles }
    const key = { ...virtualKey, budgets: [{ ...budget, override }] }
    return (at: number) => {
      const { plan, validUntil } = governancePlan(world, { ...call, virtualKey: key }, at)
      return [plan.rows.find(({ counter }) => counter === 'budget:vk')?.ceiling.whole, validUntil]
    }
  }

  test('raises a budget for its windows, and no longer', () => {
    const at = raised(2)
    expect(at(now)).toEqual([1_500_000, now + hourMs])
    expect(at(now + 2 * hourMs - 1)).toEqual([1_500_000, now + 2 * hourMs])
    expect(at(now + 2 * hourMs)).toEqual([1_000_000, Number.POSITIVE_INFINITY])
  })

  test('may hold for ever', () => {
    expect(raised(null)(now + 1000 * hourMs)).toEqual([1_500_000, Number.POSITIVE_INFINITY])
  })
})

describe('kept plans', () => {
  test('stay as long as nothing that they rest on changes', () => {
    const cache = openGovernancePlanCache(10)
    const first = cache.find(world, call, now)
    expect(cache.find(world, call, now + 1)).toBe(first)
    const other = advanceGovernance(world, {
      ...noGovernanceChanges,
      modelConfigs: entries(modelConfig('another', 'o3', 'openai')),
    })
    expect(cache.find(other, call, now)).toBe(first)
    const changed = advanceGovernance(world, {
      ...noGovernanceChanges,
      modelConfigs: entries(modelConfig('more', 'GPT-4O', null)),
    })
    const second = cache.find(changed, call, now)
    expect(second.plan.rows).toHaveLength(first.plan.rows.length + 3)
    expect(second.average).toBe(first.average)
  })

  test('are no more than were asked for', () => {
    const cache = openGovernancePlanCache(2)
    for (const model of ['a', 'b', 'c', 'a', 'x'.repeat(600)]) cache.find(world, { ...call, model }, now)
    expect(cache.size).toBe(2)
  })
})
