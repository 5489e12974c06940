import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { call, chatOf, type Governed, openGoverned } from '../setup/governance.ts'

const noon = Date.UTC(2026, 10, 3, 12)
const value = (name: string) => `sk-bf-${name}`
const provider_configs = [{ provider: 'openai' }]
let world: Governed

beforeAll(async () => {
  world = await openGoverned(
    {
      providers: [
        {
          provider: 'openai',
          keys: [{ name: 'main', value: 'secret-main', aliases: { fast: 'gpt-4o-mini' } }],
        },
      ],
      customers: [{ name: 'acme' }],
      teams: [
        { name: 'ml', customer: 'acme', budgets: [{ id: 'of-ml', max_limit: 100, reset_duration: '1M' }] },
      ],
      virtual_keys: [
        { name: 'app', value: value('app'), team: 'ml', provider_configs },
        { name: 'free', value: value('free'), team: 'ml', provider_configs },
        {
          name: 'strict',
          value: value('strict'),
          provider_configs,
          rate_limit: {
            id: 'of-strict',
            token_max_limit: 300,
            token_reset_duration: '1h',
            request_max_limit: 100,
            request_reset_duration: '1h',
            strict: true,
          },
        },
        {
          name: 'held',
          value: value('held'),
          provider_configs,
          rate_limit: { id: 'of-held', token_max_limit: 1000, token_reset_duration: '1h', strict: true },
        },
      ],
      pricing_overrides: [
        { pattern: 'home-*', patch: { input_cost_per_token: '0', output_cost_per_token: '0' } },
        {
          pattern: 'gpt-4o-mini',
          patch: { input_cost_per_token: '0.5', output_cost_per_token: '1' },
          virtual_key: 'free',
        },
      ],
    },
    { clock: noon },
  )
})
afterAll(() => world.close())
beforeEach(() => world.upstream.program(() => undefined))

const usage = { promptTokens: 1000, completionTokens: 100 }

/** The event of a virtual key's calls, and what else is kept of it. */
function recordsOf(name: string) {
  return world.read(
    (database) =>
      database
        .selectFrom('usage_events')
        .innerJoin('native_calls', 'native_calls.id', 'usage_events.id')
        .selectAll()
        .where('usage_events.key_id', '=', name)
        .execute(),
    (rows) => rows.length > 0,
  )
}

function rollup(counter: string, isThere: (used: { used_whole: number; used_pico: number }) => boolean) {
  return world.read(
    (database) =>
      database
        .selectFrom('rollups')
        .select(['used_whole', 'used_pico'])
        .where('counter', '=', counter)
        .executeTakeFirst(),
    (row) => row !== undefined && isThere(row),
  )
}

describe('the record of a call', () => {
  test('says whose it was, what it cost, and what that rests on', async () => {
    world.upstream.script(usage)
    await call(world, value('app'), chatOf('openai/fast', { metadata: { trace: 'x' } }))
    const [row] = await recordsOf('app')
    expect(row).toMatchObject({
      workspace_id: 'default',
      key_id: 'app',
      key_prefix: 'app',
      node_id: null,
      external_id: null,
      model: 'openai/fast',
      provider: 'openai',
      upstream_model: 'gpt-4o-mini',
      input_tokens: 1000,
      output_tokens: 100,
      // $0.15 and $0.60 a million: 150 and 60 millionths.
      cost_whole: 210,
      cost_pico: 0,
      metadata: '{"trace":"x"}',
      outcome: 'ok',
      status: 200,
      virtual_key_id: 'app',
      team_id: 'ml',
      customer_id: 'acme',
      provider_key_id: 'main',
      request_type: 'chat_completion',
      priced: 1,
      cost_estimated: 0,
      parse_errors: 0,
    })
    expect(JSON.parse(row?.price_terms ?? '')).toEqual({
      source: 'catalog',
      parts: [
        ['input_cost_per_token', 1000, '0.00000015'],
        ['output_cost_per_token', 100, '0.0000006'],
      ],
    })
    expect(await rollup('budget:of-ml', ({ used_whole }) => used_whole > 0)).toEqual({
      used_whole: 210,
      used_pico: 0,
    })
  })

  test('rests on the operator’s own prices where there are some, and 0 is one', async () => {
    world.upstream.script({ promptTokens: 2, completionTokens: 3 })
    await call(world, value('free'), chatOf('openai/gpt-4o-mini'))
    expect((await call(world, value('free'), chatOf('openai/home-made'))).status).toBe(200)
    const rows = await world.read(
      () => recordsOf('free'),
      (found) => found.length === 2,
    )
    expect(rows).toMatchObject([
      { cost_whole: 4_000_000, priced: 1 },
      { cost_whole: 0, priced: 1 },
    ])
    expect(rows.map(({ price_terms }) => JSON.parse(price_terms).source)).toEqual(['override', 'override'])
  })
})

