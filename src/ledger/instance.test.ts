import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import type { InstanceId } from '../domain/ids.ts'
import type { Database } from '../store/database.ts'
import { type Joined, type JoinOptions, joinInstallation } from './instance.ts'
import { emptyTables } from './ledger.fixture.ts'

const first = '01JAAAAAAAAAAAAAAAAAAAAAAA' as InstanceId
const second = '01JBBBBBBBBBBBBBBBBBBBBBBB' as InstanceId
const hourMs = 3_600_000

describe.each(databases())('instances on $name', ({ open }) => {
  let database: Database
  const retired: InstanceId[] = []
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    await emptyTables(database)
    retired.length = 0
  })

  function join(id: InstanceId, options: Partial<JoinOptions> = {}): Promise<Joined> {
    return joinInstallation({
      database,
      id,
      clock: () => 1000,
      alone: true,
      retireAfterMs: hourMs,
      onRetired: (instances) => retired.push(...instances),
      onError: (error) => {
        throw error
      },
      limits: { heartbeatMs: 5, lapseMs: 24 },
      ...options,
    })
  }

  async function close(joined: Joined, left = true) {
    if (!('joined' in joined)) throw new Error(`refused for ${joined.others}`)
    await joined.joined.close(left)
  }

  const rows = () => database.read.selectFrom('instances').selectAll().orderBy('id').execute()
  const row = async (id: InstanceId) => (await rows()).find((row) => row.id === id)

  function age(id: InstanceId, ms: number) {
    return database.transaction((transaction) =>
      transaction
        .updateTable('instances')
        .set(({ eb }) => ({
          heartbeat_at: eb('heartbeat_at', '-', ms),
          started_at: eb('started_at', '-', ms),
        }))
        .where('id', '=', id)
        .execute(),
    )
  }

  test('are there while their heart beats, by the clock of the database, and gone when they leave', async () => {
    const joined = await join(first)
    const begun = await row(first)
    expect(begun).toMatchObject({ watermark_at: 1000, retired_at: null })
    expect(Math.abs((begun?.heartbeat_at ?? 0) - Date.now())).toBeLessThan(60_000)
    await vi.waitFor(async () =>
      expect((await row(first))?.heartbeat_at).toBeGreaterThan(begun?.heartbeat_at ?? 0),
    )
    await close(joined)
    expect(await rows()).toEqual([])
  })

  test('keep what they said to be complete when they come back', async () => {
    await close(await join(first), false)
    const back = await join(first, { clock: () => 5000 })
    expect(back).toMatchObject({ joined: { watermarkAt: 1000 } })
    await close(back, false)
    expect(await row(first)).toMatchObject({ watermark_at: 1000 })
  })

  test('that have to be alone find out who is there, and withdraw', async () => {
    const joined = await join(first)
    await age(first, 100)
    expect(await join(second)).toEqual({ others: [first] })
    expect((await rows()).map(({ id }) => id)).toEqual([first])
    await close(joined)
  })

  test('that were there before are still waited for when they withdraw', async () => {
    await close(await join(second), false)
    const joined = await join(first, { alone: false })
    await age(first, 100)
    expect(await join(second)).toEqual({ others: [first] })
    expect((await rows()).map(({ id }) => id)).toEqual([first, second])
    await close(joined)
  })

  test('outlast one that has died', async () => {
    await close(await join(first), false)
    await age(first, 9900)
    await close(await join(second, { limits: { heartbeatMs: 50, lapseMs: 2400 } }))
  })

  test('stand side by side where counters are shared', async () => {
    const joined = await Promise.all([join(first, { alone: false }), join(second, { alone: false })])
    expect((await rows()).length).toBe(2)
    for (const one of joined) await close(one)
  })

  test('of two that start at once exactly one stays', async () => {
    for (let round = 0; round < 5; round++) {
      const joined = await Promise.all([join(first), join(second)])
      for (const one of joined) if ('joined' in one) await close(one)
      expect(joined.filter((one) => 'joined' in one).length).toBe(1)
    }
  })

  test('are retired after long silence, once, and come back with the next beat', async () => {
    await close(await join(second, { alone: false }), false)
    await age(second, hourMs + 1000)
    const joined = await join(first, { alone: false })
    await vi.waitFor(() => expect(retired).toEqual([second]))
    expect(await row(second)).toMatchObject({ retired_at: expect.any(Number), watermark_at: 1000 })
    const back = await join(second, { alone: false })
    expect(await row(second)).toMatchObject({ retired_at: null })
    await close(joined)
    await close(back)
    expect(retired).toEqual([second])
  })
})
