import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mostDatabases } from '../../../test/setup/databases.ts'
import { isFailure } from '../../domain/failure.ts'
import { ulidSource, type WorkspaceId } from '../../domain/ids.ts'
import { openMemoryCounters } from '../../limits/memory.ts'
import type { Database } from '../../store/database.ts'
import { openTenancy, type Tenancy } from '../tenancy.ts'
import type { WorkspaceDefinition } from '../workspaces/workspaces.ts'

const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
const key = randomBytes(40).toString('base64url')

describe.each(mostDatabases())('registration on $name', ({ open: openDatabase }) => {
  let database: Database
  beforeEach(async () => {
    database = await openDatabase()
  })
  afterEach(() => database.close())

  /** One more instance on the same database. */
  async function open(): Promise<Tenancy> {
    const tenancy = await openTenancy({
      database,
      clock: Date.now,
      newUlid: ulidSource(),
      random: randomBytes,
      masterKey: 'master',
      counters: openMemoryCounters(),
    })
    if (isFailure(tenancy)) throw new Error(JSON.stringify(tenancy))
    return tenancy
  }
  const definition = (id: string, registrationPublicKey: string | null): WorkspaceDefinition => ({
    id,
    name: id,
    onboarded: true,
    slugPrefixes: [id],
    domains: [],
    keys: [],
    secrets: [],
    environments: [],
    registrationPublicKey,
  })
  const onFile = ({ snapshot }: Tenancy, id = 'aurora') =>
    snapshot().workspace(id as WorkspaceId)?.registrationPublicKey
  const groupIn = async ({ createGroup }: Tenancy, workspace: string) => {
    const caller = { workspaceId: workspace as WorkspaceId, actor: 'test' }
    const lineage = await createGroup(caller, {
      name: null,
      externalId: 'e',
      models: [],
      parentId: null,
      enforcement: null,
    })
    if (isFailure(lineage)) throw new Error(JSON.stringify(lineage))
    return { caller, group: lineage[0].id }
  }

  test('the public key is what the file or the operator said last', async () => {
    const one = await open()
    expect(onFile(one, 'default')).toBeNull()
    await one.applyWorkspaces([definition('aurora', first)])
    expect(onFile(one)).toBe(first)

    const aurora = 'aurora' as WorkspaceId
    expect(await one.setRegistrationKey('operator', aurora, second)).toBeNull()
    expect(onFile(one)).toBe(second)
    const two = await open()
    expect(onFile(two)).toBe(second)
    // The file says what it said before.
    await two.applyWorkspaces([definition('aurora', first)])
    expect(onFile(two)).toBe(second)
    expect(await two.setRegistrationKey('operator', aurora, null)).toBeNull()
    await one.refresh()
    expect(onFile(one)).toBeNull()
    await one.applyWorkspaces([definition('aurora', second)])
    expect(onFile(one)).toBe(second)
    await one.applyWorkspaces([definition('aurora', null)])
    expect(onFile(one)).toBeNull()
    expect(one.snapshot().workspace(aurora)).toMatchObject({ onboarded: true, name: 'aurora' })
  })

  test('another text, or a workspace that is not there, is refused and changes nothing', async () => {
    const one = await open()
    const { revision } = one.snapshot()
    for (const text of ['', 'short', first.slice(0, -1), randomBytes(33).toString('base64')]) {
      expect(await one.setRegistrationKey('operator', 'default' as WorkspaceId, text)).toMatchObject({
        failure: 'invalid',
      })
    }
    expect(await one.setRegistrationKey('operator', 'nowhere' as WorkspaceId, first)).toMatchObject({
      failure: 'invalid',
    })
    expect([onFile(one, 'default'), one.snapshot().revision]).toEqual([null, revision])
  })

  test('a key that moved to another workspace is that one’s, for every instance, however late it looks', async () => {
    const [one, late] = [await open(), await open()]
    await one.applyWorkspaces([definition('aurora', first), definition('borealis', second)])
    const [aurora, borealis] = [await groupIn(one, 'aurora'), await groupIn(one, 'borealis')]
    const register = ({ caller, group }: typeof aurora) => one.registerKey(caller, group, { key, name: null })
    const found = ({ snapshot, digestOf }: Tenancy) => snapshot().findKey(digestOf(key))

    expect(await register(aurora)).toEqual({ prefix: key.slice(0, 16) })
    expect(await register(borealis)).toEqual({ failure: 'invalid', message: 'key: cannot be registered' })
    await one.revokeKey(aurora.caller, aurora.group, key.slice(0, 16))
    expect(found(one)).toMatchObject({ workspaceId: 'aurora', revoked: true })
    expect(await register(borealis)).toEqual({ prefix: key.slice(0, 16) })
    await late.refresh()
    for (const instance of [one, late, await open()]) {
      expect(found(instance)).toMatchObject({ workspaceId: 'borealis', revoked: false })
    }
    // What is done to the one it came from does not touch it.
    await one.deleteGroup(aurora.caller, aurora.group)
    for (const instance of [one, await open()]) {
      expect(found(instance)).toMatchObject({ workspaceId: 'borealis', revoked: false })
    }
    await one.deleteGroup(borealis.caller, borealis.group)
    for (const instance of [one, await open()]) expect(found(instance)).toMatchObject({ revoked: true })
  })
})
