import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mostDatabases } from '../../test/setup/databases.ts'
import { isFailure } from '../domain/failure.ts'
import { ulidSource, type WorkspaceId } from '../domain/ids.ts'
import { openMemoryCounters } from '../limits/memory.ts'
import type { Database } from '../store/database.ts'
import type { NewGroup } from './groups/groups.ts'
import { openTenancy, type Tenancy } from './tenancy.ts'
import type { WorkspaceDefinition } from './workspaces/workspaces.ts'

const workspaceId = 'default' as WorkspaceId
const caller = { workspaceId, actor: 'test' }
const slug = 'default/m'

describe.each(mostDatabases())('tenancy on $name', ({ open: openDatabase }) => {
  let database: Database
  beforeEach(async () => {
    database = await openDatabase()
  })
  afterEach(() => database.close())

  /** One more instance on the same database. */
  async function open(masterKey = 'master', onCountersGone = (_: readonly string[]) => {}): Promise<Tenancy> {
    const opened = await openTenancy({
      database,
      clock: Date.now,
      newUlid: ulidSource(),
      random: randomBytes,
      masterKey,
      counters: openMemoryCounters(),
      onCountersGone,
    })
    return unwrap(opened)
  }

  test('refuses another master key than the one it was begun with', async () => {
    await open('one')
    await open('one')
    await expect(open('two')).rejects.toThrow('master key')
  })

  test('has its default workspace, made once, even when two instances begin at the same moment', async () => {
    const [one, two] = await Promise.all([open(), open()])
    for (const { snapshot } of [one, two, await open()]) {
      expect(snapshot().workspace(workspaceId)).toMatchObject({ name: 'default', onboarded: true })
    }
    const made = database.read.selectFrom('audit_log').selectAll().where('action', '=', 'WORKSPACE_CREATED')
    expect(await made.execute()).toHaveLength(1)
  })

  test('another instance sees a write once it has looked, all of it at once', async () => {
    const one = await open()
    const gone: string[] = []
    const two = await open('master', (names) => gone.push(...names))
    const [group] = unwrap(await one.createGroup(caller, newGroup({ threshold: 5 })))
    const { value } = unwrap(await one.mintKey(caller, group.id, null))
    const digest = two.digestOf(value)
    expect([two.snapshot().findKey(digest), two.snapshot().node(group.id)]).toEqual([null, null])

    await two.refresh()
    const { updatedAt: _, ...fact } = two.snapshot().node(group.id) ?? expect.fail('not loaded')
    expect(group).toMatchObject(fact)
    expect(two.snapshot().findKey(digest)).toMatchObject({ nodeId: group.id, revoked: false })
    expect(two.snapshot().revision).toBe(one.snapshot().revision)

    await one.deleteGroup(caller, group.id)
    await two.refresh()
    expect(two.snapshot().node(group.id)).toBeNull()
    expect(two.snapshot().findKey(digest)?.revoked).toBe(true)
    expect(gone).toEqual([`${group.id}:${slug}:token:minute`])

    const three = await open()
    expect(three.snapshot().findKey(digest)?.revoked).toBe(true)
    expect(three.snapshot().node(group.id)).toBeNull()
  })

  test('a look that finds nothing keeps the very snapshot', async () => {
    const one = await open()
    const before = one.snapshot()
    await one.refresh()
    expect(one.snapshot()).toBe(before)
  })

  test('writes of two instances on one tree are judged one after the other', async () => {
    const [one, two] = [await open(), await open()]
    for (let round = 0; round < 5; round++) {
      const [parent] = unwrap(
        await one.createGroup(caller, newGroup({ threshold: 100, enforcement: 'CASCADING' })),
      )
      const lower = { models: modelsWith(60) }
      const [lowered, child] = await Promise.all([
        one.updateGroup(caller, parent.id, lower),
        two.createGroup(caller, newGroup({ threshold: 70, parentId: parent.id })),
      ])
      expect([isFailure(lowered), isFailure(child)].filter(Boolean)).toHaveLength(1)
    }
  })

  test('a child or a key never outlives the deletion of its tree', async () => {
    const [one, two] = [await open(), await open()]
    for (let round = 0; round < 5; round++) {
      const [root] = unwrap(await one.createGroup(caller, newGroup({ threshold: 5 })))
      const [deleted, child, key] = await Promise.all([
        one.deleteGroup(caller, root.id),
        two.createGroup(caller, newGroup({ threshold: 5, parentId: root.id })),
        two.mintKey(caller, root.id, null),
      ])
      expect(isFailure(deleted)).toBe(false)
      await one.refresh()
      if (!isFailure(child)) expect(one.snapshot().node(child[0].id)).toBeNull()
      if (!isFailure(key)) expect(one.snapshot().findKey(one.digestOf(key.value))?.revoked).toBe(true)
    }
  })

  test('many writes at once leave the snapshot of the last', async () => {
    const [one, two] = [await open(), await open()]
    const many = Array.from({ length: 20 }, (_, n) =>
      (n % 2 ? one : two).createGroup(caller, newGroup({ threshold: n })),
    )
    const groups = (await Promise.all(many)).map(unwrap)
    await Promise.all([one.refresh(), two.refresh()])
    for (const [group] of groups) {
      expect(one.snapshot().node(group.id)).toEqual(group)
      expect(two.snapshot().node(group.id)).toEqual(group)
    }
    expect(new Set(groups.map(([group]) => group.id)).size).toBe(20)
  })

  test('loads more nodes and keys than one batch holds', async () => {
    const one = await open()
    const [root] = unwrap(await one.createGroup(caller, newGroup({ threshold: 5 })))
    const count = 2_500
    await database.transaction(async (transaction) => {
      const node = await transaction.selectFrom('nodes').selectAll().executeTakeFirstOrThrow()
      const ids = Array.from({ length: count }, (_, n) => `g_bulk_${n}`)
      for (let at = 0; at < count; at += 500) {
        const rows = ids.slice(at, at + 500).map((id) => ({ ...node, id, external_id: id, root_id: id }))
        await transaction.insertInto('nodes').values(rows).execute()
      }
    })
    const two = await open()
    expect(two.snapshot().tables.nodes.size).toBe(count + 1)
    expect(two.snapshot().node(root.id)?.models).toEqual(root.models)
  })

  test('the file overwrites what it wrote otherwise, and keeps what it wrote the same', async () => {
    const one = await open()
    expect(await one.applyWorkspaces([aurora])).toBeNull()
    const { revision } = one.snapshot()
    expect(await one.applyWorkspaces([aurora])).toBeNull()
    expect(one.snapshot().revision).toBe(revision)

    const id = 'aurora' as WorkspaceId
    expect(one.snapshot().findWorkspaceKey(one.digestOf('ci-key'))).toMatchObject({ workspaceId: id })
    expect(one.snapshot().workspaceByDomain('ai.aurora.example')?.id).toBe(id)
    expect(one.snapshot().environments(id, 'm')).toMatchObject([{ name: 'production' }])

    const changed: WorkspaceDefinition = {
      ...aurora,
      domains: ['new.aurora.example'],
      keys: [{ name: 'ci', value: 'another-key', type: 'PERSONAL' }],
      secrets: [],
    }
    expect(await one.applyWorkspaces([changed])).toBeNull()
    const snapshot = one.snapshot()
    expect(snapshot.findWorkspaceKey(one.digestOf('ci-key'))).toBeNull()
    expect(snapshot.findWorkspaceKey(one.digestOf('another-key'))).toMatchObject({ type: 'PERSONAL' })
    expect(snapshot.workspaceByDomain('ai.aurora.example')).toBeNull()
    expect(snapshot.workspaceByDomain('new.aurora.example')?.id).toBe(id)
    const secret = snapshot.secret(id, 's')?.value ?? expect.fail('it is named no more, but stays')
    expect(`${inspect({ secret })}${JSON.stringify({ secret })}${secret}`).not.toContain('vendor-key')
    expect(secret === 'sealed' || secret.reveal()).toBe('vendor-key')
  })

  test('a prefix or domain has one workspace, and may move between two', async () => {
    const one = await open()
    await one.applyWorkspaces([aurora])
    const other = { ...aurora, id: 'other', keys: [] }
    expect(await one.applyWorkspaces([other])).toMatchObject({
      failure: 'conflict',
      message: 'frontier.workspaces.other.slug_prefixes: aurora belongs to workspace aurora',
    })
    expect(await one.applyWorkspaces([aurora, other])).toMatchObject({ failure: 'invalid' })
    expect(one.snapshot().workspace('other' as WorkspaceId)).toBeNull()
    expect(await one.applyWorkspaces([other, { ...aurora, slugPrefixes: [], domains: [] }])).toBeNull()
    expect(one.snapshot().workspaceByDomain('ai.aurora.example')?.id).toBe('other')
    const twins = [...aurora.keys, { name: 'twin', value: 'ci-key', type: 'PERSONAL' as const }]
    expect(
      await one.applyWorkspaces([{ ...aurora, slugPrefixes: [], domains: [], keys: twins }]),
    ).toMatchObject({ failure: 'invalid' })
  })

  test('admin keys: made, written by the file, listed, revoked, and not found by a stranger', async () => {
    const one = await open()
    const { id, value } = await one.createAdminKey('test', 'first start')
    expect(await one.applyAdminKeys([{ name: 'ops', value: 'ops-key' }])).toBeNull()
    const { revision } = one.snapshot()
    expect(await one.applyAdminKeys([{ name: 'ops', value: 'ops-key' }])).toBeNull()
    expect(one.snapshot().revision).toBe(revision)
    expect((await one.listAdminKeys()).map(({ name }) => name).sort()).toEqual(['first start', 'ops'])
    const find = (credential: string) => one.snapshot().findAdminKey(one.digestOf(credential))
    expect([find(value)?.id, find('ops-key')?.name, find('nobody')]).toEqual([id, 'ops', null])

    expect(await one.applyAdminKeys([{ name: 'ops', value: 'rotated' }])).toBeNull()
    expect([find('ops-key'), find('rotated')?.name]).toEqual([null, 'ops'])
    expect(await one.revokeAdminKey('test', id)).toMatchObject({ id })
    expect(find(value)).toBeNull()
    expect(await one.revokeAdminKey('test', id)).toEqual({ failure: 'not_found', what: 'admin_key' })

    const ops = find('rotated')?.id ?? expect.fail('it lives')
    expect(await one.revokeAdminKey('test', ops)).toMatchObject({ failure: 'conflict' })
    await one.createAdminKey('test', 'another')
    await one.revokeAdminKey('test', ops)
    await one.applyAdminKeys([{ name: 'ops', value: 'rotated' }])
    expect(find('rotated')).toBeNull()
  })
})

