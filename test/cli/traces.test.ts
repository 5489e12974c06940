import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { chat, configurationFor, openFrontier, workspaceKey } from '../setup/frontier.ts'
import { type GatewayProcess, startGatewayProcess } from '../setup/gateway.ts'

const slug = 'aurora/lumen'
const prompt = 'the-prompt-that-nobody-may-keep'
const words = 'the-answer-that-nobody-may-keep'
const upstreamKey = 'key-of-the-upstream'
const strangerKey = 'sky_stranger.with-a-key-that-is-none'
const dataDirectory = temporaryFolder()
let upstream: FakeUpstream
let gateway: GatewayProcess
let key: string
let calls = 0

/** Calls of every kind: answered, streamed, refused, failed, malformed, left. */
beforeAll(async () => {
  upstream = await startFakeUpstream({ script: { text: words } })
  gateway = await startGatewayProcess({ config: configurationFor(upstream.url), dataDirectory })
  const frontier = openFrontier(gateway)
  await frontier.createEndpoint(slug)
  key = await frontier.mintKey(
    await frontier.createGroup({ models: { [slug]: ['REQUEST/DAY 5', 'TOKEN/DAY 100000 strict'] } }),
  )
  const messages = [{ role: 'user', content: prompt }]
  const call = async (wish: object, withKey = key, init: Parameters<typeof chat>[3] = {}) => {
    calls += 1
    const response = await chat(gateway, withKey, { model: slug, messages, ...wish }, init)
    await response.text().catch(() => '')
    return response.status
  }
  expect(await call({})).toBe(200)
  expect(await call({ stream: true })).toBe(200)
  upstream.script({ status: 500, error: { message: `${words} ${upstreamKey}` } })
  expect(await call({})).toBe(500)
  upstream.script({ raw: `HTTP/1.1 2x0 ${words}\r\n\r\n` })
  expect(await call({})).toBe(502)
  upstream.script({ cutAfterChunks: 1 })
  expect(await call({ stream: true }).catch(() => 200)).toBe(200)
  expect(await call({})).toBe(429)
  expect(await call({}, strangerKey)).toBe(401)
  expect(await call({ model: 'aurora/unknown' })).toBe(404)
  expect(await call({ messages: undefined, prompt })).toBe(400)
})
afterAll(() => upstream.close())

/** Everything the gateway wrote, by where it stands. The configuration and the master key are the operator's. */
function written(): Map<string, Buffer> {
  // The database last: what leaves the spool meanwhile is looked for there.
  const files = readdirSync(dataDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'tollgate.json' && entry.name !== 'master-key')
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted((one, other) => Number(one.includes('tollgate.db')) - Number(other.includes('tollgate.db')))
  return new Map([
    ['standard output', Buffer.from(gateway.output())],
    ['standard error', Buffer.from(gateway.log())],
    ...files.flatMap((file) => {
      const bytes = bytesOf(file)
      return bytes === null ? [] : [[file, bytes] as const]
    }),
  ])
}

/** Null where the file is gone: what was spooled is in the database by now. */
function bytesOf(file: string): Buffer | null {
  try {
    return readFileSync(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function placesWith(text: string): string[] {
  return [...written()].filter(([, bytes]) => bytes.includes(text)).map(([place]) => place)
}

function callLines(): Record<string, unknown>[] {
  const lines = gateway.log().trim().split('\n')
  return lines.map((line) => JSON.parse(line)).filter((line) => 'status' in line)
}

test('standard error holds JSON lines only, one for each call', async () => {
  await expect.poll(() => callLines().length, { timeout: 10_000 }).toBe(calls)
  const [answered, , , , , refused, stranger] = callLines()
  expect(answered).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    id: expect.stringMatching(/^[0-9A-Z]{26}$/),
    key: key.split('.')[0],
    model: slug,
    status: 200,
    ms: expect.any(Number),
    input: expect.any(Number),
    output: expect.any(Number),
  })
  expect(refused).toMatchObject({ model: slug, status: 429 })
  expect(refused).not.toHaveProperty('input')
  expect(stranger).toMatchObject({ status: 401 })
  expect(stranger).not.toHaveProperty('key')
})

const secrets = () => ({
  'the secret part of a key': key.split('.')[1] ?? '',
  'the whole key': key,
  'a key that was refused': strangerKey,
  'the admin key': gateway.adminKey,
  'a workspace key': workspaceKey,
  "the upstream's credential": upstreamKey,
  'the prompt': prompt,
  'the answer': words,
})

test('no secret and no content stands in output, log, spool or database, while it runs and afterwards', async () => {
  const [prefix = ''] = key.split('.')
  const search = () =>
    Object.entries(secrets()).map(([what, text]) => [what, text !== '' && placesWith(text)])
  const clean = Object.keys(secrets()).map((what) => [what, []])
  expect(search()).toEqual(clean)
  await gateway.stop()
  expect(search()).toEqual(clean)
  // The search finds what is there: the public half of the key stands in log and database.
  expect(placesWith(prefix).length).toBeGreaterThan(1)
})
