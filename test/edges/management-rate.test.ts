import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { chatStatus, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { keyOf, labsConfiguration, openLab } from '../setup/labs.ts'

const labs = { aurora: openLab(), borealis: openLab() }
let now = Date.UTC(2026, 10, 3, 12)
let upstream: FakeUpstream
let gateway: Gateway

beforeAll(async () => {
  upstream = await startFakeUpstream()
  const config = labsConfiguration(upstream.url, labs, { management_requests_per_second: 5 })
  gateway = await startGateway({ config, clock: now })
})
afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

const aurora = keyOf('aurora', 'WORKSPACE_MANAGE_ALL')
const get = (path: string, key = aurora, headers = {}) =>
  fetch(gateway.url + path, { headers: { authorization: `Api-Key ${key}`, ...headers } })
const statusesOf = async (count: number, ...request: Parameters<typeof get>) => {
  const answers = await Promise.all(Array.from({ length: count }, () => get(...request)))
  return answers.map(({ status }) => status).toSorted()
}
const passing = async (ms: number) => {
  now += ms
  await gateway.setClock(now)
}

test('a key that calls a route too often within a second is 429, in the published form', async () => {
  expect(await statusesOf(5, '/v1/gateway/groups')).toEqual([200, 200, 200, 200, 200])
  const refused = await get('/v1/gateway/groups')
  expect(refused.status).toBe(429)
  expect(refused.headers.get('content-type')).toBe('application/json')
  const body = (await refused.json()) as object
  expect(body).toEqual({
    error: expect.stringContaining('5 times per second'),
    retry_after: expect.any(Number),
  })
  expect(refused.headers.get('retry-after')).toBe(String((body as { retry_after: number }).retry_after))
  expect((body as { retry_after: number }).retry_after).toBeGreaterThanOrEqual(1)

  await passing(999)
  expect((await get('/v1/gateway/groups')).status).toBe(429)
  await passing(101)
  expect(await statusesOf(6, '/v1/gateway/groups')).toEqual([200, 200, 200, 200, 200, 429])
})

test('each key has its own count, on each route, whatever the path names', async () => {
  await passing(2000)
  expect(await statusesOf(6, '/v1/gateway/groups')).toContain(429)
  const paths = [
    '/v1/gateway/endpoints',
    '/v1/audit_logs',
    '/v1/gateway/groups/g_1',
    '/v1/gateway/groups/g_1/usage',
  ]
  for (const path of paths) {
    const statuses = await statusesOf(6, path)
    expect(statuses.filter((status) => status === 429)).toHaveLength(1)
  }
  expect((await get('/v1/gateway/groups/g_2')).status).toBe(429)
  const posted = await fetch(`${gateway.url}/v1/gateway/groups`, {
    method: 'POST',
    headers: { authorization: `Api-Key ${aurora}` },
    body: '{}',
  })
  expect(posted.status).toBe(400)
  expect((await get('/v1/gateway/groups', keyOf('aurora', 'PERSONAL'))).status).toBe(200)
  expect((await get('/v1/gateway/groups', keyOf('borealis', 'PERSONAL'))).status).toBe(200)

  // An admin key is one key, in whichever workspace it acts.
  const inWorkspace = (id: string) => ({ 'x-tollgate-workspace': id })
  expect(await statusesOf(3, '/v1/gateway/groups', gateway.adminKey, inWorkspace('aurora'))).not.toContain(
    429,
  )
  expect(await statusesOf(3, '/v1/gateway/groups', gateway.adminKey, inWorkspace('borealis'))).toContain(429)
})

test('whoever may not come in is told so, and calls of models are not counted', async () => {
  await passing(2000)
  expect(new Set(await statusesOf(12, '/v1/gateway/groups', 'nobody'))).toEqual(new Set([401]))
  expect(new Set(await statusesOf(12, '/v1/gateway/groups', keyOf('aurora', 'WORKSPACE_INVOKE')))).toEqual(
    new Set([403]),
  )
  const frontier = openFrontier(gateway, aurora)
  await frontier.createEndpoint('aurora/lumen')
  const key = await frontier.mintKey(await frontier.createGroup({ models: { 'aurora/lumen': [] } }))
  for (let calls = 0; calls < 8; calls += 1) {
    expect(await chatStatus(gateway, key, { model: 'aurora/lumen' })).toBe(200)
  }
  for (let probes = 0; probes < 8; probes += 1) expect((await get('/healthz')).status).toBe(200)
})

test('the limit is 100 unless it is set', async () => {
  const { management_requests_per_second: _, ...frontier } = labsConfiguration(upstream.url, labs).frontier
  const usual = await startGateway({ config: { version: 2, frontier }, clock: now })
  const answers = await Promise.all(
    Array.from({ length: 101 }, () =>
      fetch(`${usual.url}/v1/gateway/endpoints`, { headers: { authorization: `Bearer ${aurora}` } }),
    ),
  )
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(100)
  expect(statuses.filter((status) => status === 429)).toHaveLength(1)
  await usual.stop()
})
