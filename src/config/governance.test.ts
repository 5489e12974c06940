import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { wordFault, wordWarning } from './faults.ts'
import { type Loaded, loadSettings, type Settings } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-governance-'))
afterAll(() => rmSync(folder, { recursive: true }))

function load(file: object, environment: Record<string, string> = {}, name = 'tollgate.json'): Loaded {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(file))
  return loadSettings({ config: path }, environment)
}

function faultsOf(governance: object, more: object = {}): string[] {
  const loaded = load({ governance, ...more })
  return 'faults' in loaded ? loaded.faults.map(wordFault) : []
}

function settingsOf(loaded: Loaded): Settings {
  if ('faults' in loaded) throw new Error(loaded.faults.map(wordFault).join('\n'))
  return loaded.settings
}

function warningsOf(loaded: Loaded): string[] {
  return settingsOf(loaded).warnings.map(wordWarning)
}

const fileOf = (governance: object, more: object = {}) =>
  settingsOf(load({ governance, ...more })).governance.file

describe('limits and their owners', () => {
  const budget = { id: 'b', max_limit: 1, reset_duration: '1d' }
  const key = { id: 'k', name: 'k', provider_configs: [{ id: 3, provider: 'openai' }] }

  test.each([
    ['its own member', { budgets: [{ ...budget, team_id: 't' }] }, { kind: 'team', id: 't' }],
    [
      "its owner's member",
      { budgets: [budget], teams: [{ id: 't', name: 'T', budget_id: 'b' }] },
      { kind: 'team', id: 't' },
    ],
    [
      'both',
      { budgets: [{ ...budget, team_id: 't' }], teams: [{ id: 't', name: 'T', budget_id: 'b' }] },
      { kind: 'team', id: 't' },
    ],
    [
      'the number of a provider config',
      { budgets: [{ ...budget, provider_config_id: 3 }], virtual_keys: [key] },
      { kind: 'provider_config', id: 'k', provider: 'openai' },
    ],
    [
      'a provider',
      { budgets: [budget], providers: [{ provider: 'openai', budget_id: 'b' }] },
      { kind: 'provider', id: 'openai' },
    ],
  ])('find each other by %s', (_, governance, owner) => {
    expect(fileOf(governance).budgets).toMatchObject([{ id: 'b', owner }])
  })

  test('a budget follows the calendar where it says so, or else its owner does', () => {
    const aligned = (own: object, ofTeam: object) =>
      fileOf({
        budgets: [{ ...budget, ...own, team_id: 't' }],
        teams: [{ id: 't', name: 'T', ...ofTeam }],
      }).budgets?.[0]?.calendarAligned
    expect(aligned({}, {})).toBe(false)
    expect(aligned({}, { calendar_aligned: true })).toBe(true)
    expect(aligned({ calendar_aligned: false }, { calendar_aligned: true })).toBe(false)
  })

  test.each([
    [
      'two owners of a budget',
      { budgets: [{ ...budget, team_id: 't', customer_id: 'c' }] },
      'governance.budgets.b: must have one owner, and has 2: the team t and the customer c',
    ],
    [
      'an owner who says otherwise',
      {
        budgets: [{ ...budget, team_id: 't' }],
        customers: [{ id: 'c', name: 'C', budget_id: 'b' }],
      },
      'governance.budgets.b: must have one owner, and has 2: the team t and the customer c',
    ],
    [
      'a rate limit of two',
      {
        rate_limits: [{ id: 'r', token_max_limit: 1, token_reset_duration: '1h' }],
        teams: [
          { id: 't', name: 'T', rate_limit_id: 'r' },
          { id: 'u', name: 'U', rate_limit_id: 'r' },
        ],
      },
      'governance.rate_limits.r: must have one owner, and has 2: the team t and the team u',
    ],
    [
      'a budget that there is not',
      { customers: [{ id: 'c', name: 'C', budget_id: 'x' }] },
      'governance.customers.c.budget_id: must be the id of one in governance.budgets; found "x"',
    ],
    [
      'a provider config that there is not',
      { budgets: [{ ...budget, provider_config_id: 4 }], virtual_keys: [key] },
      'governance.budgets.b.provider_config_id: must be the id of a provider config in governance.virtual_keys; found 4',
    ],
    [
      'half a rate limit',
      {
        rate_limits: [{ id: 'r', token_max_limit: 1 }],
        teams: [{ id: 't', name: 'T', rate_limit_id: 'r' }],
      },
      'governance.rate_limits.r: rate limit token reset duration is required',
    ],
    [
      'a budget of nothing',
      { budgets: [{ ...budget, max_limit: 0, team_id: 't' }] },
      'governance.budgets.b: budget max limit cannot be negative or zero: 0.00',
    ],
  ])('a fault names section, id and field: %s', (_, governance, fault) => {
    expect(faultsOf(governance)).toContain(fault)
  })

  test('a limit of nobody is a warning, and is left out', () => {
    const loaded = load({ governance: { budgets: [budget] } })
    expect(warningsOf(loaded)).toEqual([
      'warning: governance.budgets.b: belongs to nobody, and limits nothing',
    ])
    expect(settingsOf(loaded).governance.file.budgets).toEqual([])
  })
})