const aurora: WorkspaceDefinition = {
  id: 'aurora',
  name: 'Aurora Labs',
  onboarded: true,
  slugPrefixes: ['aurora'],
  domains: ['AI.Aurora.example'],
  keys: [{ name: 'ci', value: 'ci-key', type: 'WORKSPACE_MANAGE_ALL' }],
  secrets: [{ id: 's', value: 'vendor-key' }],
  environments: [
    {
      modelId: 'm',
      name: 'production',
      baseUrl: 'http://127.0.0.1:1/v1',
      model: null,
      apiKey: 'up',
      region: null,
    },
  ],
  registrationPublicKey: null,
}

let made = 0

function newGroup({
  threshold,
  ...over
}: { threshold: number } & Partial<Pick<NewGroup, 'parentId' | 'enforcement'>>): NewGroup {
  const models = modelsWith(threshold)
  return { name: null, externalId: `e-${++made}`, models, parentId: null, enforcement: null, ...over }
}

function modelsWith(threshold: number): NewGroup['models'] {
  return [{ slug, limits: [{ family: 'rate', metric: 'token', unit: 'minute', threshold, strict: false }] }]
}

function unwrap<Value extends object>(value: Value): Exclude<Value, { failure: unknown }> {
  if (isFailure(value)) throw new Error(JSON.stringify(value))
  return value as Exclude<Value, { failure: unknown }>
}
