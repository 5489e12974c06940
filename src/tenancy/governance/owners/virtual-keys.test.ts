import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases } from '../../../../test/setup/databases.ts'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import { ulidSource } from '../../../domain/ids.ts'
import { openMemoryCounters } from '../../../limits/memory.ts'
import type { Database } from '../../../store/database.ts'
import { openTenancy, type Tenancy } from '../../tenancy.ts'
import { rotationGraceMs } from './rotation-grace.ts'

const operator = { actor: 'tests' }
const limits = { budgets: [{ maxLimit: '5', resetDuration: '1d' }] }
const unlimited = {}

describe.each(databases())('virtual keys on $name', ({ open }) => {
  let database: Database
  let tenancy: Tenancy
  const gone: string[] = []

  const openInstance = async () =>
    unwrap(
      await openTenancy({
        database,
        clock: Date.now,
        newUlid: ulidSource(),
        random: randomBytes,
        masterKey: 'master',
        counters: openMemoryCounters(),
        onLimitsChanged: (changes) => gone.push(...changes.gone),
      }),
    )

  beforeAll(async () => {
    database = await open()
    tenancy = await openInstance()
  })
  afterAll(() => database.close())

  const revealed = (id: string, of = tenancy) => {
    const key = of.snapshot().governance.virtualKey(id)
    return key === null ? null : of.revealVirtualKey(key)
  }
  const find = (value: string, of = tenancy) =>
    of.snapshot().governance.findVirtualKey(of.digestOf(value), Date.now())?.id ?? null

  test('another instance finds a key by its value, and no more once it is deleted', async () => {
    const other = await openInstance()
    const { id } = unwrap(await tenancy.createVirtualKey(operator, { name: 'seen', limits: unlimited }))
    const value = revealed(id) ?? ''
    expect([find(value), find(value, other)]).toEqual([id, null])
    await other.refresh()
    expect([find(value, other), revealed(id, other)]).toEqual([id, value])
    unwrap(await other.deleteVirtualKey(operator, id))
    expect([find(value), find(value, other)]).toEqual([id, null])
    await tenancy.refresh()
    expect(find(value)).toBeNull()
  })

  test('no value stands in the database', async () => {
    const { id } = unwrap(await tenancy.createVirtualKey(operator, { name: 'sealed', limits: unlimited }))
    const row = await database.read
      .selectFrom('virtual_keys')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    const audit = await database.read.selectFrom('audit_log').selectAll().execute()
    const value = revealed(id) ?? expect.fail('it cannot be opened')
    expect(JSON.stringify([row, audit])).not.toContain(value.slice('sk-bf-'.length))
  })

  test('what was said of a key alone goes with it, on every instance; what is said of others stays', async () => {
    const make = async (name: string) =>
      unwrap(
        await tenancy.createVirtualKey(operator, {
          name,
          limits,
          providerConfigs: [{ provider: 'openai', limits }],
        }),
      )
    const [key, bystander] = [await make('alone'), await make('bystander')]
    await database.transaction(async (transaction) => {
      const revision = tenancy.snapshot().revision
      const written = { config_hash: null, created_at: 1, updated_at: 1, revision }
      for (const { id } of [key, bystander]) {
        await transaction
          .insertInto('model_configs')
          .values({
            id: `mc-${id}`,
            model_name: 'gpt-4o',
            provider: null,
            scope: 'virtual_key',
            scope_id: id,
            calendar_aligned: 0,
            ...written,
          })
          .execute()
        await transaction
          .insertInto('budgets')
          .values({
            id: `mcb-${id}`,
            owner_kind: 'model_config',
            owner_id: `mc-${id}`,
            max_whole: 1,
            max_pico: 0,
            reset_duration: '1d',
            calendar_aligned: 0,
            strict: 0,
            generation: 0,
            starts_at: 0,
            kept_since: 0,
            config_hash: null,
            created_at: 1,
            updated_at: 1,
          })
          .execute()
        await transaction
          .insertInto('routing_rules')
          .values({
            id: `rr-${id}`,
            name: 'rule',
            description: '',
            enabled: 1,
            chain_rule: 0,
            cel_expression: '',
            targets: '[]',
            fallbacks: '[]',
            scope: 'virtual_key',
            scope_id: id,
            priority: 0,
            query: null,
            ...written,
          })
          .execute()
        await transaction
          .insertInto('pricing_overrides')
          .values({
            id: `po-${id}`,
            name: `price of ${id}`,
            scope_kind: 'virtual_key',
            virtual_key_id: id,
            provider_id: null,
            provider_key_id: null,
            match_type: 'exact',
            pattern: 'gpt-4o',
            request_types: '["chat_completion"]',
            patch: '{}',
            ...written,
          })
          .execute()
      }
    })
    const other = await openInstance()
    const scopedTo = (id: string) => {
      const world = other.snapshot().governance
      return [
        world.virtualKey(id)?.id,
        world.modelConfig(`mc-${id}`)?.budgets[0]?.id,
        world.routingRule(`rr-${id}`)?.id,
        world.pricingOverride(`po-${id}`)?.id,
      ]
    }
    const allOf = (id: string) => [id, `mcb-${id}`, `rr-${id}`, `po-${id}`]
    expect([scopedTo(key.id), scopedTo(bystander.id)]).toEqual([allOf(key.id), allOf(bystander.id)])

    gone.length = 0
    unwrap(await tenancy.deleteVirtualKey(operator, key.id))
    await other.refresh()
    expect(scopedTo(key.id)).toEqual([undefined, undefined, undefined, undefined])
    expect(scopedTo(bystander.id)).toEqual(allOf(bystander.id))
    const counters = [key.budgets[0]?.id, key.providerConfigs[0]?.budgets[0]?.id, `mcb-${key.id}`]
    expect(gone).toEqual(expect.arrayContaining(counters.map((id) => `budget:${id}`)))
    const left = await database.read.selectFrom('budgets').select('id').execute()
    expect(left.map(({ id }) => id)).not.toContain(`mcb-${key.id}`)
    const rows = await database.read.selectFrom('provider_configs').selectAll().execute()
    expect(rows.map(({ virtual_key_id }) => virtual_key_id)).not.toContain(key.id)
  })

  test('a list finds names as they are, whatever characters they have', async () => {
    for (const name of ['50% off', '50x off']) {
      unwrap(await tenancy.createVirtualKey(operator, { name, limits: unlimited }))
    }
    const found = async (search: string) => {
      const all = { teamId: null, customerId: null, ids: null }
      const sort = { by: 'name', isDescending: false } as const
      const { keys } = await tenancy.listVirtualKeys({ ...all, search }, sort, null)
      return keys.map(({ name }) => name)
    }
    expect(await found('50% O')).toEqual(['50% off'])
    expect(await found('_')).toEqual([])
    expect(await found('\0')).toEqual([])
  })
})

test.each([
  [undefined, 0],
  ['', 0],
  ['nothing of the kind', 0],
  ['never', 0],
  ['24h', 86_400_000],
  ['1h30m', 5_400_000],
  [0, 0],
  [-1, 0],
  [1_500_000, 2],
  [3_600_000_000_000, 3_600_000],
])('the grace of a rotation of %s is %d ms', (vk_rotation_cooldown, graceMs) => {
  expect(rotationGraceMs(vk_rotation_cooldown === undefined ? {} : { vk_rotation_cooldown })).toBe(graceMs)
})

function unwrap<Value>(value: Value | Failure): Value {
  if (isFailure(value)) throw new Error(JSON.stringify(value))
  return value
}
