import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import {
  chat,
  chatStatus,
  configurationFor,
  type Frontier,
  modelOf,
  openFrontier,
} from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'

const noon = Date.UTC(2026, 10, 3, 12)
const secondMs = 1000
const dayMs = 86_400_000
const slug = 'aurora/lumen'

describe.each(mostDatabases())('calls of models on $name', ({ name, create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let frontier: Frontier
  let now = noon

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    gateway = await startGateway({
      config: configurationFor(upstream.url),
      clock: now,
      ...(name === 'Postgres' && { databaseUrl: place.url }),
    })
    frontier = openFrontier(gateway)
    await frontier.createEndpoint(slug)
    await frontier.createEndpoint('aurora/other')
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  const advance = async (ms: number) => {
    now += ms
    await gateway.setClock(now)
  }
  const keyFor = async (...limits: string[]) =>
    frontier.mintKey(await frontier.createGroup({ models: { [slug]: limits } }))

  test('7. A federated key is refused on every management path.', async () => {
    const key = await keyFor()
    for (const path of ['/events', '/groups', '/endpoints']) {
      const { status, body } = await openFrontier(gateway, key).request('GET', path)
      expect(status).toBe(401)
      expect(body).toMatchObject({ code: 'UNAUTHORIZED', message: expect.any(String) })
    }
  })

  test('15. New targets of an endpoint take its traffic at once, under the same id and slug.', async () => {
    const id = await frontier.createEndpoint('aurora/moving')
    const group = await frontier.createGroup({ models: { 'aurora/moving': [] } })
    const key = await frontier.mintKey(group)
    await chatStatus(gateway, key, { model: 'aurora/moving' })
    expect(upstream.requests.at(-1)?.json?.model).toBe('lumen-2')
    const targets = [{ provider: 'BASETEN', model_id: 'lumen', environment_name: 'canary' }]
    const patched = await frontier.request('PATCH', `/endpoints/${id}`, { targets })
    expect(patched.body).toMatchObject({ id, slug: 'aurora/moving', targets })
    expect(await chatStatus(gateway, key, { model: 'aurora/moving' })).toBe(200)
    expect(upstream.requests.at(-1)?.json?.model).toBe('lumen-3')
  })

  test('30. A slug that a PATCH leaves out is refused to existing keys at once.', async () => {
    const group = await frontier.createGroup({ models: { [slug]: [] } })
    const key = await frontier.mintKey(group)
    expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
    await frontier.request('PATCH', `/groups/${group}`, { models: [modelOf('aurora/other', [])] })
    expect(await chatStatus(gateway, key, { model: slug })).toBe(404)
    expect(await chatStatus(gateway, key, { model: 'aurora/other' })).toBe(200)
  })

  test('34. When a root is deleted, every key of its tree gets 401.', async () => {
    const root = await frontier.createGroup({ models: { [slug]: [] } })
    const child = await frontier.createGroup({ parentId: root, models: { [slug]: [] } })
    const keys = [await frontier.mintKey(root), await frontier.mintKey(child)]
    for (const key of keys) expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
    expect((await frontier.request('DELETE', `/groups/${root}`)).status).toBe(200)
    for (const key of keys) expect(await chatStatus(gateway, key, { model: slug })).toBe(401)
    expect((await frontier.request('GET', `/groups/${child}`)).status).toBe(404)
  })

  test('43. A revoked key gets 401 on its next call, and its siblings go on.', async () => {
    const group = await frontier.createGroup({ models: { [slug]: [] } })
    const [revoked, sibling] = [await frontier.mintKey(group), await frontier.mintKey(group)]
    const path = `/groups/${group}/api_keys/${revoked.split('.')[0]}`
    expect((await frontier.request('DELETE', path)).body).toEqual({ prefix: revoked.split('.')[0] })
    expect(await chatStatus(gateway, revoked, { model: slug })).toBe(401)
    expect(await chatStatus(gateway, sibling, { model: slug })).toBe(200)
    expect((await frontier.request('DELETE', path)).status).toBe(404)
    expect((await frontier.request('GET', path)).status).toBe(404)
  })

  test('47. A key and slug are served with `Api-Key`, and `model` in the answer is the slug; `Bearer` is as good.', async () => {
    const key = await keyFor()
    for (const scheme of ['Api-Key', 'Bearer']) {
      const response = await chat(gateway, key, { model: slug }, { scheme })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({
        model: slug,
        object: 'chat.completion',
        usage: expect.anything(),
      })
    }
  })

  test('48. A slug outside the group is 404, and nothing reaches the upstream.', async () => {
    const key = await keyFor()
    const before = upstream.served().requests
    const outside = await chat(gateway, key, { model: 'aurora/other' })
    const nowhere = await chat(gateway, key, { model: 'aurora/nowhere' })
    expect([outside.status, nowhere.status]).toEqual([404, 404])
    const body = await outside.json()
    expect(body).toMatchObject({ error_code: 'model_does_not_exist', error: expect.any(String) })
    expect(await nowhere.json()).toEqual(body)
    expect(upstream.served().requests).toBe(before)
  })

  test('49. Events of a stream arrive while the upstream still speaks, end with [DONE], and are metered.', async () => {
    const key = await keyFor('TOKEN/DAY 10')
    upstream.script({ stallAfterChunks: 2, promptTokens: 4, completionTokens: 6 })
    const response = await chat(gateway, key, { model: slug, stream: true })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const first = await reader.read()
    expect(first.value).toContain(`"model":"${slug}"`)
    expect(upstream.served().open).toBe(1)
    upstream.resume()
    let text = first.value ?? ''
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += piece.value
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(text).not.toContain('"choices":[]')
    expect(await chatStatus(gateway, key, { model: slug })).toBe(429)
  })

  test('50. Of four requests within 200 ms under REQUEST/SECOND 3, three succeed; 1.1 s later one does.', async () => {
    const key = await keyFor('REQUEST/SECOND 3')
    const call = () => chatStatus(gateway, key, { model: slug })
    const statuses = await Promise.all([call(), call(), call(), call()])
    expect(statuses.toSorted()).toEqual([200, 200, 200, 429])
    await advance(1.1 * secondMs)
    expect(await call()).toBe(200)
  })

  test('51. Under TOKEN/DAY 100, answers of 60 tokens are given twice, and the third call is 429.', async () => {
    const key = await keyFor('TOKEN/DAY 100')
    upstream.program(() => ({ promptTokens: 20, completionTokens: 40 }))
    const statuses = []
    for (let call = 0; call < 3; call++) statuses.push(await chatStatus(gateway, key, { model: slug }))
    upstream.program(() => undefined)
    expect(statuses).toEqual([200, 200, 429])
  })

  test('52. Limits on one slug leave the others of the group alone.', async () => {
    const group = await frontier.createGroup({ models: { [slug]: ['REQUEST/DAY 1'], 'aurora/other': [] } })
    const key = await frontier.mintKey(group)
    expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
    expect(await chatStatus(gateway, key, { model: slug })).toBe(429)
    expect(await chatStatus(gateway, key, { model: 'aurora/other' })).toBe(200)
  })

  test('53. Two keys of a group with REQUEST/DAY 2 that each called once are both refused next.', async () => {
    const group = await frontier.createGroup({ models: { [slug]: ['REQUEST/DAY 2'] } })
    const keys = [await frontier.mintKey(group), await frontier.mintKey(group)]
    for (const key of keys) expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
    for (const key of keys) expect(await chatStatus(gateway, key, { model: slug })).toBe(429)
  })

  test('54. CASCADING: children of 2 each under a parent of REQUEST/DAY 3 are both refused once they used 3.', async () => {
    const mode = 'CASCADING'
    const parent = await frontier.createGroup({ mode, models: { [slug]: ['REQUEST/DAY 3'] } })
    const childKey = async () =>
      frontier.mintKey(
        await frontier.createGroup({ mode, parentId: parent, models: { [slug]: ['REQUEST/DAY 2'] } }),
      )
    const [one, two] = [await childKey(), await childKey()]
    for (const key of [one, one, two]) expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
    for (const key of [two, one]) expect(await chatStatus(gateway, key, { model: slug })).toBe(429)
  })

  test('55. INDEPENDENT: two children that inherit REQUEST/DAY 2 have 2 each.', async () => {
    const parent = await frontier.createGroup({ models: { [slug]: ['REQUEST/DAY 2'] } })
    for (let child = 0; child < 2; child++) {
      const key = await frontier.mintKey(
        await frontier.createGroup({ parentId: parent, models: { [slug]: [] } }),
      )
      const statuses = []
      for (let call = 0; call < 3; call++) statuses.push(await chatStatus(gateway, key, { model: slug }))
      expect(statuses).toEqual([200, 200, 429])
    }
  })

  test('56. An exhausted day limit lets calls through again after midnight UTC.', async () => {
    const key = await keyFor('REQUEST/DAY 1')
    expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
    const refused = await chat(gateway, key, { model: slug })
    expect(refused.status).toBe(429)
    const midnight = Math.ceil(now / dayMs) * dayMs
    expect(refused.headers.get('retry-after')).toBe(String(Math.ceil((midnight - now) / secondMs)))
    await advance(midnight - 1 - now)
    expect(await chatStatus(gateway, key, { model: slug })).toBe(429)
    await advance(1)
    expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
  })
})

test('47. With the strict scheme, `Bearer` is 401 and `Api-Key` is served.', async () => {
  const upstream = await startFakeUpstream()
  const config = configurationFor(upstream.url) as { frontier: object }
  const gateway = await startGateway({
    config: { ...config, frontier: { ...config.frontier, strict_key_scheme: true } },
  })
  const frontier = openFrontier(gateway)
  await frontier.createEndpoint(slug)
  const key = await frontier.mintKey(await frontier.createGroup({ models: { [slug]: [] } }))
  expect(await chatStatus(gateway, key, { model: slug }, { scheme: 'Bearer' })).toBe(401)
  expect(await chatStatus(gateway, key, { model: slug }, { scheme: 'Api-Key' })).toBe(200)
  await gateway.stop()
  await upstream.close()
})
