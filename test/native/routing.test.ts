import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, chatOf, type Governed, openGoverned, type ProviderWish } from '../setup/governance.ts'

const named = (provider: string, more: Partial<ProviderWish> = {}): ProviderWish => ({
  provider,
  keys: [{ name: `${provider}-main`, value: `secret-of-${provider}` }],
  ...more,
})

let world: Governed

beforeAll(async () => {
  world = await openGoverned({
    providers: [
      named('openai', {
        keys: [
          { name: 'openai-main', value: 'secret-of-openai' },
          { name: 'openai-second', value: 'secret-of-openai-second' },
        ],
        extra_headers: { 'x-org': 'ours', authorization: 'never' },
      }),
      named('groq'),
      named('outside'),
    ],
    virtual_keys: [
      { name: 'app', value: 'sk-bf-app', provider_configs: [{ provider: 'openai' }, { provider: 'groq' }] },
      {
        name: 'narrow',
        value: 'sk-bf-narrow',
        provider_configs: [{ provider: 'openai', allowed_models: ['alias'] }, { provider: 'groq' }],
      },
      {
        name: 'counted',
        value: 'sk-bf-counted',
        provider_configs: [{ provider: 'openai' }, { provider: 'groq' }],
        rate_limit: { request_max_limit: 2, request_reset_duration: '1h' },
      },
      {
        name: 'weighed',
        value: 'sk-bf-weighed',
        provider_configs: [
          { provider: 'openai', weight: 1, key_ids: ['openai-second'] },
          { provider: 'groq', weight: 0 },
        ],
      },
    ],
    routing_rules: [
      {
        name: 'gold',
        cel_expression: 'headers["x-tier"] == "gold"',
        targets: [{ provider: 'groq', model: 'golden', weight: 1 }],
      },
      {
        name: 'alias',
        cel_expression: 'model == "alias"',
        targets: [{ provider: 'openai', model: 'physical', key_id: 'openai-second', weight: 1 }],
      },
      {
        name: 'away',
        cel_expression: 'model == "away"',
        targets: [{ provider: 'outside', weight: 1 }],
      },
      {
        name: 'with-fallback',
        cel_expression: 'model == "flaky"',
        targets: [{ provider: 'openai', weight: 1 }],
        fallbacks: ['groq/'],
      },
      {
        name: 'half-used',
        cel_expression: 'vk_request >= 50.0 && request_type == "chat_completion"',
        targets: [{ provider: 'groq', weight: 1 }],
        virtual_key: 'counted',
      },
      { name: 'unreadable', cel_expression: 'model ==', targets: [{ provider: 'groq', weight: 1 }] },
    ],
  })
})
afterAll(() => world.close())

const ask = (key: string, model: string, headers: Record<string, string> = {}, more: object = {}) =>
  call(world, `sk-bf-${key}`, chatOf(model, more), { headers })

describe('routing rules', () => {
  test('send a call elsewhere where they match, and leave it alone where they do not', async () => {
    const gold = await ask('app', 'openai/m', { 'X-Tier': 'gold' })
    expect(gold.body.extra_fields).toMatchObject({ provider: 'groq', resolved_model_used: 'golden' })
    const plain = await ask('app', 'openai/m')
    expect([plain.status, plain.body.extra_fields.provider]).toEqual([200, 'openai'])
  })

  test('ask permission by the caller’s name for the model, and pin the key', async () => {
    const { status, body } = await ask('narrow', 'openai/alias')
    expect([status, body.extra_fields]).toMatchObject([
      200,
      { original_model_requested: 'alias', resolved_model_used: 'physical' },
    ])
    expect(world.upstream.requests.at(-1)?.headers.authorization).toBe('Bearer secret-of-openai-second')
    expect((await ask('narrow', 'openai/physical')).status).toBe(403)
  })

  test('do not lead out of what the virtual key may use', async () => {
    const { status, body } = await ask('app', 'openai/away')
    expect([status, body.type]).toEqual([403, 'provider_blocked'])
  })

  test('name fallbacks, which keep the model of the call', async () => {
    world.upstream.script({ status: 500 })
    const { status, body } = await ask('app', 'openai/flaky')
    expect([status, body.extra_fields.routing_info]).toMatchObject([
      200,
      { provider: 'groq', model: 'flaky', is_fallback: true },
    ])
  })

  test('know how much of a limit is used', async () => {
    expect((await ask('counted', 'openai/m')).body.extra_fields.provider).toBe('openai')
    expect((await ask('counted', 'openai/m')).body.extra_fields.provider).toBe('groq')
  })
})

describe('what goes to a provider', () => {
  test('are its own headers and those that the caller sends it, and no credential of ours', async () => {
    await ask('app', 'openai/m', {
      'x-bf-eh-x-trace': '7',
      'x-bf-eh-authorization': 'Bearer smuggled',
      'x-bf-eh-host': 'elsewhere',
      cookie: 'a=b',
    })
    const headers = world.upstream.requests.at(-1)?.headers ?? {}
    expect(headers).toMatchObject({ 'x-org': 'ours', 'x-trace': '7' })
    expect(headers.authorization).toMatch(/^Bearer secret-of-openai/)
    expect(headers.host).toBe(new URL(world.upstream.url).host)
    expect(Object.keys(headers).filter((name) => name.startsWith('x-bf-') || name === 'cookie')).toEqual([])
  })
})

test('a virtual key uses the keys that it may, and a weight of nothing when all else fails', async () => {
  world.upstream.program(({ headers }) =>
    headers.authorization === 'Bearer secret-of-openai-second' ? { status: 503 } : undefined,
  )
  const { status, body } = await ask('weighed', 'gpt-4o-mini')
  expect([status, body.extra_fields.provider, body.extra_fields.routing_info.is_fallback]).toEqual([
    200,
    'groq',
    true,
  ])
})
