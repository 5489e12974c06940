import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  indexOverrides,
  type OverrideScope,
  overrideFor,
  overrideScopes,
  type PricedCall,
  type PriceOverride,
} from './overrides.ts'

const plain: PriceOverride = {
  id: 'o',
  scopeKind: 'global',
  virtualKeyId: null,
  provider: null,
  providerKeyId: null,
  matchType: 'exact',
  pattern: 'gpt-4o',
  requestTypes: ['chat_completion'],
  patch: {},
  createdAt: 0,
}

const call: PricedCall = {
  virtualKeyId: 'vk',
  provider: 'openai',
  providerKeyId: 'pk',
  model: 'gpt-4o',
  requestType: 'chat_completion',
}

const wildcard = (id: string, pattern: string, createdAt = 0): PriceOverride => ({
  ...plain,
  id,
  pattern,
  createdAt,
  matchType: 'wildcard',
})

function winner(overrides: readonly PriceOverride[], of: Partial<PricedCall> = {}): string | null {
  return overrideFor(indexOverrides(overrides), { ...call, ...of })?.id ?? null
}

/** One override a scope, each for the ids of `call`. */
const ofEachScope = overrideScopes.map((scopeKind): PriceOverride => {
  const needs = (part: string): boolean => `_${scopeKind}_`.includes(part)
  return {
    ...plain,
    id: scopeKind,
    scopeKind,
    virtualKeyId: needs('_virtual_key_') ? 'vk' : null,
    providerKeyId: needs('_provider_key_') ? 'pk' : null,
    provider: /provider$|^virtual_key_provider_key$/.test(scopeKind) ? 'openai' : null,
  }
})

describe('the override that prices a call', () => {
  test('is the narrowest scope that has one', () => {
    const order: (OverrideScope | null)[] = []
    for (let left = [...ofEachScope].reverse(); ; ) {
      const id = winner(left)
      order.push(id as OverrideScope | null)
      if (id === null) break
      left = left.filter((override) => override.id !== id)
    }
    expect(order).toEqual([
      'virtual_key_provider_key',
      'virtual_key_provider',
      'virtual_key',
      'provider_key',
      'provider',
      'global',
      null,
    ])
  })

  test('is none of another key, provider or kind of request', () => {
    expect(winner(ofEachScope, { virtualKeyId: 'other' })).toBe('provider_key')
    expect(winner(ofEachScope, { virtualKeyId: null, providerKeyId: null })).toBe('provider')
    expect(winner(ofEachScope, { provider: 'azure', providerKeyId: 'other' })).toBe('virtual_key')
    expect(winner(ofEachScope, { requestType: 'embedding' })).toBeNull()
  })

  test('is a wildcard of a narrow scope before an exact name of a wide one', () => {
    const wide = { ...plain, id: 'wide' }
    const narrow = {
      ...wildcard('narrow', '*'),
      scopeKind: 'virtual_key' as const,
      virtualKeyId: 'vk',
    }
    expect(winner([wide, narrow])).toBe('narrow')
  })

  test('is the exact name, then the longest prefix, then the oldest', () => {
    const all = [
      wildcard('short', 'gpt-*'),
      wildcard('any', '*'),
      wildcard('younger', 'gpt-4*', 2),
      wildcard('older', 'gpt-4*', 1),
    ]
    expect(winner([...all, plain])).toBe('o')
    expect(winner(all)).toBe('older')
    expect(winner(all, { model: 'gpt-5' })).toBe('short')
    expect(winner(all, { model: 'gpt' })).toBe('any')
    expect(winner([wildcard('itself', 'gpt-4o*')])).toBe('itself')
    expect(winner([wildcard('longer', 'gpt-4o-mini*')])).toBeNull()
  })

  test('is found in any case', () => {
    expect(winner([{ ...plain, pattern: 'GPT-4o' }], { model: 'gpt-4O' })).toBe('o')
    expect(winner([wildcard('w', 'GPT-*')])).toBe('w')
  })

  test('is not that of an id which only reads the same when joined', () => {
    const scope = { scopeKind: 'virtual_key_provider' as const, virtualKeyId: 'a/b', provider: 'c' }
    expect(winner([{ ...plain, ...scope }], { virtualKeyId: 'a', provider: 'b/c' })).toBeNull()
    expect(winner([{ ...plain, ...scope }], { virtualKeyId: 'a/b', provider: 'c' })).toBe('o')
  })
})

