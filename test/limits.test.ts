import { Agent, request } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from './fake-upstream.ts'
import { isLong } from './setup/form.ts'
import { chat, configurationFor, type Frontier, openFrontier } from './setup/frontier.ts'
import { type Gateway, startGateway } from './setup/gateway.ts'

const slug = 'aurora/lumen'
const atOnce = isLong ? 500 : 100

let upstream: FakeUpstream
let gateway: Gateway
let frontier: Frontier

beforeAll(async () => {
  upstream = await startFakeUpstream({ remembered: 100_000 })
  gateway = await startGateway({ config: configurationFor(upstream.url), clock: Date.UTC(2026, 10, 3, 12) })
  frontier = openFrontier(gateway)
  await frontier.createEndpoint(slug)
})
afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

const agent = new Agent({ keepAlive: true, maxSockets: atOnce })

/** Status of one call, its answer read to the end; over sockets of its own, so that all are under way at once. */
function call(key: string, wish: object = {}): Promise<number> {
  const body = JSON.stringify({ model: slug, messages: [{ role: 'user', content: 'Hello' }], ...wish })
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Api-Key ${key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const sent = request(
      `${gateway.url}/v1/chat/completions`,
      { agent, method: 'POST', headers },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
        response.once('error', reject)
      },
    )
    sent.once('error', reject)
    sent.end(body)
  })
}

async function callMany(
  count: number,
  each: (index: number) => Promise<number>,
): Promise<Map<number, number>> {
  const statuses = await Promise.all(Array.from({ length: count }, (_, index) => each(index)))
  const counts = new Map<number, number>()
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1)
  return counts
}

const keyUnder = async (...limits: string[]) =>
  frontier.mintKey(await frontier.createGroup({ models: { [slug]: limits } }))

describe.each(['MINUTE', 'SECOND', 'DAY'])('a ceiling of 50 requests a %s', (unit) => {
  test.each([false, true])(`admits exactly 50 of ${atOnce} at once (stream: %s)`, async (stream) => {
    const key = await keyUnder(`REQUEST/${unit} 50`)
    const before = upstream.served().requests
    const statuses = await callMany(atOnce, () => call(key, { stream }))
    expect(statuses).toEqual(
      new Map([
        [200, 50],
        [429, atOnce - 50],
      ]),
    )
    expect(upstream.served().requests - before).toBe(50)
  })
})

test('a tree of five CASCADING levels never admits more than any of its rows', async () => {
  const ceilings = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 5, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(ceilings, fc.integer({ min: 1, max: 3 }), async (drawn, branches) => {
      const falling = drawn.toSorted((one, other) => other - one)
      const leaves = await makeTree(falling, branches)
      const each = Math.ceil(120 / leaves.length)
      const admitted = await Promise.all(
        leaves.map(async (key) => (await callMany(each, () => call(key))).get(200) ?? 0),
      )
      for (const count of admitted) expect(count).toBeLessThanOrEqual(falling[4]!)
      const total = admitted.reduce((sum, count) => sum + count, 0)
      // Leaves hang on one chain of four, so the level above them is shared by all.
      expect(total).toBe(Math.min(falling[3]!, leaves.length * Math.min(each, falling[4]!)))
    }),
    { numRuns: isLong ? 25 : 3 },
  )
})

/** A chain of four groups with so many leaves below it; the keys of the leaves. */
async function makeTree(ceilings: readonly number[], branches: number): Promise<string[]> {
  const mode = 'CASCADING'
  let parentId: string | undefined
  for (const ceiling of ceilings.slice(0, 4)) {
    parentId = await frontier.createGroup({
      mode,
      ...(parentId && { parentId }),
      models: { [slug]: [`REQUEST/DAY ${ceiling}`] },
    })
  }
  const keys: string[] = []
  for (let branch = 0; branch < branches; branch++) {
    const leaf = { mode, parentId: parentId!, models: { [slug]: [`REQUEST/DAY ${ceilings[4]}`] } } as const
    keys.push(await frontier.mintKey(await frontier.createGroup(leaf)))
  }
  return keys
}

test.each([
  ['with max_tokens', { max_tokens: 40 }],
  ['without max_tokens', {}],
  ['streamed, with max_completion_tokens', { stream: true, max_completion_tokens: 25 }],
  ['streamed, without a cap', { stream: true }],
])(`a strict ceiling of tokens is not overrun by one token, ${atOnce} at once, %s`, async (_name, wish) => {
  const ceiling = 5000
  const group = await frontier.createGroup({ models: { [slug]: [`TOKEN/DAY ${ceiling} strict`] } })
  const key = await frontier.mintKey(group)
  // The provider gives all it may: as many tokens as the cap allows, and counts the body's bytes as the prompt.
  upstream.program(({ body }) => ({ promptTokens: body.length, chunks: 100_000, oneWrite: true }))
  const before = upstream.served().tokens
  let admitted = 0
  for (let round = 0; round < (isLong ? 3 : 2); round++) {
    const statuses = await callMany(atOnce, () => call(key, wish))
    admitted += statuses.get(200) ?? 0
    expect([...statuses.keys()].every((status) => status === 200 || status === 429)).toBe(true)
  }
  upstream.program(() => undefined)
  const after = upstream.served().tokens
  const used = after.prompt + after.completion - before.prompt - before.completion
  expect(admitted).toBeGreaterThan(0)
  expect(used).toBeLessThanOrEqual(ceiling)
  expect(used).toBeGreaterThan(ceiling / 2)
})

test('a strict limit says what it lowered the cap to, and refuses what cannot be bounded', async () => {
  const key = await keyUnder('TOKEN/DAY 3000 strict')
  const capped = await chat(gateway, key, { model: slug })
  expect(capped.status).toBe(200)
  const cap = Number(capped.headers.get('x-tollgate-capped-max-tokens'))
  expect(upstream.requests.at(-1)?.json?.max_tokens).toBe(cap)
  const image = [
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] },
  ]
  const refused = await chat(gateway, key, { model: slug, messages: image })
  expect(refused.status).toBe(400)
  expect(((await refused.json()) as { error: string }).error).toContain('strict limit')
  const tooLong = await chat(gateway, key, {
    model: slug,
    messages: [{ role: 'user', content: 'x'.repeat(4000) }],
  })
  expect(tooLong.status).toBe(400)
  expect(((await tooLong.json()) as { error: string }).error).toContain('3000 tokens per day')
})
