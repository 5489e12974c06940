import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mostDatabases } from '../../../../test/setup/databases.ts'
import { ulidSource } from '../../../domain/ids.ts'
import { openMemoryCounters } from '../../../limits/memory.ts'
import type { Database } from '../../../store/database.ts'
import { openTenancy, type Tenancy } from '../../tenancy.ts'
import type { GovernanceFile, VirtualKeyDefinition } from './definition.ts'
import type { FileNote } from './file-write.ts'

const operator = { actor: 'test' }
const value = 'sk-bf-of-the-file'

const nothing: GovernanceFile = {
  isSourceOfTruth: false,
  client: null,
  auth: null,
  providers: null,
  mcpClients: null,
  customers: null,
  teams: null,
  virtualKeys: null,
  modelConfigs: null,
  providerLimits: null,
  budgets: null,
  rateLimits: null,
  routingRules: null,
  pricingOverrides: null,
}

const acme = { id: 'c', name: 'Acme', calendarAligned: false }
const team = {
  id: 't',
  name: 'T',
  calendarAligned: false,
  customerId: 'c',
  profile: {},
  config: {},
  claims: {},
}
const openai = { name: 'openai', settings: {}, keys: [{ name: 'main', value: 'sk-one', enabled: true }] }
const key: VirtualKeyDefinition = {
  id: 'k',
  name: 'app',
  calendarAligned: false,
  description: '',
  value,
  isActive: true,
  teamId: null,
  customerId: null,
  expiresAt: null,
  providerConfigs: [
    { provider: 'openai', weight: 1, allowedModels: ['*'], blacklistedModels: [], keyNames: ['main'] },
  ],
  mcpConfigs: [],
}
const budgetOf = (owner: { kind: 'customer' | 'team'; id: string }, maxLimit = '10') => ({
  id: 'b',
  owner,
  maxLimit,
  resetDuration: '1d',
  calendarAligned: false,
  strict: false,
})
const whole: GovernanceFile = {
  ...nothing,
  client: { vk_rotation_cooldown: '1h' },
  providers: [openai],
  customers: [acme],
  teams: [team],
  virtualKeys: [key],
  budgets: [budgetOf({ kind: 'customer', id: 'c' })],
}

