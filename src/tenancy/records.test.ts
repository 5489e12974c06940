import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { isFailure } from '../domain/failure.ts'
import { ulidSource, type WorkspaceId } from '../domain/ids.ts'
import { openMemoryCounters } from '../limits/memory.ts'
import type { Database } from '../store/database.ts'
import { Secret } from './sealing/secret.ts'
import { openTenancy, type Tenancy } from './tenancy.ts'

const operator = { actor: 'admin_key:test' }
const lab = 'lab' as WorkspaceId
const newWorkspace = {
  id: lab,
  name: 'Lab',
  onboarded: true,
  slugPrefixes: ['lab'],
  domains: ['ai.lab.example'],
  registrationPublicKey: null,
}
const production = {
  name: 'production',
  baseUrl: 'https://models.example/v1',
  model: null,
  apiKey: 'upstream-key',
  region: null,
}

describe.each(databases())('what the operator wrote by hand, on $name', ({ open: openDatabase }) => {
  let database: Database
  beforeEach(async () => {
    database = await openDatabase()
  })
  afterEach(() => database.close())

  /** One more instance on the same database. */
  async function open(): Promise<Tenancy> {
    const counters = openMemoryCounters()
    const newUlid = ulidSource()
    const options = { database, clock: Date.now, newUlid, random: randomBytes, masterKey: 'm', counters }
    return unwrap(await openTenancy(options))
  }

  async function labOn(one: Tenancy): Promise<string> {
    unwrap(await one.createWorkspace(operator, newWorkspace))
    unwrap(await one.createSecret(operator, lab, { id: 'sec', value: 'sk' }))
    unwrap(await one.createModel(operator, lab, { id: 'm', environments: [production] }))
    const wish = { name: 'ci', type: 'PERSONAL' as const, value: null }
    return unwrap(await one.mintWorkspaceKey(operator, lab, wish)).value ?? ''
  }

  test('another instance sees what came and what went, once it has looked', async () => {
    const one = await open()
    const two = await open()
    const value = await labOn(one)
    await two.refresh()
    const seen = ({ snapshot, digestOf }: Tenancy) => ({
      workspace: snapshot().workspace(lab)?.name ?? null,
      domain: snapshot().workspaceByDomain('ai.lab.example')?.id ?? null,
      key: snapshot().findWorkspaceKey(digestOf(value))?.type ?? null,
      secret: snapshot().secret(lab, 'sec')?.value instanceof Secret,
      environments: snapshot()
        .environments(lab, 'm')
        .map(({ name }) => name),
    })
    const all = { workspace: 'Lab', domain: lab, key: 'PERSONAL', secret: true, environments: ['production'] }
    expect([seen(one), seen(two)]).toEqual([all, all])

    unwrap(await one.deleteSecret(operator, lab, 'sec'))
    unwrap(await one.deleteEnvironment(operator, lab, 'm', 'production'))
    await two.refresh()
    const less = { ...all, secret: false, environments: [] }
    expect([seen(one), seen(two)]).toEqual([less, less])

    unwrap(await one.deleteWorkspace(operator, lab))
    await two.refresh()
    const none = { workspace: null, domain: null, key: null, secret: false, environments: [] }
    expect([seen(one), seen(two), seen(await open())]).toEqual([none, none, none])
    expect(one.snapshot().tables.environments.size).toBe(0)
    expect(two.locateWorkspace(lab)).toEqual({ failure: 'not_found', what: 'workspace' })
  })

  test('what is made while its workspace is deleted is made before, and in the way, or not at all', async () => {
    const one = await open()
    const two = await open()
    const caller = { actor: 'workspace_key:test', workspaceId: lab }
    for (let round = 0; round < 10; round++) {
      await labOn(one)
      const group = {
        parentId: null,
        externalId: `g${round}`,
        name: null,
        enforcement: null,
        models: [{ slug: 'lab/m', limits: [] }],
      }
      const [deleted, made] = await Promise.all([
        one.deleteWorkspace(operator, lab),
        two.createGroup(caller, group),
      ])
      expect(isFailure(deleted)).toBe(!isFailure(made))
      if (!isFailure(made)) {
        unwrap(await two.deleteGroup(caller, made[0].id))
        unwrap(await one.deleteWorkspace(operator, lab))
      }
    }
  })

  test('nothing that can be opened is left of what was deleted', async () => {
    const one = await open()
    await labOn(one)
    unwrap(await one.deleteWorkspace(operator, lab))
    const secrets = await database.read.selectFrom('secrets').selectAll().execute()
    const environments = await database.read.selectFrom('model_environments').selectAll().execute()
    expect(secrets).toMatchObject([{ id: 'sec', sealed_value: '' }])
    expect(environments).toMatchObject([{ model_id: 'm', sealed_api_key: null }])
    expect(
      await database.read.selectFrom('slug_prefixes').selectAll().where('workspace_id', '=', lab).execute(),
    ).toEqual([])
  })

  test('writes of two instances on one workspace are judged one after the other', async () => {
    const [one, two] = await Promise.all([open(), open()])
    await labOn(one)
    await two.refresh()
    const mint = (at: Tenancy) =>
      at.mintWorkspaceKey(operator, lab, { name: 'same', type: 'PERSONAL', value: null })
    const minted = await Promise.all([one, two, one, two].map(mint))
    expect(minted.filter((answer) => !isFailure(answer))).toHaveLength(1)
    const attached = await Promise.all(
      ['a', 'b', 'c', 'd'].map((label, at) =>
        (at % 2 === 0 ? one : two).attachDomain(operator, lab, `${label}.lab.example`),
      ),
    )
    expect(attached.filter(isFailure)).toEqual([])
    expect(unwrap(await one.getWorkspace(lab)).domains).toHaveLength(5)

    const first = await one.createAdminKey('test', 'one')
    const second = await one.createAdminKey('test', 'two')
    await two.refresh()
    const revoked = await Promise.all([
      one.revokeAdminKey('test', first.id),
      two.revokeAdminKey('test', second.id),
    ])
    expect(revoked.filter(isFailure)).toMatchObject([{ failure: 'conflict' }])
  })
})

function unwrap<Value>(value: Value): Exclude<Value, { failure: unknown }> {
  if (isFailure(value)) throw new Error(JSON.stringify(value))
  return value as Exclude<Value, { failure: unknown }>
}
