import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat } from '../setup/frontier.ts'
import { expectHealthy, openWorld, slug, type World } from './world.ts'

/** Six hours before midnight, so that what is left of the day is a round number. */
const now = Date.UTC(2026, 10, 3, 18)

let world: World

beforeAll(async () => {
  world = await openWorld({ clock: now })
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})

const call = (key: string, more: object = {}) => chat(world.gateway, key, { model: slug, ...more })

async function keyUnder(...limits: string[]): Promise<string> {
  return world.frontier.mintKey(await world.frontier.createGroup({ models: { [slug]: limits } }))
}

/** All headers that tell of limits. */
function limitHeaders({ headers }: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => /ratelimit|retry-after/.test(name)))
}

// A rolling window forgets in steps of a sixtieth, and only once the step has passed that an admission fell into.
describe('a refusal', () => {
  test.each([
    [
      'REQUEST/SECOND',
      {
        'retry-after': '2',
        'ratelimit-policy': '"request-second";q=1;w=1',
        ratelimit: '"request-second";r=0;t=2',
        'x-ratelimit-limit-requests': '1',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1.017s',
      },
    ],
    [
      'REQUEST/MINUTE',
      {
        'retry-after': '61',
        'ratelimit-policy': '"request-minute";q=1;w=60',
        ratelimit: '"request-minute";r=0;t=61',
        'x-ratelimit-limit-requests': '1',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1m1s',
      },
    ],
    [
      'TOKEN/MINUTE',
      {
        'retry-after': '61',
        'ratelimit-policy': '"token-minute";q=1;w=60',
        ratelimit: '"token-minute";r=0;t=61',
        'x-ratelimit-limit-tokens': '1',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '1m1s',
      },
    ],
    [
      'TOKEN/DAY',
      {
        'retry-after': '21600',
        'ratelimit-policy': '"token-day";q=1;w=86400',
        ratelimit: '"token-day";r=0;t=21600',
        'x-ratelimit-limit-tokens': '1',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6h0m0s',
      },
    ],
  ])('by %s says what is spent, and when it opens', async (limit, headers) => {
    const key = await keyUnder(`${limit} 1`)
    expect((await call(key)).status).toBe(200)
    const refused = await call(key)
    expect(refused.status).toBe(429)
    expect(await refused.json()).toEqual({
      error: `Rate limit exceeded: ${limit} on ${slug}`,
      error_code: 'rate_limited',
    })
    expect(limitHeaders(refused)).toEqual(headers)
  })

  test('by more than one limit says when the last of them opens', async () => {
    const key = await keyUnder('REQUEST/MINUTE 1', 'REQUEST/DAY 1')
    expect((await call(key)).status).toBe(200)
    const refused = await call(key)
    expect(refused.headers.get('retry-after')).toBe('21600')
  })

  test('by calls under way alone says to try again in a second', async () => {
    const key = await keyUnder('TOKEN/DAY 300')
    world.upstream.script({ stallBefore: 'head' })
    const arrival = world.upstream.nextRequest()
    const first = call(key)
    await arrival
    const second = call(key, { max_tokens: 1000 })
    // The first holds 256 tokens of answer and a few of prompt, so another one still fits by what is used and held.
    expect((await second).status).toBe(200)
    const refused = await (async () => {
      for (let attempt = 0; attempt < 50; attempt++) {
        const response = await call(key)
        if (response.status === 429) return response
      }
      throw new Error('never refused')
    })()
    expect(refused.headers.get('retry-after')).toBe('1')
    world.upstream.resume()
    expect((await first).status).toBe(200)
  })

  test('by an ancestor’s limit names nobody: it reads as the group’s own would', async () => {
    const root = await world.frontier.createGroup({
      externalId: 'ancestor-nobody-may-know',
      mode: 'CASCADING',
      models: { [slug]: ['REQUEST/DAY 1'] },
    })
    const child = await world.frontier.createGroup({
      externalId: 'child',
      parentId: root,
      mode: 'CASCADING',
      models: { [slug]: ['REQUEST/DAY 1'] },
    })
    const sibling = await world.frontier.createGroup({
      externalId: 'sibling-nobody-may-know',
      parentId: root,
      mode: 'CASCADING',
      models: { [slug]: ['REQUEST/DAY 1'] },
    })
    expect((await call(await world.frontier.mintKey(sibling))).status).toBe(200)
    const refused = await call(await world.frontier.mintKey(child))
    expect(refused.status).toBe(429)
    const text = `${JSON.stringify([...refused.headers])}${await refused.text()}`
    for (const foreign of [root, sibling, child, 'nobody-may-know', 'aurora-labs'])
      expect(text).not.toContain(foreign)
    expect(text).toContain(`Rate limit exceeded: REQUEST/DAY on ${slug}`)
  })

  test('names the model as the caller does, whatever it is called upstream', async () => {
    const key = await keyUnder('REQUEST/DAY 1')
    await call(key)
    const refused = await call(key)
    expect(await refused.text()).not.toContain('lumen-2')
  })
})