describe('the trail of a call that told no usage', () => {
  const trailOf = (answered: { readonly headers: Headers }) =>
    world.read(
      (database) =>
        database
          .selectFrom('native_calls')
          .leftJoin('usage_events', 'usage_events.id', 'native_calls.id')
          .innerJoin('attempts', 'attempts.id', 'native_calls.id')
          .selectAll('native_calls')
          .select(['usage_events.id as event', 'attempts.outcome'])
          .where('native_calls.request_id', '=', answered.headers.get('x-tollgate-request-id') ?? '')
          .execute(),
      (rows) => rows.length > 0,
    )

  test('is kept for a stream that ended well, with what of it could not be read', async () => {
    const chunk = (members: object) => `data: ${JSON.stringify({ id: 'c', model: 'm', ...members })}\n\n`
    world.upstream.script({
      body: [
        chunk({ choices: [{ index: 0, delta: { content: 'a' } }] }),
        'data: {"choices":\n\n',
        chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
        'data: [DONE]\n\n',
      ].join(''),
      contentType: 'text/event-stream',
    })
    const rows = await trailOf(
      await call(world, value('app'), chatOf('openai/gpt-4o-mini', { stream: true })),
    )
    expect(rows).toMatchObject([
      {
        event: null,
        outcome: 'ok',
        virtual_key_id: 'app',
        team_id: 'ml',
        customer_id: 'acme',
        provider_key_id: 'main',
        request_type: 'chat_completion',
        parse_errors: 1,
        priced: 0,
        cost_estimated: 0,
        price_terms: '{"source":"none"}',
      },
    ])
    expect(JSON.parse(rows[0]?.attempts ?? '')).toMatchObject([{ key_id: 'main', status: 200, class: 'ok' }])
  })

  test('is kept for one that its provider turned down', async () => {
    world.upstream.script({ status: 401 })
    const answered = await call(world, value('app'), chatOf('openai/gpt-4o-mini'))
    expect(answered.status).toBe(502)
    const [row] = await trailOf(answered)
    expect(row?.event).toBeNull()
    expect(JSON.parse(row?.attempts ?? '')).toMatchObject([
      { key_id: 'main', status: 401, class: 'credential', fail_reason: 'authentication_error' },
    ])
  })
})

describe('strict limits', () => {
  test('cap what was not capped, and say so', async () => {
    const { status, headers } = await call(world, value('strict'), chatOf('openai/gpt-4o-mini'))
    expect(status).toBe(200)
    const cap = Number(headers.get('x-tollgate-capped-max-tokens'))
    expect(cap).toBeGreaterThan(16)
    expect(cap).toBeLessThan(300)
    expect(world.upstream.requests.at(-1)?.json).toMatchObject({ max_completion_tokens: cap })
  })

  test('refuse what cannot be bounded, and what can never fit', async () => {
    const image = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,x' } }] }
    const unbounded = await call(world, value('strict'), chatOf('openai/gpt-4o-mini', { messages: [image] }))
    expect([unbounded.status, unbounded.body.error.code]).toEqual([400, 'cannot_be_bounded'])
    const tooLong = await call(
      world,
      value('strict'),
      chatOf('openai/gpt-4o-mini', { messages: [{ role: 'user', content: 'x'.repeat(1000) }] }),
    )
    expect([tooLong.status, tooLong.body.error.message]).toEqual([400, expect.stringContaining('300 tokens')])
  })

  test('are charged their whole hold when the provider breaks off, and not asked again', async () => {
    world.upstream.script({ cutAfterBytes: 0 })
    const before = world.upstream.served().requests
    const { status } = await call(world, value('held'), chatOf('openai/gpt-4o-mini', { max_tokens: 50 }))
    expect([status, world.upstream.served().requests - before]).toEqual([502, 1])
    const bytes = world.upstream.requests.at(-1)?.body.length ?? 0
    const charged = await rollup('rate:of-held:token', ({ used_whole }) => used_whole > 0)
    expect(charged?.used_whole).toBe(bytes + 50)
  })
})

test('a caller who leaves is charged the prompt, and the provider is let go', async () => {
  world.upstream.script({ stallAfterChunks: 1 })
  const abort = new AbortController()
  const response = await fetch(`${world.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bf-vk': value('app') },
    body: JSON.stringify(chatOf('openai/gpt-4o-mini', { stream: true, metadata: { leaves: 'soon' } })),
    signal: abort.signal,
  })
  await response.body?.getReader().read()
  abort.abort()
  const rows = await world.read(
    () => recordsOf('app'),
    (found) => found.some(({ outcome }) => outcome === 'cancelled'),
  )
  expect(rows.find(({ outcome }) => outcome === 'cancelled')).toMatchObject({
    estimated: 1,
    cost_estimated: 1,
    status: 499,
    // The role, and a word.
    output_tokens: 2,
  })
  expect(await world.upstream.requests.at(-1)?.ended).toBe('abandoned')
})

test('calls of virtual keys are not among the events that a workspace bills', async () => {
  await recordsOf('app')
  await world.gateway.setClock(noon + 180_000)
  const since = new Date(noon - 60_000).toISOString()
  const response = await fetch(`${world.gateway.url}/v1/gateway/events?start_time=${since}`, {
    headers: { authorization: `Bearer ${world.gateway.adminKey}`, 'x-tollgate-workspace': 'default' },
  })
  expect([response.status, await response.json()]).toMatchObject([200, { items: [] }])
})