test('any overrides and any call: the index finds what looking at all of them finds', () => {
  const few = (...ids: string[]): fc.Arbitrary<string> => fc.constantFrom(...ids)
  const override = fc
    .record({
      scopeKind: fc.constantFrom(...overrideScopes),
      virtualKeyId: few('vk', 'other'),
      provider: few('openai', 'azure'),
      providerKeyId: few('pk', 'other'),
      matchType: fc.constantFrom('exact' as const, 'wildcard' as const),
      name: few('', 'g', 'gpt', 'gpt-4', 'GPT-4o', 'claude'),
      requestTypes: fc.subarray(['chat_completion', 'embedding'] as const, { minLength: 1 }),
      createdAt: fc.nat(3),
    })
    .map(({ name, ...rest }) => ({ ...rest, pattern: rest.matchType === 'exact' ? name : `${name}*` }))
  const lists = fc
    .array(override, { maxLength: 30 })
    .map((list) =>
      list.map((entry, at): PriceOverride => ({ ...entry, ...idsNeeded(entry), id: `${at}`, patch: {} })),
    )
  const calls = fc.record({
    virtualKeyId: fc.constantFrom('vk', null),
    provider: few('openai', 'azure'),
    providerKeyId: fc.constantFrom('pk', null),
    model: few('gpt-4o', 'gpt-4', 'gemini', 'Claude'),
    requestType: fc.constantFrom('chat_completion' as const, 'embedding' as const),
  })
  fc.assert(
    fc.property(lists, calls, (list, of) => {
      expect(overrideFor(indexOverrides(list), of)?.id).toBe(scan(list, of)?.id)
    }),
    { numRuns: 1000 },
  )
})

interface AllIds {
  readonly scopeKind: OverrideScope
  readonly virtualKeyId: string
  readonly provider: string
  readonly providerKeyId: string
}

function idsNeeded({ scopeKind, virtualKeyId, provider, providerKeyId }: AllIds) {
  const virtual = scopeKind.startsWith('virtual_key') ? virtualKeyId : null
  const byKey = scopeKind.endsWith('provider_key') ? providerKeyId : null
  const byProvider = scopeKind.includes('provider') && scopeKind !== 'provider_key' ? provider : null
  return { virtualKeyId: virtual, provider: byProvider, providerKeyId: byKey }
}

/** Sorts all that match, best first. */
function scan(list: readonly PriceOverride[], of: PricedCall): PriceOverride | undefined {
  const model = of.model.toLowerCase()
  const matching = list.filter((override) => {
    const pattern = override.pattern.toLowerCase()
    return (
      override.requestTypes.includes(of.requestType) &&
      (override.virtualKeyId ?? of.virtualKeyId) === of.virtualKeyId &&
      (override.provider ?? of.provider) === of.provider &&
      (override.providerKeyId ?? of.providerKeyId) === of.providerKeyId &&
      (override.matchType === 'exact' ? model === pattern : model.startsWith(pattern.replace('*', '')))
    )
  })
  return matching.toSorted(
    (a, b) =>
      overrideScopes.indexOf(a.scopeKind) - overrideScopes.indexOf(b.scopeKind) ||
      Number(a.matchType === 'wildcard') - Number(b.matchType === 'wildcard') ||
      b.pattern.length - a.pattern.length ||
      a.createdAt - b.createdAt ||
      (a.id < b.id ? -1 : 1),
  )[0]
}
