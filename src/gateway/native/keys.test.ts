import { describe, expect, test } from 'vitest'
import type { ProviderConfigFact, ProviderFact, ProviderKeyFact } from '../../tenancy/governance/facts.ts'
import { Secret } from '../../tenancy/sealing/secret.ts'
import { pickByWeight, usableCredentials } from './keys.ts'
import { isProblem } from './problem.ts'

const stored = { configHash: null, createdAt: 0, updatedAt: 0 }

function key(name: string, more: Partial<ProviderKeyFact> = {}): ProviderKeyFact {
  return {
    id: 1,
    keyId: `id-of-${name}`,
    provider: 'openai',
    name,
    value: new Secret(name),
    envVar: '',
    models: ['*'],
    blacklistedModels: [],
    weight: 1,
    aliases: {},
    enabled: true,
    useForBatchApi: false,
    description: '',
    status: '',
    cloud: null,
    cloudEnvVars: {},
    ...stored,
    ...more,
  }
}

function provider(keys: readonly ProviderKeyFact[], name = 'openai'): ProviderFact {
  return {
    id: 1,
    name,
    settings: {},
    secrets: { extraHeaders: {}, proxyPassword: null, isBaseUrlTrusted: false, envVars: {} },
    keys,
    ...stored,
  }
}

const noPins = { keyId: null, name: null }
const config: ProviderConfigFact = {
  id: 1,
  virtualKeyId: 'vk',
  provider: 'openai',
  weight: 1,
  allowedModels: ['*'],
  blacklistedModels: [],
  allowAllKeys: true,
  keyIds: [],
  budgets: [],
  rateLimit: null,
}

/** The names of the keys that may be used, or what is said where there are none. */
function usable(
  keys: readonly ProviderKeyFact[],
  model: string,
  {
    pins = noPins,
    ...permission
  }: { pins?: typeof noPins | { keyId: string } } & Partial<ProviderConfigFact> = {},
) {
  const found = usableCredentials(provider(keys), model, { ...config, ...permission }, [
    { ...noPins, ...pins },
  ])
  return isProblem(found) ? found.message : found.map(({ key: each, model: name }) => [each?.name, name])
}

describe('keys that may be used', () => {
  const keys = [
    key('all'),
    key('mini', { models: ['GPT-4o-mini'] }),
    key('but', { blacklistedModels: ['openai/gpt-4o'] }),
    key('off', { enabled: false }),
    key('moved', { value: 'sealed' }),
    key('empty', { models: [] }),
    key('fast', { models: ['gpt-4o-mini'], aliases: { fast: 'gpt-4o-mini' } }),
  ]

  test('serve the model, under the name that was asked for or the one behind it', () => {
    expect(usable(keys, 'gpt-4o-mini')).toEqual([
      ['all', 'gpt-4o-mini'],
      ['mini', 'gpt-4o-mini'],
      ['but', 'gpt-4o-mini'],
      ['fast', 'gpt-4o-mini'],
    ])
    expect(usable(keys, 'gpt-4o')).toEqual([['all', 'gpt-4o']])
    expect(usable(keys, 'Fast')).toEqual([
      ['all', 'Fast'],
      ['but', 'Fast'],
      ['fast', 'gpt-4o-mini'],
    ])
  })

  test('are those of the virtual key', () => {
    expect(usable(keys, 'gpt-4o-mini', { allowAllKeys: false, keyIds: ['id-of-mini'] })).toEqual([
      ['mini', 'gpt-4o-mini'],
    ])
    expect(usable(keys, 'gpt-4o', { allowAllKeys: false, keyIds: ['id-of-mini'] })).toBe(
      'no keys found that support model: gpt-4o',
    )
    expect(usable(keys, 'm', { allowAllKeys: false })).toBe('no keys found for provider: openai and model: m')
  })

  test('are the pinned one alone, and never another in its place', () => {
    expect(usable(keys, 'gpt-4o', { pins: { keyId: 'id-of-all' } })).toEqual([['all', 'gpt-4o']])
    expect(usable(keys, 'gpt-4o', { pins: { keyId: 'id-of-mini' } })).toBe(
      'no keys found that support model: gpt-4o',
    )
    expect(usable(keys, 'gpt-4o', { pins: { keyId: 'id-of-off' } })).toBe(
      'no keys found for provider: openai and model: gpt-4o',
    )
    expect(usable(keys, 'gpt-4o', { pins: { keyId: 'nobody' } })).toBe(
      'no key found with id "nobody" for provider: openai',
    )
  })

  test('are none where a provider needs none', () => {
    const none = [{ key: null, value: null, model: 'm' }]
    expect(usableCredentials(provider([], 'ollama'), 'm', null, [])).toEqual(none)
    const keyless = {
      ...provider([], 'mine'),
      settings: { custom_provider_config: { base_provider_type: 'openai', is_key_less: true } },
    }
    expect(usableCredentials(keyless, 'm', null, [])).toEqual(none)
    expect(isProblem(usableCredentials(provider([]), 'm', null, []))).toBe(true)
  })
})

describe('a pick by weight', () => {
  const weightOf = ({ weight }: { weight: number }) => weight

  test('46. Of weights 3 and 1, the first is picked three times in four.', () => {
    const items = [{ weight: 3 }, { weight: 1 }]
    let picks = 0
    for (let round = 0; round < 10_000; round += 1) {
      if (pickByWeight(items, weightOf, Math.random) === items[0]) picks += 1
    }
    expect(picks).toBeGreaterThan(7300)
    expect(picks).toBeLessThan(7700)
  })

  test('takes what has no weight only where there is nothing else', () => {
    const [none, some] = [{ weight: 0 }, { weight: 0.1 }]
    for (const at of [0, 0.5, 1 - Number.EPSILON]) {
      expect(pickByWeight([none, some], weightOf, () => at)).toBe(some)
      expect(pickByWeight([some, none], weightOf, () => at)).toBe(some)
    }
    expect(pickByWeight([none, { ...none }], weightOf, () => 0)).toBe(none)
    expect(pickByWeight([], weightOf, Math.random)).toBeNull()
  })
})