describe.each(mostDatabases())("a file's governance on $name", ({ open: openDatabase }) => {
  let database: Database
  let tenancy: Tenancy
  beforeEach(async () => {
    database = await openDatabase()
    const opened = await openTenancy({
      database,
      clock: Date.now,
      newUlid: ulidSource(),
      random: randomBytes,
      masterKey: 'master',
      counters: openMemoryCounters(),
    })
    if ('failure' in opened) throw new Error(opened.failure)
    tenancy = opened
  })
  afterEach(() => database.close())

  const world = () => tenancy.snapshot().governance
  const apply = async (file: Partial<GovernanceFile>): Promise<readonly FileNote[] | string> => {
    const applied = await tenancy.applyGovernanceFile({ ...nothing, ...file })
    if (!('failure' in applied)) return applied
    return 'message' in applied ? applied.message : applied.failure
  }

  test('is written once: the same file again changes nothing', async () => {
    expect(await apply(whole)).toEqual([])
    const { revision } = tenancy.snapshot()
    expect(await apply(whole)).toEqual([])
    expect(tenancy.snapshot().revision).toBe(revision)
    expect(world().customer('c')?.budgets).toMatchObject([
      { id: 'b', maxLimit: { whole: 10_000_000, pico: 0 } },
    ])
    const keyId = world().provider('openai')?.keys[0]?.keyId
    expect(world().virtualKeyByName('app')).toMatchObject({
      id: 'k',
      providerConfigs: [{ provider: 'openai', keyIds: [keyId], allowedModels: ['*'] }],
    })
  })

  test('the order of lists that have none is no change', async () => {
    const [config] = key.providerConfigs
    const withModels = (...allowedModels: string[]): VirtualKeyDefinition => ({
      ...key,
      providerConfigs: config ? [{ ...config, allowedModels }] : [],
    })
    await apply({ ...whole, virtualKeys: [withModels('a', 'b')] })
    const { revision } = tenancy.snapshot()
    await apply({ ...whole, virtualKeys: [withModels('b', 'a')] })
    expect(tenancy.snapshot().revision).toBe(revision)
    await apply({ ...whole, virtualKeys: [withModels('b')] })
    expect(tenancy.snapshot().revision).toBeGreaterThan(revision)
  })

  test('all of it or nothing', async () => {
    expect(await apply({ ...whole, teams: [{ ...team, customerId: 'nobody' }] })).toBe(
      'governance.teams.t.customer_id: names the customer "nobody", which there is not',
    )
    expect([world().customer('c'), world().provider('openai')]).toEqual([null, null])
  })

  test.each([
    [
      'a key of a provider',
      {
        virtualKeys: [
          { ...key, providerConfigs: key.providerConfigs.map((it) => ({ ...it, keyNames: ['other'] })) },
        ],
      },
      'governance.virtual_keys.k.provider_configs.0.key_ids: names the key "other", which openai has not',
    ],
    [
      'a team',
      { virtualKeys: [{ ...key, teamId: 'x' }] },
      'governance.virtual_keys.k.team_id: names the team "x", which there is not',
    ],
    [
      'an owner',
      { budgets: [budgetOf({ kind: 'team', id: 'x' })] },
      'governance.budgets.b.team_id: names the team "x", which there is not',
    ],
    [
      'a scope',
      {
        modelConfigs: [
          {
            id: 'm',
            modelName: '*',
            provider: null,
            scope: 'virtual_key' as const,
            scopeId: 'x',
            calendarAligned: false,
          },
        ],
      },
      'governance.model_configs.m.scope_id: names the virtual key "x", which there is not',
    ],
    [
      'a provider',
      { providerLimits: [{ provider: 'x', calendarAligned: false }] },
      'governance.providers.x.provider: names the provider "x", which there is not',
    ],
    [
      'a provider that nobody knows',
      { providers: [openai, { name: 'house', settings: {}, keys: [] }] },
      'providers.house: custom_provider_config: is required: no provider is known by this name',
    ],
  ])('a reference to what there is not names section, id and member: %s', async (_, sections, fault) => {
    expect(await apply({ ...whole, ...sections })).toBe(fault)
  })

  test('what cannot hold is left out and said, and the rest is written', async () => {
    const rule = { name: 'r', targets: [{ provider: 'openai', weight: 1 }], scope: 'global' }
    const notes = await apply({
      ...whole,
      virtualKeys: [{ ...key, mcpConfigs: [{ clientName: 'github', tools: ['*'] }] }],
      routingRules: [
        { id: 'cel', rule: { ...rule, cel_expression: "request.model == 'x'" } },
        { id: 'fallback', rule: { ...rule, name: 's', fallbacks: ['anthropic'] } },
        { id: 'good', rule: { ...rule, name: 'g', cel_expression: 'model == "x"' } },
      ],
    })
    expect(notes).toMatchObject([
      { path: 'governance.virtual_keys.k.mcp_configs.0.mcp_client_name' },
      { path: 'governance.routing_rules.cel', message: expect.stringContaining('invalid CEL expression') },
      {
        path: 'governance.routing_rules.fallback',
        message: expect.stringContaining('known provider prefix'),
      },
    ])
    expect(world().virtualKey('k')?.mcpConfigs).toEqual([])
    expect(world().routingRules('global', null)).toMatchObject([{ id: 'good' }])
  })

  test('a key without a value is given one, and keeps it; another value is a rotation', async () => {
    await apply({ ...whole, virtualKeys: [{ ...key, value: '' }] })
    const made = world().virtualKey('k')
    expect(tenancy.revealVirtualKey(made as never)).toMatch(/^sk-bf-.{36}$/)
    await apply({ ...whole, virtualKeys: [{ ...key, value: '', description: 'other' }] })
    expect(world().virtualKey('k')).toMatchObject({ description: 'other', digest: made?.digest })

    await apply(whole)
    const rotated = world().virtualKey('k')
    expect(rotated?.digest).toEqual(tenancy.digestOf(value))
    expect(rotated?.previous?.digest).toEqual(made?.digest)
  })

  test('a key that is stored under the same name is the same key', async () => {
    await apply({ providers: [openai] })
    const made = await tenancy.createVirtualKey(operator, { name: 'app', limits: {} })
    if ('failure' in made) throw new Error('no key')
    await apply(whole)
    expect(world().virtualKey('k')).toBeNull()
    expect(world().findVirtualKey(tenancy.digestOf(value), Date.now())?.id).toBe(made.id)
  })

  test('what the API changed stays until its entry is another', async () => {
    await apply(whole)
    await tenancy.updateCustomer(operator, 'c', { name: 'Renamed', limits: {} })
    await tenancy.setClientConfig(operator, { vk_rotation_cooldown: '2h' })
    await tenancy.updateProviderKey(operator, 'openai', world().provider('openai')?.keys[0]?.keyId ?? '', {
      weight: 3,
    })
    await apply(whole)
    expect(world().customer('c')?.name).toBe('Renamed')
    expect(world().client.vk_rotation_cooldown).toBe('2h')
    expect(world().provider('openai')?.keys[0]?.weight).toBe(3)

    await apply({ ...whole, client: {}, customers: [{ ...acme, name: 'Acme & Co' }] })
    expect(world().customer('c')?.name).toBe('Acme & Co')
    expect(world().client).toEqual({})
  })

  test('an address in the file may be private; one that the API puts in its place may not', async () => {
    const settings = { network_config: { base_url: 'http://127.0.0.1:1' } }
    await apply({ providers: [{ ...openai, settings }] })
    expect(world().provider('openai')?.secrets.isBaseUrlTrusted).toBe(true)
    const network_config = { base_url: 'http://127.0.0.1:2' }
    await tenancy.updateProvider(operator, 'openai', { network_config })
    expect(world().provider('openai')?.secrets.isBaseUrlTrusted).toBe(false)
  })

  test('a budget goes to another owner with what it has counted', async () => {
    await apply(whole)
    const before = world().customer('c')?.budgets[0]
    await apply({ ...whole, budgets: [budgetOf({ kind: 'team', id: 't' }, '20')] })
    expect(world().customer('c')?.budgets).toEqual([])
    expect(world().team('t')?.budgets).toMatchObject([
      {
        id: 'b',
        generation: before?.generation,
        startsAt: before?.startsAt,
        maxLimit: { whole: 20_000_000 },
      },
    ])
  })

  test('a budget for a duration that its owner has already is refused, and says which', async () => {
    await apply({ customers: [acme] })
    const made = await tenancy.updateCustomer(operator, 'c', {
      limits: { budgets: [{ maxLimit: '5', resetDuration: 'daily' }] },
    })
    if ('failure' in made) throw new Error('no budget')
    expect(await apply(whole)).toBe(
      `governance.budgets.b.reset_duration: its owner has the budget ${made.budgets[0]?.id} for the same duration, 1d: give it that id, or another duration`,
    )
  })

  test('the source of truth undoes what was changed, and deletes what its sections do not name', async () => {
    await apply(whole)
    await tenancy.updateCustomer(operator, 'c', { name: 'Renamed', limits: {} })
    await tenancy.createTeam(operator, { name: 'Of the API', limits: {} })
    await apply({ ...whole, isSourceOfTruth: true, virtualKeys: null })
    expect(world().customer('c')?.name).toBe('Acme')
    expect(
      await tenancy.listTeams({ customerId: null, search: null, ids: null }, { limit: 9, offset: 0 }),
    ).toMatchObject({
      total: 1,
    })
    expect(world().virtualKey('k')).not.toBeNull()

    await apply({
      ...nothing,
      isSourceOfTruth: true,
      providers: [],
      customers: [],
      virtualKeys: [],
      budgets: [],
    })
    expect([world().provider('openai'), world().customer('c'), world().virtualKey('k')]).toEqual([
      null,
      null,
      null,
    ])
    expect(world().team('t')).toMatchObject({ customerId: null })
  })
})