describe('virtual keys', () => {
  test('a value has our beginning, unless it need not', () => {
    const keys = { virtual_keys: [{ id: 'k', name: 'k', value: 'custom-value' }] }
    expect(faultsOf(keys)).toEqual([
      'governance.virtual_keys.k.value: must begin with sk-bf-, or governance.allow_custom_vk_values be true',
    ])
    expect(faultsOf({ ...keys, allow_custom_vk_values: true })).toEqual([])
  })

  test('ids, names and values are unique, and values are not shown', () => {
    const value = 'sk-bf-of-two'
    const faults = faultsOf({
      virtual_keys: [
        { id: 'k', name: 'n', value },
        { id: 'k', name: 'n', value },
      ],
    })
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'governance.virtual_keys.1.id',
      'governance.virtual_keys.k.name',
      'governance.virtual_keys.k.value',
    ])
    expect(faults.join()).not.toContain(value)
  })

  test('an empty list allows nothing, and everything before version 2', () => {
    const governance = {
      virtual_keys: [
        { id: 'a', name: 'a', provider_configs: [{ provider: 'openai' }] },
        { id: 'b', name: 'b' },
      ],
    }
    const providers = { openai: { keys: [{ name: 'm', value: 'x', models: [] }] } }
    const configs = (more: object) =>
      fileOf(governance, { providers, ...more }).virtualKeys?.map(({ providerConfigs }) => providerConfigs)
    const models = (more: object) =>
      fileOf(governance, { providers, ...more }).providers?.[0]?.keys[0]?.models
    expect(configs({ version: 2 })).toMatchObject([[{ allowedModels: [], keyNames: [] }], []])
    const all = [{ provider: 'openai', allowedModels: ['*'], keyNames: ['*'] }]
    for (const older of [{ version: 1 }, { legacy_allow_all: true }]) {
      expect(configs(older)).toMatchObject([all, all])
      expect(models(older)).toEqual(['*'])
    }
    expect(models({ version: 2, legacy_allow_all: true })).toEqual([])
  })

  test('a reference to what only the database may have is a warning', () => {
    expect(
      warningsOf(load({ governance: { virtual_keys: [{ id: 'k', name: 'k', team_id: 'other' }] } })),
    ).toEqual([
      'warning: governance.virtual_keys.k.team_id: names the team "other", which this file has not: the database must have it',
    ])
  })
})

