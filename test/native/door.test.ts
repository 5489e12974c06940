import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, chatOf, type Governed, openGoverned } from '../setup/governance.ts'

const value = 'sk-bf-00000000-0000-4000-8000-000000000001'
let world: Governed

beforeAll(async () => {
  world = await openGoverned({
    providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'sk-of-the-provider' }] }],
    virtual_keys: [{ name: 'app', value, provider_configs: [{ provider: 'openai' }] }],
  })
})
afterAll(() => world.close())

describe('a call with a virtual key', () => {
  test('is answered by its provider, and says by whom', async () => {
    const { status, body, headers } = await call(world, value, chatOf('openai/gpt-4o-mini'))
    expect([status, body]).toMatchObject([
      200,
      {
        model: 'gpt-4o-mini',
        choices: [{ message: { content: 'Hello from the fake upstream' } }],
        extra_fields: {
          request_type: 'chat_completion',
          provider: 'openai',
          original_model_requested: 'gpt-4o-mini',
          model_requested: 'gpt-4o-mini',
          resolved_model_used: 'gpt-4o-mini',
          latency: expect.any(Number),
          routing_info: {
            provider: 'openai',
            model: 'gpt-4o-mini',
            key: 'main',
            is_fallback: false,
            primary_provider: 'openai',
            primary_model: 'gpt-4o-mini',
          },
        },
      },
    ])
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-bf-provider': 'openai',
      'x-bf-model': 'gpt-4o-mini',
      'x-bf-fallback-index': '0',
      'x-bf-governance-decision': 'allow',
      'content-type': 'application/json',
    })
    const sent = world.upstream.requests.at(-1)
    expect(sent).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-of-the-provider' },
      json: { model: 'gpt-4o-mini' },
    })
  })

  test('streams, the extra fields on its edges', async () => {
    const { status, text, headers } = await call(world, value, chatOf('openai/gpt-4o-mini', { stream: true }))
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      'text/event-stream',
      'no-cache',
    ])
    const events = text.split('\n\n').filter((event) => event !== '')
    expect(events.at(-1)).toBe('data: [DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)))
    expect(chunks.map(({ extra_fields }) => extra_fields?.chunk_index)).toEqual([
      0,
      ...chunks.slice(1, -1).map(() => undefined),
      chunks.length - 1,
    ])
    expect(chunks[0].extra_fields).toMatchObject({
      request_type: 'chat_completion_stream',
      provider: 'openai',
    })
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      usage: { completion_tokens: 5 },
    })
    expect(chunks.filter(({ choices }) => choices.length === 0)).toEqual([])
  })
})
