import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { chatStatus, configurationFor, type Frontier, modelOf, openFrontier } from '../setup/frontier.ts'
import { type GatewayOptions, type GatewayProcess, startGatewayProcess } from '../setup/gateway.ts'

const dayMs = 86_400_000
const slug = 'aurora/lumen'
const other = 'aurora/other'
const tokens = (threshold: number, current_usage: number | null, reset_at: string | null) => ({
  type: 'TOKEN',
  unit: 'DAY',
  threshold,
  current_usage,
  reset_at,
})
const requests = (...usage: Parameters<typeof tokens>) => ({ ...tokens(...usage), type: 'REQUEST' })
/** Before anything was counted. */
const fresh = [null, null] as const

describe.each(mostDatabases())('usage on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let options: GatewayOptions
  let gateway: GatewayProcess
  let frontier: Frontier
  let now = Date.UTC(2026, 10, 3, 12)

  beforeAll(async () => {
    upstream = await startFakeUpstream({ script: { promptTokens: 20, completionTokens: 40 } })
    place = await create()
    options = { config: configurationFor(upstream.url), databaseUrl: place.url }
    gateway = await startGatewayProcess({ ...options, clock: now })
    frontier = openFrontier(gateway)
    await frontier.createEndpoint(slug)
    await frontier.createEndpoint(other)
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  const midnight = () => new Date(Math.ceil((now + 1) / dayMs) * dayMs).toISOString().replace('.000Z', 'Z')
  const read = async (group: string) => {
    const { status, body } = await frontier.request('GET', `/groups/${group}/usage`)
    expect(status).toBe(200)
    return body
  }
  const usageOf = async (group: string) => (await read(group)).usage
  const call = async (key: string, model = slug) =>
    expect(await chatStatus(gateway, key, { model })).toBe(200)
  const restart = async (signal: NodeJS.Signals) => {
    await gateway.stop(signal)
    gateway = await startGatewayProcess({ ...options, dataDirectory: gateway.dataDirectory, clock: now })
    frontier = openFrontier(gateway)
  }

  test('57. A daily limit shows null before its first use, then what was used and the next midnight.', async () => {
    const group = await frontier.createGroup({
      externalId: 'nw-research',
      models: { [slug]: ['TOKEN/DAY 5000000', 'REQUEST/MINUTE 60'], [other]: ['REQUEST/DAY 3'] },
    })
    expect(await read(group)).toEqual({
      customer_id: 'nw-research',
      usage: { [slug]: [tokens(5_000_000, ...fresh)], [other]: [requests(3, ...fresh)] },
    })
    await call(await frontier.mintKey(group))
    expect(await read(group)).toEqual({
      customer_id: 'nw-research',
      usage: { [slug]: [tokens(5_000_000, 60, midnight())], [other]: [requests(3, ...fresh)] },
    })
  })

  test('58. A group with rate limits alone has no usage to show.', async () => {
    const group = await frontier.createGroup({
      models: { [slug]: ['TOKEN/MINUTE 1000', 'REQUEST/SECOND 10'], [other]: [] },
    })
    expect(await usageOf(group)).toEqual({})
    await call(await frontier.mintKey(group))
    expect(await usageOf(group)).toEqual({})
  })

  test('all keys of a group add up, rotated ones too, on each slug by itself', async () => {
    const limits = ['TOKEN/DAY 1000', 'REQUEST/DAY 100']
    const group = await frontier.createGroup({ models: { [slug]: limits, [other]: limits } })
    const first = await frontier.mintKey(group)
    await call(first)
    await call(first)
    await call(first, other)
    await frontier.request('DELETE', `/groups/${group}/api_keys/${first.split('.')[0]}`)
    await call(await frontier.mintKey(group))
    expect(await usageOf(group)).toEqual({
      [slug]: [tokens(1000, 180, midnight()), requests(100, 3, midnight())],
      [other]: [tokens(1000, 60, midnight()), requests(100, 1, midnight())],
    })
  })

  test('a call that is refused counts nothing, and one under way its request', async () => {
    const group = await frontier.createGroup({ models: { [slug]: ['REQUEST/DAY 2', 'TOKEN/DAY 1000'] } })
    const key = await frontier.mintKey(group)
    await call(key)
    upstream.script({ stallBefore: 'head', promptTokens: 20, completionTokens: 40 })
    const arrived = upstream.nextRequest()
    const underWay = chatStatus(gateway, key, { model: slug })
    await arrived
    expect(await usageOf(group)).toEqual({
      [slug]: [requests(2, 2, midnight()), tokens(1000, 60, midnight())],
    })
    expect(await chatStatus(gateway, key, { model: slug })).toBe(429)
    upstream.resume()
    expect(await underWay).toBe(200)
    expect(await usageOf(group)).toEqual({
      [slug]: [requests(2, 2, midnight()), tokens(1000, 120, midnight())],
    })
  })

  test('a change of limits keeps what was counted; a slug or limit that goes is not shown', async () => {
    const group = await frontier.createGroup({ models: { [slug]: ['TOKEN/DAY 1000'] } })
    const key = await frontier.mintKey(group)
    await call(key)
    const patch = (...models: object[]) => frontier.request('PATCH', `/groups/${group}`, { models })
    await patch(modelOf(slug, ['TOKEN/DAY 50', 'REQUEST/DAY 9']), modelOf(other, ['TOKEN/DAY 7']))
    expect(await usageOf(group)).toEqual({
      [slug]: [tokens(50, 60, midnight()), requests(9, ...fresh)],
      [other]: [tokens(7, ...fresh)],
    })
    await patch(modelOf(slug, ['REQUEST/MINUTE 9']))
    expect(await usageOf(group)).toEqual({})
    await patch()
    expect(await usageOf(group)).toEqual({})
    await patch(modelOf('__proto__', ['TOKEN/DAY 1']))
    expect(Object.entries(await usageOf(group))).toEqual([['__proto__', [tokens(1, ...fresh)]]])
  })

  test('independent: an inherited limit shows its threshold, and what the group itself has used', async () => {
    const limits = ['TOKEN/DAY 1000', 'REQUEST/DAY 100']
    const parent = await frontier.createGroup({ models: { [slug]: limits } })
    const child = (...own: string[]) => frontier.createGroup({ parentId: parent, models: { [slug]: own } })
    const [one, two] = [await child('TOKEN/DAY 500'), await child()]
    const unlisted = await frontier.createGroup({ parentId: parent, models: { [other]: [] } })
    await call(await frontier.mintKey(one))
    await call(await frontier.mintKey(parent))
    await call(await frontier.mintKey(parent))
    expect(await usageOf(one)).toEqual({
      [slug]: [tokens(500, 60, midnight()), requests(100, 1, midnight())],
    })
    expect(await usageOf(two)).toEqual({ [slug]: [tokens(1000, ...fresh), requests(100, ...fresh)] })
    expect(await usageOf(parent)).toEqual({
      [slug]: [tokens(1000, 120, midnight()), requests(100, 2, midnight())],
    })
    expect(await usageOf(unlisted)).toEqual({})
    await frontier.request('PATCH', `/groups/${parent}`, { models: [modelOf(slug, ['TOKEN/DAY 800'])] })
    expect(await usageOf(two)).toEqual({ [slug]: [tokens(800, ...fresh)] })
    expect(await usageOf(one)).toEqual({ [slug]: [tokens(500, 60, midnight())] })
  })

  test('cascading: of several limits the nearest is shown, with the pool of whoever declares it', async () => {
    const mode = 'CASCADING'
    const root = await frontier.createGroup({
      mode,
      models: { [slug]: ['TOKEN/DAY 1000', 'REQUEST/DAY 100'] },
    })
    const middle = await frontier.createGroup({ parentId: root, models: { [slug]: ['TOKEN/DAY 600'] } })
    const leaf = (...own: string[]) => frontier.createGroup({ parentId: middle, models: { [slug]: own } })
    const [own, plain] = [await leaf('TOKEN/DAY 300'), await leaf()]
    await call(await frontier.mintKey(own))
    await call(await frontier.mintKey(plain))
    await call(await frontier.mintKey(root))
    expect(await usageOf(own)).toEqual({
      [slug]: [tokens(300, 60, midnight()), requests(100, 3, midnight())],
    })
    expect(await usageOf(plain)).toEqual({
      [slug]: [tokens(600, 120, midnight()), requests(100, 3, midnight())],
    })
    expect(await usageOf(root)).toEqual({
      [slug]: [tokens(1000, 180, midnight()), requests(100, 3, midnight())],
    })
  })

  test('a group that is gone is 404, and one of the same name begins anew', async () => {
    const make = () => frontier.createGroup({ externalId: 'phoenix', models: { [slug]: ['TOKEN/DAY 100'] } })
    const before = await make()
    await call(await frontier.mintKey(before))
    await frontier.request('DELETE', `/groups/${before}`)
    expect((await frontier.request('GET', `/groups/${before}/usage`)).status).toBe(404)
    expect((await frontier.request('GET', '/groups/g_unknown/usage')).status).toBe(404)
    expect(await read(await make())).toEqual({
      customer_id: 'phoenix',
      usage: { [slug]: [tokens(100, ...fresh)] },
    })
  })

  // The short form ends one in peace at midnight, below.
  test.each(isLong ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGKILL'] as const))(
    'a restart by %s shows what was used before it, at once',
    async (signal) => {
      const root = await frontier.createGroup({ mode: 'CASCADING', models: { [slug]: ['TOKEN/DAY 1000'] } })
      const leaf = await frontier.createGroup({ parentId: root, models: { [slug]: ['REQUEST/DAY 5'] } })
      const unused = await frontier.createGroup({ models: { [slug]: ['TOKEN/DAY 9'] } })
      const key = await frontier.mintKey(leaf)
      for (let calls = 0; calls < 3; calls += 1) await call(key)
      const expected = { [slug]: [requests(5, 3, midnight()), tokens(1000, 180, midnight())] }
      expect(await usageOf(leaf)).toEqual(expected)
      await restart(signal)
      expect(await usageOf(leaf)).toEqual(expected)
      expect(await usageOf(unused)).toEqual({ [slug]: [tokens(9, ...fresh)] })
      await call(key)
      expect(await usageOf(leaf)).toEqual({
        [slug]: [requests(5, 4, midnight()), tokens(1000, 240, midnight())],
      })
    },
  )

  test('at midnight it shows null until the next call, also after a restart, and a late end counts for the day before', async () => {
    const group = await frontier.createGroup({ models: { [slug]: ['TOKEN/DAY 1000', 'REQUEST/DAY 9'] } })
    const key = await frontier.mintKey(group)
    await call(key)
    now = Date.parse(midnight()) - 1
    await gateway.setClock(now)
    expect(await usageOf(group)).toEqual({
      [slug]: [tokens(1000, 60, midnight()), requests(9, 1, midnight())],
    })
    upstream.script({ stallBefore: 'head', promptTokens: 20, completionTokens: 40 })
    const arrived = upstream.nextRequest()
    const underWay = chatStatus(gateway, key, { model: slug })
    await arrived

    now += 1
    await gateway.setClock(now)
    const nothing = { [slug]: [tokens(1000, ...fresh), requests(9, ...fresh)] }
    expect(await usageOf(group)).toEqual(nothing)
    upstream.resume()
    expect(await underWay).toBe(200)
    expect(await usageOf(group)).toEqual(nothing)
    await restart('SIGTERM')
    expect(await usageOf(group)).toEqual(nothing)
    await call(key)
    expect(await usageOf(group)).toEqual({
      [slug]: [tokens(1000, 60, midnight()), requests(9, 1, midnight())],
    })
    expect(midnight()).toBe('2026-11-05T00:00:00Z')
  })
})