describe('what stands there that is not known', () => {
  test('is left out with a warning, and a hint where a name is almost right', () => {
    const file = {
      client: { enforce_auth_on_inferense: true, zebra: 1 },
      governance: { teams: [{ id: 't', name: 'T', customer: null, costumer_id: 'c' }] },
      providers: { openai: { network_config: { bse_url: 'http://x' }, keys: [] } },
    }
    const unknown = 'is not a setting that we know, and is ignored'
    expect(warningsOf(load(file))).toEqual([
      `warning: client.enforce_auth_on_inferense: ${unknown}; did you mean enforce_auth_on_inference?`,
      `warning: client.zebra: ${unknown}`,
      `warning: governance.teams.0.customer: ${unknown}`,
      `warning: governance.teams.0.costumer_id: ${unknown}; did you mean customer_id?`,
      `warning: providers.openai.network_config.bse_url: ${unknown}; did you mean base_url?`,
    ])
  })

  test('a member that is null is as good as absent', () => {
    const governance = { teams: [{ id: 't', name: 'T', customer_id: null, budget_id: null, profile: null }] }
    expect(fileOf(governance).teams).toMatchObject([{ customerId: null, profile: {} }])
  })

  test('a wrong type is a fault all the same', () => {
    expect(faultsOf({ teams: [{ id: 't', name: 7 }] })).toEqual([
      'governance.teams.0.name: must be a text of 1 to 255 characters; found 7',
    ])
  })
})

describe('variables', () => {
  const providers = {
    openai: {
      keys: [
        { name: 'm', value: 'env.KEY' },
        { name: 'az', value: 'x', azure_key_config: { client_secret: 'env.CLIENT' } },
      ],
      network_config: { base_url: 'env.URL' },
    },
  }

  test("secrets of a provider's keys stay as they are written; where one is not set, it is a warning", () => {
    const loaded = load({ providers }, { URL: 'http://127.0.0.1:1' })
    expect(warningsOf(loaded)).toEqual([
      'warning: providers.openai.keys.0.value: KEY is not set in the environment: this key is disabled',
      'warning: providers.openai.keys.1.azure_key_config.client_secret: CLIENT is not set in the environment: this key is disabled',
    ])
    const [openai] = settingsOf(loaded).governance.file.providers ?? []
    expect(openai).toMatchObject({
      settings: { network_config: { base_url: 'http://127.0.0.1:1' } },
      keys: [{ value: 'env.KEY' }, { azure_key_config: { client_secret: 'env.CLIENT' } }],
    })
  })

  test('every other one must be set', () => {
    const loaded = load({
      providers: { openai: { network_config: { extra_headers: { 'x-a': 'env.A' } } } },
      governance: {
        auth_config: { admin_username: 'ops', admin_password: 'env.PASS' },
        virtual_keys: [{ id: 'k', name: 'k', value: 'env.VK' }],
      },
    })
    const faults = 'faults' in loaded ? loaded.faults.map(({ path }) => path) : []
    expect(faults.sort()).toEqual([
      'governance.auth_config.admin_password',
      'governance.virtual_keys.0.value',
      'providers.openai.network_config.extra_headers.x-a',
    ])
  })
})

test("calls need a key unless another gateway's file leaves it open", () => {
  const enforced = (file: object, name?: string) =>
    settingsOf(load(file, {}, name)).governance.enforceAuthByDefault
  const providers = { openai: { keys: [] } }
  expect(enforced({ providers })).toBe(true)
  expect(enforced({ providers }, 'config.json')).toBe(false)
  expect(enforced({ providers, server: {} }, 'config.json')).toBe(true)
  expect(enforced({ frontier: {} }, 'config.json')).toBe(true)
})

test('logins are asked for wherever it is written how', () => {
  const auth = { admin_username: 'ops', admin_password: 'p' }
  expect(fileOf({ auth_config: auth }).auth).toMatchObject({ is_enabled: true })
  expect(fileOf({ auth_config: { ...auth, is_enabled: false } }).auth).toMatchObject({ is_enabled: false })
  expect(fileOf({}).auth).toBeNull()
})

test.each([
  ['providers', { providers: { openai: { keys: [] } } }],
  ['governance', { governance: { customers: [] } }],
])('with %s the demo world is not wanted', (_, file) => {
  expect(settingsOf(load(file)).isUnconfigured).toBe(false)
})
