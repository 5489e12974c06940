import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import type { Script } from '../fake-upstream.ts'
import { openWorld, slug, type Tenant, until, type World } from '../faults/world.ts'
import { mostDatabases, openOnThisThread, type TestPlace } from '../setup/databases.ts'

const noon = Date.UTC(2026, 10, 3, 12)
const minuteMs = 60_000

describe.each(mostDatabases())('what is kept for those who ask why, on $name', ({ create }) => {
  let place: TestPlace
  /** Kept open: what is waited for is looked for many times a second. */
  let database: Database
  let world: World
  beforeAll(async () => {
    place = await create()
    database = openOnThisThread(place.url)
    const timeouts = { first_byte: '300ms', stream_idle: '300ms' }
    world = await openWorld({ place, clock: noon, settings: { frontier: { timeouts } } })
  })
  afterAll(async () => {
    await world.close()
    await database.close()
    await place.remove()
  })

  const read: TestPlace['look'] = (work) => work(database.read)
  const refusalsOf = ({ groupId }: Tenant) =>
    read((it) => it.selectFrom('refusals').selectAll().where('node_id', '=', groupId).orderBy('id').execute())
  const countsOf = ({ groupId }: Tenant) =>
    read((it) => it.selectFrom('refusal_counts').selectAll().where('node_id', '=', groupId).execute())
  const bucketsOf = ({ groupId }: Tenant) =>
    read((it) =>
      it.selectFrom('usage_buckets').selectAll().where('node_id', '=', groupId).orderBy('outcome').execute(),
    )
  const callsOf = (rows: readonly { readonly calls: number }[]) =>
    rows.reduce((sum, { calls }) => sum + calls, 0)

  async function attemptOf(requestId: string | null) {
    const find = () =>
      read((it) =>
        it.selectFrom('attempts').selectAll().where('request_id', '=', requestId).executeTakeFirst(),
      )
    await until(async () => (await find()) !== undefined, `the attempt of ${requestId}`)
    return find()
  }

  async function eventOf(requestId: string | null) {
    const find = () =>
      read((it) =>
        it.selectFrom('usage_events').selectAll().where('request_id', '=', requestId).executeTakeFirst(),
      )
    await until(async () => (await find()) !== undefined, `the event of ${requestId}`)
    return find()
  }

  test('a refusal, as its limits were judged; ten of a minute whole, the others counted', async () => {
    const tenant = await world.tenantUnder('REQUEST/MINUTE 2', 'TOKEN/DAY 1')
    const admitted = await world.call(tenant).ended
    const refused = []
    for (let call = 0; call < 15; call++) refused.push(await world.call(tenant).ended)
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]))

    await until(async () => (await refusalsOf(tenant)).length === 10, 'ten refusals')
    const kept = await refusalsOf(tenant)
    expect(kept.map(({ request_id }) => request_id)).toEqual(
      refused.slice(0, 10).map(({ requestId }) => requestId),
    )
    const tomorrow = Date.UTC(2026, 10, 4)
    const event = await eventOf(admitted.requestId)
    const tokens = event!.input_tokens + event!.output_tokens
    const judged = kept.map((row) => JSON.parse(row.judged))
    const counter = `${tenant.groupId}:${slug}:token:day`
    for (const rows of judged) {
      expect(rows).toEqual([[counter, 0, 'token', 'day', 0, tokens, 0, 0, 0, 1, 0, 1, 0, tomorrow, 0]])
    }
    expect(kept[0]).toMatchObject({
      at: noon,
      workspace_id: 'aurora',
      key_id: event!.key_id,
      model: slug,
      provider: 'BASETEN',
      opens_at: tomorrow,
      only_held: 0,
    })

    await world.gateway.setClock(noon + minuteMs)
    await until(async () => callsOf(await countsOf(tenant)) === 15, 'the count of the minute')
    expect(await countsOf(tenant)).toMatchObject([
      { starts_at: noon, key_id: event!.key_id, counter, calls: 15 },
    ])
    expect(await bucketsOf(tenant)).toMatchObject([
      { starts_at: noon, outcome: 'limited', calls: 15, input_tokens: 0 },
      { starts_at: noon, outcome: 'ok', calls: 1, input_tokens: event!.input_tokens },
    ])
  })

  test.concurrent('a limit that only calls under way fill says so', async () => {
    const tenant = await world.tenantUnder('TOKEN/DAY 100')
    const open = world.call(tenant, { stream: true, fake: { chunks: 1000, chunkDelayMs: 100 } })
    await until(() => open.text() !== '', 'a first token')
    const refused = await world.call(tenant).ended
    expect(refused.status).toBe(429)
    await until(async () => (await refusalsOf(tenant)).length === 1, 'the refusal')
    const [row] = await refusalsOf(tenant)
    expect(row).toMatchObject({ request_id: refused.requestId, only_held: 1 })
    const [[, , , , , used, , held, , needed, , ceiling, , , onlyHeld]] = JSON.parse(row!.judged)
    expect({ used, needed, ceiling, onlyHeld }).toEqual({ used: 0, needed: 1, ceiling: 100, onlyHeld: 1 })
    expect(held).toBeGreaterThanOrEqual(100)
    open.leave()
    await open.ended
  })

  // Side by side, as they wait for the drain: none sees what is kept of another's tenant.
  test.concurrent.each<[string, boolean, Script, { outcome: string; upstream_status: number | null }]>([
    ['turned down for its form', false, { status: 400 }, { outcome: 'rejected', upstream_status: 400 }],
    [
      "over the provider's limit",
      false,
      { status: 429 },
      { outcome: 'provider_limited', upstream_status: 429 },
    ],
    [
      "failed by the provider's word",
      false,
      { status: 503 },
      { outcome: 'provider_error', upstream_status: 503 },
    ],
    [
      'for which our credential was no good',
      false,
      { status: 401 },
      { outcome: 'model_unavailable', upstream_status: 401 },
    ],
    ['without an answer', false, { cutBefore: 'head' }, { outcome: 'upstream', upstream_status: null }],
    [
      'that took too long',
      false,
      { stallBefore: 'head' },
      { outcome: 'upstream_timeout', upstream_status: null },
    ],
    [
      'cut in its stream',
      true,
      { cutAfterChunks: 2, includeUsage: 'never' },
      { outcome: 'upstream', upstream_status: 200 },
    ],
    ['whose usage nobody told', false, { usage: 'absent' }, { outcome: 'ok', upstream_status: 200 }],
  ])('an attempt %s', async (_, stream, fake, expected) => {
    const tenant = await world.tenantUnder()
    const { requestId } = await world.call(tenant, { stream, fake }).ended
    const attempt = await attemptOf(requestId)
    expect(attempt).toMatchObject({
      ...expected,
      workspace_id: 'aurora',
      node_id: tenant.groupId,
      model: slug,
      provider: 'BASETEN',
      upstream_model: 'lumen-2',
      streamed: stream ? 1 : 0,
      first_byte_ms: expected.upstream_status === null ? null : expect.any(Number),
    })
    expect(await bucketsOf(tenant)).toMatchObject([{ outcome: expected.outcome, calls: 1, output_tokens: 0 }])
  })

  test.concurrent('an attempt that is billed tells the same in its usage event', async () => {
    const tenant = await world.tenantUnder()
    const done = await world.call(tenant).ended
    expect(await eventOf(done.requestId)).toMatchObject({
      outcome: 'ok',
      upstream_status: 200,
      admitted_ms: 0,
    })

    const left = world.call(tenant, { stream: true, fake: { chunks: 1000, chunkDelayMs: 20 } })
    await until(() => left.text() !== '', 'a first token')
    left.leave()
    await left.ended
    const events = () =>
      read((it) => it.selectFrom('usage_events').selectAll().where('node_id', '=', tenant.groupId).execute())
    await until(async () => (await events()).length === 2, 'the event of the call that was left')
    const cancelled = (await events()).find(({ outcome }) => outcome === 'cancelled')
    expect(cancelled).toMatchObject({ upstream_status: 200, estimated: 1, streamed: 1, status: 499 })
    expect(await bucketsOf(tenant)).toMatchObject([
      { outcome: 'cancelled', calls: 1, estimated_calls: 1 },
      { outcome: 'ok', calls: 1, estimated_calls: 0 },
    ])

    const uses = await read((it) =>
      it.selectFrom('key_uses').selectAll().where('key_id', '=', cancelled!.key_id).execute(),
    )
    expect(uses).toEqual([{ key_id: cancelled!.key_id, last_used_at: (await eventOf(done.requestId))!.at }])
  })

  test('a gateway that stops writes what it has counted', async () => {
    const tenant = await world.tenantUnder('REQUEST/DAY 1')
    expect(await world.status(tenant)).toBe(200)
    for (let call = 0; call < 13; call++) expect(await world.status(tenant)).toBe(429)
    expect(await world.gateway.stop()).toBe(0)
    expect(callsOf(await countsOf(tenant))).toBe(13)
    expect(await refusalsOf(tenant)).toHaveLength(10)
  })
})
