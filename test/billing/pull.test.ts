import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import { keys, openWorld, type World } from '../published/management-world.ts'
import { databases } from '../setup/databases.ts'
import { storeEvents, usageRow } from './rows.ts'

const noon = Date.UTC(2026, 10, 2, 12)
const dayMs = 86_400_000
const start = 'start_time=2026-11-02T00:00:00Z'
const id = (number: number) => `01K${String(number).padStart(23, '0')}`

describe.each(databases())('pulling events on $name', ({ open }) => {
  let database: Database
  let world: World
  beforeAll(async () => {
    database = await open()
    world = await openWorld(database)
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    await database.transaction(async (it) => {
      await it.deleteFrom('usage_events').execute()
      await it.deleteFrom('instances').execute()
    })
    now += dayMs
    world.setClock(now)
  })
  // The world's clock never goes back.
  let now = noon

  const list = (query: string, key: string = keys.w) =>
    world.call('GET', `/v1/gateway/events?${query}`, { key })
  const at = (instant: number) => new Date(instant).toISOString()
  const idsOf = (body: { items: { idempotencyKey: string }[] }) =>
    body.items.map((item) => item.idempotencyKey)

  async function pullAll(query: string): Promise<{ ids: string[]; pages: number }> {
    const ids: string[] = []
    let cursor: string | null = null
    for (let pages = 1; ; pages++) {
      // After the first page nothing but the cursor counts, however wrong the rest is.
      const { status, body } = await list(
        cursor === null ? query : `cursor=${cursor}&limit=0&start_time=never&end_time=1999&api_keys=`,
      )
      expect(status).toBe(200)
      expect(body.pagination.has_more).toBe(body.pagination.cursor !== null)
      ids.push(...idsOf(body))
      cursor = body.pagination.cursor
      if (cursor === null) return { ids, pages }
    }
  }

  function instance(name: string, watermark: number, retired: number | null = null) {
    return database.transaction((it) =>
      it
        .insertInto('instances')
        .values({ id: name, started_at: 0, heartbeat_at: 0, watermark_at: watermark, retired_at: retired })
        .execute(),
    )
  }

  test('an event has these members and no others, and its metadata is not among them', async () => {
    await storeEvents(database, [
      usageRow({ id: id(1), at: now - 100_000 }),
      usageRow({ id: id(2), at: now - 99_500, external_id: null }),
    ])
    const { body } = await list(start)
    expect(body).toEqual({
      items: [
        {
          type: 'API_BILLING_USAGE',
          idempotencyKey: id(1),
          timestamp: at(now - 100_000).replace('.000Z', 'Z'),
          requestId: `req_${id(1)}`,
          modelSlug: 'aurora/lumen',
          externalEntityId: 'one',
          apiKeyPrefix: 'sky_one',
          tokens: { inputTokens: 7, outputTokens: 5, cachedInputTokens: 2 },
        },
        expect.objectContaining({ timestamp: at(now - 99_500), externalEntityId: null }),
      ],
      pagination: { has_more: false, cursor: null },
    })
  })

  test('pages go by instant and id, have every event once, and keep the length of the first', async () => {
    const rows = Array.from({ length: 250 }, (_, index) =>
      usageRow({ id: id(index), at: now - 3_600_000 + Math.floor(index / 7) }),
    )
    await storeEvents(
      database,
      [...rows].sort((a, b) => (a.request_id < b.request_id ? 1 : -1)),
    )
    await storeEvents(database, [usageRow({ id: id(999), at: now - 3_600_000, workspace_id: 'x' })])
    expect(await pullAll(`${start}&limit=40`)).toEqual({ ids: rows.map((row) => row.id), pages: 7 })
    expect((await pullAll(start)).pages).toBe(3)
  })

  test('the window is that of the first page, though time goes on and events come', async () => {
    const old = [1, 2, 3].map((number) => usageRow({ id: id(number), at: now - 120_000 + number }))
    await storeEvents(database, old)
    const first = await list(`${start}&limit=1`)
    const late = usageRow({ id: id(4), at: now - 30_000 })
    await storeEvents(database, [late])
    world.setClock(now + 600_000)
    now += 600_000
    const second = await list(`cursor=${first.body.pagination.cursor}`)
    const third = await list(`cursor=${second.body.pagination.cursor}`)
    expect(idsOf(third.body)).toEqual([id(3)])
    expect(third.body.pagination).toEqual({ has_more: false, cursor: null })
    expect((await pullAll(start)).ids).toEqual([id(1), id(2), id(3), id(4)])
  })

  test('the last minute is held back, and longer what an instance that is not retired may still store', async () => {
    const ages = [60_001, 60_000, 59_999, 90_000, 200_000]
    await storeEvents(
      database,
      ages.map((age) => usageRow({ id: id(age), at: now - age })),
    )
    const given = async (query = start) => (await pullAll(query)).ids
    expect(await given()).toEqual([id(200_000), id(90_000), id(60_001)])
    expect(await given(`${start}&end_time=${at(now + dayMs)}`)).toEqual(await given())
    expect(await given(`${start}&end_time=${at(now - 90_000)}`)).toEqual([id(200_000)])
    await instance('awake', now - 5)
    expect(await given()).toEqual([id(200_000), id(90_000), id(60_001)])
    await instance('silent', now - 90_000)
    expect(await given()).toEqual([id(200_000)])
    await instance('long gone', 0, now)
    expect(await given()).toEqual([id(200_000)])
    await instance('just begun', 0)
    expect(await given()).toEqual([])
  })

  test('the start is inside the window and the end is not', async () => {
    await storeEvents(
      database,
      [1, 2, 3].map((number) => usageRow({ id: id(number), at: now - 200_000 + number })),
    )
    const window = (from: string, to: string) => pullAll(`start_time=${from}&end_time=${to}`)
    expect((await window(at(now - 199_999), at(now - 199_997))).ids).toEqual([id(1), id(2)])
    // Between two whole milliseconds.
    const finer = (instant: number) => at(instant).replace('Z', '5Z')
    expect((await window(finer(now - 199_999), finer(now - 199_998))).ids).toEqual([id(2)])
    const offset = `${at(now - 199_998 + 3_600_000).replace('Z', '')}%2B01:00`
    expect((await pullAll(`start_time=${offset}`)).ids).toEqual([id(2), id(3)])
  })

  test('values of one filter are alternatives, filters narrow each other, and pages of them fit together', async () => {
    const create = async (externalId: string) => {
      const { body } = await world.call('POST', '/v1/gateway/groups', {
        body: {
          metadata: { external_entity_id: `${externalId}-${now}` },
          models: [{ slug: 'aurora/lumen' }],
          hierarchy: {},
        },
      })
      const mint = async () =>
        (await world.call('POST', `/v1/gateway/groups/${body.id}/api_keys`, { body: {} })).body
          .prefix as string
      return { externalId: `${externalId}-${now}`, keys: [await mint(), await mint()] as const }
    }
    const [one, two] = [await create('one'), await create('two')]
    const owners = [one, two].flatMap(({ externalId, keys: [a, b] }) => [
      { external_id: externalId, key_prefix: a },
      { external_id: externalId, key_prefix: b },
    ])
    const rows = Array.from({ length: 40 }, (_, index) =>
      usageRow({ id: id(index), at: now - 200_000 + Math.floor(index / 3), ...owners[index % 4] }),
    )
    await storeEvents(database, rows)
    const wanted = (isWanted: (row: (typeof rows)[number]) => boolean) =>
      rows.filter(isWanted).map((row) => row.id)
    const given = async (query: string) => (await pullAll(`${start}&limit=7&${query}`)).ids

    expect(await given(`external_entity_ids=${one.externalId}`)).toEqual(
      wanted((row) => row.external_id === one.externalId),
    )
    expect(await given(`api_keys=${one.keys[1]}&api_keys=${two.keys[0]}`)).toEqual(
      wanted((row) => [one.keys[1], two.keys[0]].includes(row.key_prefix)),
    )
    expect(
      await given(`external_entity_ids=${one.externalId}&external_entity_ids=${two.externalId}`),
    ).toEqual(wanted(() => true))
    expect(
      await given(`external_entity_ids=${two.externalId}&api_keys=${one.keys[0]}&api_keys=${two.keys[1]}`),
    ).toEqual(wanted((row) => row.key_prefix === two.keys[1]))
    expect(await given(`external_entity_ids=${two.externalId}&api_keys=${one.keys[0]}`)).toEqual([])
    expect(await given('external_entity_ids=nobody')).toEqual([])
    expect(await given('api_keys=sky_nobody')).toEqual([])
  })

  test.each([
    ['', 'start_time: is required'],
    ['start_time=yesterday', 'start_time: must be a time such as'],
    ['start_time=2026-11-02', 'start_time: must be a time such as'],
    [`${start}&end_time=2026-11-02T00:00:00Z`, 'end_time: must be later than start_time'],
    [`${start}&end_time=2026-11-01T00:00:00Z`, 'end_time: must be later than start_time'],
    [`${start}&end_time=soon`, 'end_time: must be a time such as'],
    [`${start}&limit=0`, 'limit: must be an integer from 1 to 1000'],
    [`${start}&limit=1001`, 'limit: must be an integer from 1 to 1000'],
    [`${start}&api_keys=`, 'api_keys.0: must have 1 to 255 characters'],
    [`${start}&${'api_keys=a&'.repeat(51)}`, 'api_keys: must be at most 50'],
    [`${start}&external_entity_ids=%00`, 'external_entity_ids.0: holds characters'],
    ['cursor=bm9uc2Vuc2U', 'cursor: not one of this list'],
    ['cursor=', 'cursor: not one of this list'],
  ])('%s is 400', async (query, message) => {
    const { status, body } = await list(query)
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'VALIDATION_ERROR' })
    expect(body.message).toContain(message)
  })

  test("a cursor is of one workspace's events alone", async () => {
    await storeEvents(database, [
      usageRow({ id: id(1), at: now - 100_000 }),
      usageRow({ id: id(2), at: now - 100_000 }),
    ])
    const { body } = await list(`${start}&limit=1`)
    expect((await list(`cursor=${body.pagination.cursor}`)).status).toBe(200)
    expect((await list(`cursor=${body.pagination.cursor}`, keys.x)).status).toBe(400)
    expect((await list(start, keys.wInvoke)).status).toBe(403)
    expect((await list(start, keys.n)).status).toBe(403)
  })
})
