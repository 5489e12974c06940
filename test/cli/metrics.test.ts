import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { chat, chatStatus, configurationFor, type Frontier, openFrontier } from '../setup/frontier.ts'
import { type GatewayProcess, startGatewayProcess } from '../setup/gateway.ts'

const slug = 'aurora/lumen'
const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/operations.md'), 'utf8')
let upstream: FakeUpstream
let gateway: GatewayProcess
let frontier: Frontier

beforeAll(async () => {
  upstream = await startFakeUpstream({ script: { promptTokens: 11, completionTokens: 7 } })
  gateway = await startGatewayProcess({ config: configurationFor(upstream.url) })
  frontier = openFrontier(gateway)
  await frontier.createEndpoint(slug)
})
afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

async function scrape(): Promise<string> {
  const response = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${gateway.adminKey}` },
  })
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return response.text()
}

async function read(...names: string[]): Promise<number[]> {
  const text = await scrape()
  return names.map((name) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length),
    ),
  )
}

/** Metrics of what another thread or the network does follow in their own time. */
async function expectSoon(name: string, judge: (value: number) => boolean): Promise<void> {
  await expect
    .poll(async () => read(name).then(([value = Number.NaN]) => judge(value)), {
      timeout: 20_000,
      interval: 100,
      message: name,
    })
    .toBe(true)
}

const keyFor = async (...limits: string[]) =>
  frontier.mintKey(await frontier.createGroup({ models: { [slug]: limits } }))

test('the guide names every metric, and no other', async () => {
  const scraped = [...(await scrape()).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
  const described = [...guide.matchAll(/^\| `((?:tollgate|governance)_\w+)`/gm)].map(([, name]) => name)
  expect(scraped.sort()).toEqual(described.sort())
})

test('known calls are counted: answers, refusals, tokens, durations', async () => {
  const names = [
    'tollgate_calls_total{status="200"}',
    'tollgate_calls_total{status="429"}',
    'tollgate_calls_total{status="401"}',
    'tollgate_refusals_total{metric="request"}',
    'tollgate_refusals_total{metric="token"}',
    'tollgate_refusals_total{metric="cost"}',
    'tollgate_input_tokens_total',
    'tollgate_output_tokens_total',
    'tollgate_call_seconds_count',
    'tollgate_upstream_seconds_count',
    'tollgate_call_seconds_bucket{le="+Inf"}',
  ]
  const before = (await read(...names)).map((value) => value || 0)
  const byRequests = await keyFor('REQUEST/DAY 2')
  const byTokens = await keyFor('TOKEN/DAY 10')
  expect(await chatStatus(gateway, byRequests, { model: slug })).toBe(200)
  expect(await chatStatus(gateway, byRequests, { model: slug, stream: true })).toBe(200)
  expect(await chatStatus(gateway, byRequests, { model: slug })).toBe(429)
  expect(await chatStatus(gateway, byTokens, { model: slug })).toBe(200)
  expect(await chatStatus(gateway, byTokens, { model: slug })).toBe(429)
  expect(await chatStatus(gateway, byTokens, { model: slug })).toBe(429)
  expect(await chatStatus(gateway, 'sky_unknown.key', { model: slug })).toBe(401)

  const after = await read(...names)
  const grown = Object.fromEntries(
    names.map((name, index) => [name, (after[index] ?? 0) - (before[index] ?? 0)]),
  )
  expect(grown).toEqual({
    'tollgate_calls_total{status="200"}': 3,
    'tollgate_calls_total{status="429"}': 3,
    'tollgate_calls_total{status="401"}': 1,
    'tollgate_refusals_total{metric="request"}': 1,
    'tollgate_refusals_total{metric="token"}': 2,
    'tollgate_refusals_total{metric="cost"}': 0,
    tollgate_input_tokens_total: 33,
    tollgate_output_tokens_total: 21,
    tollgate_call_seconds_count: 7,
    tollgate_upstream_seconds_count: 3,
    'tollgate_call_seconds_bucket{le="+Inf"}': 7,
  })
})

test('a stream under way is seen as open, and held, until it ends', async () => {
  const key = await keyFor('TOKEN/DAY 100000')
  upstream.script({ stallAfterChunks: 1 })
  const stream = await chat(gateway, key, { model: slug, stream: true })
  expect(await read('tollgate_streams_open', 'tollgate_holds_open')).toEqual([1, 1])
  const [counters = 0] = await read('tollgate_counters')
  expect(counters).toBeGreaterThan(0)
  upstream.resume()
  await stream.text()
  expect(await read('tollgate_streams_open', 'tollgate_holds_open')).toEqual([0, 0])
})

test('a provider that exceeds the cap of a strict limit is counted', async () => {
  const key = await keyFor('TOKEN/DAY 100000 strict')
  const name = 'tollgate_provider_exceeded_cap_total'
  const [before = 0] = await read(name)
  upstream.script({ promptTokens: 11, completionTokens: 5000 })
  expect(await chatStatus(gateway, key, { model: slug, max_tokens: 16 })).toBe(200)
  expect(await read(name)).toEqual([before + 1])
})

test('what cannot be drained shows as lag, and lag ends with its reason', async () => {
  const key = await keyFor('TOKEN/DAY 100000')
  await expectSoon('tollgate_drain_lag_bytes', (bytes) => bytes === 0)
  const database = new DatabaseSync(join(gateway.dataDirectory, 'tollgate.db'), { timeout: 10_000 })
  database.exec('begin immediate')
  expect(await chatStatus(gateway, key, { model: slug })).toBe(200)
  await expectSoon('tollgate_drain_lag_bytes', (bytes) => bytes > 0)
  await expectSoon('tollgate_drain_lag_seconds', (seconds) => seconds > 0)
  database.exec('rollback')
  database.close()
  await expectSoon('tollgate_drain_lag_bytes', (bytes) => bytes === 0)
  await expectSoon('tollgate_drain_lag_seconds', (seconds) => seconds === 0)
})

test('what cannot be spooled shows as lag, and lag ends with its reason', async () => {
  const key = await keyFor('TOKEN/DAY 100000')
  const limitFiles = (bytes: string) =>
    execFileSync('prlimit', ['--pid', String(gateway.process.pid), `--fsize=${bytes}:`])
  upstream.script({ stallAfterChunks: 1 })
  const stream = await chat(gateway, key, { model: slug, stream: true })
  limitFiles('0')
  upstream.resume()
  await expectSoon('tollgate_spool_lag_bytes', (bytes) => bytes > 0)
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503)
  limitFiles('unlimited')
  expect(await stream.text()).toContain('data: [DONE]')
  await expectSoon('tollgate_spool_lag_bytes', (bytes) => bytes === 0)
})