describe('an answer', () => {
  test('tells how the tightest of the limits stands, by share', async () => {
    const key = await keyUnder('REQUEST/MINUTE 10', 'REQUEST/DAY 1000', 'TOKEN/DAY 1000000')
    expect(limitHeaders(await call(key))).toEqual({
      'ratelimit-policy': '"request-minute";q=10;w=60',
      ratelimit: '"request-minute";r=9;t=60',
      'x-ratelimit-limit-requests': '10',
      'x-ratelimit-remaining-requests': '9',
      'x-ratelimit-reset-requests': '1m0s',
    })
  })

  test('counts what calls under way hold', async () => {
    const key = await keyUnder('TOKEN/DAY 1000')
    const { ratelimit } = limitHeaders(await call(key, { max_tokens: 100 }))
    const left = Number(/^"token-day";r=(\d+);t=21600$/.exec(ratelimit ?? '')?.[1])
    expect(left).toBeGreaterThan(800)
    expect(left).toBeLessThan(900)
  })

  test('that is streamed tells so too', async () => {
    const key = await keyUnder('REQUEST/DAY 7')
    const response = await call(key, { stream: true })
    await response.text()
    expect(response.headers.get('ratelimit')).toBe('"request-day";r=6;t=21600')
  })

  test('that is an error of the upstream tells so too', async () => {
    const key = await keyUnder('REQUEST/DAY 7')
    world.upstream.script({ status: 500 })
    const response = await call(key)
    expect([response.status, response.headers.get('ratelimit')]).toEqual([500, '"request-day";r=6;t=21600'])
  })

  test('under no limit tells of none', async () => {
    expect(limitHeaders(await call(world.key))).toEqual({})
  })

  test('to a child tells of an ancestor’s tighter limit without naming it', async () => {
    const root = await world.frontier.createGroup({
      externalId: 'root-of-a-tree',
      mode: 'CASCADING',
      models: { [slug]: ['REQUEST/DAY 100'] },
    })
    const spender = await world.frontier.createGroup({
      parentId: root,
      mode: 'CASCADING',
      models: { [slug]: ['REQUEST/DAY 100'] },
    })
    const child = await world.frontier.createGroup({
      parentId: root,
      mode: 'CASCADING',
      models: { [slug]: ['REQUEST/DAY 50'] },
    })
    const spend = await world.frontier.mintKey(spender)
    for (let index = 0; index < 60; index++) expect((await call(spend)).status).toBe(200)
    const response = await call(await world.frontier.mintKey(child))
    expect(limitHeaders(response)).toMatchObject({
      'ratelimit-policy': '"request-day";q=100;w=86400',
      ratelimit: '"request-day";r=39;t=21600',
    })
    const text = `${JSON.stringify([...response.headers])}${await response.text()}`
    for (const foreign of [root, spender, 'root-of-a-tree']) expect(text).not.toContain(foreign)
  })
})
