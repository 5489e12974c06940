import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { mostDatabases } from '../setup/databases.ts'
import { call, chatOf, type NativeAnswered } from '../setup/governance.ts'
import { type Managed, nativeEventOf, openManaged, picoOf } from '../setup/managed.ts'

/** Dollars for a token, by how a call is served. */
const prices = {
  input_cost_per_token: 0.000_003,
  cache_read_input_token_cost: 0.000_000_3,
  cache_creation_input_token_cost: 0.000_003_75,
  output_cost_per_token: 0.000_015,
  input_cost_per_token_above_200k_tokens: 0.000_006,
  output_cost_per_token_above_200k_tokens: 0.000_022_5,
  input_cost_per_token_priority: 0.000_005,
  output_cost_per_token_priority: 0.000_03,
  input_cost_per_token_batches: 0.000_001_4,
}
/** Of dollars that are written with all twelve digits. */
const pico = (dollars: string) => BigInt(dollars.replace('.', ''))

describe.each(mostDatabases())('what calls cost on $name', ({ create }) => {
  let world: Managed

  beforeAll(async () => {
    world = await openManaged(await create(), {
      providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'secret-of-openai' }] }],
      virtual_keys: [{ name: 'app', provider_configs: [{ provider: 'openai' }] }],
      pricing_overrides: [
        {
          name: 'priced',
          scope_kind: 'global',
          match_type: 'exact',
          pattern: 'priced',
          request_types: ['chat_completion', 'text_completion', 'responses', 'embedding'],
          patch: prices,
        },
      ],
    })
  })
  afterAll(() => world?.close())

  const post = (path: string, body: object) => call(world, world.keyOf('app'), body, { path })
  const ask = (model: string) => post('/v1/chat/completions', chatOf(model))

  /** A prompt of 10,000 tokens, of which 8,000 were read from a cache and 1,000 written to it, and 500 of output. */
  const cached: Script = {
    usage: {
      prompt_tokens: 10_000,
      completion_tokens: 500,
      total_tokens: 10_500,
      prompt_tokens_details: { cached_tokens: 8000, cached_write_tokens: 1000 },
    },
  }
  const costOfCached = pico('0.016650000000')

  test('73. Each token is charged at the price of what it is and how it was served, exactly.', async () => {
    const served = (input: number, output: number, service_tier?: string): Script => {
      const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
      const message = { role: 'assistant', content: 'a' }
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      return {
        body: JSON.stringify({
          id: 'c',
          object: 'chat.completion',
          model: 'm',
          choices,
          service_tier,
          usage,
        }),
      }
    }
    const bills = [
      [cached, '0.016650000000'],
      [served(200_000, 1000), '0.615000000000'],
      // One token more, and all of the call is charged as a long one.
      [served(200_001, 1000), '1.222506000000'],
      [served(1000, 100, 'priority'), '0.008000000000'],
      [served(1000, 100, 'default'), '0.004500000000'],
      // Half of what it is without a price of its own.
      [served(1000, 100, 'batch'), '0.002150000000'],
    ] as const
    const answers: NativeAnswered[] = []
    for (const [script] of bills) {
      world.upstream.script(script)
      answers.push(await ask('openai/priced'))
    }
    expect(
      (await Promise.all(answers.map((answered) => nativeEventOf(world, answered)))).map(picoOf),
    ).toEqual(bills.map(([, dollars]) => pico(dollars)))
  })

  test('74. Cached tokens are charged once: whole, streamed, and in each operation.', async () => {
    const input = { model: 'openai/priced', input: 'Hello' }
    const prompt = { model: 'openai/priced', prompt: 'Hello' }
    const calls = [
      ['/v1/chat/completions', chatOf('openai/priced')],
      ['/v1/chat/completions', chatOf('openai/priced', { stream: true })],
      [
        '/v1/chat/completions',
        chatOf('openai/priced', { stream: true, stream_options: { include_usage: true } }),
      ],
      ['/v1/completions', prompt],
      ['/v1/completions', { ...prompt, stream: true }],
      ['/v1/responses', input],
      ['/v1/responses', { ...input, stream: true }],
    ] as const
    const answers: NativeAnswered[] = []
    for (const [path, body] of calls) {
      world.upstream.script(cached)
      answers.push(await post(path, body))
    }
    const usage = { prompt_tokens: 10_000, prompt_tokens_details: { cached_tokens: 8000 } }
    world.upstream.script({ body: JSON.stringify({ object: 'list', data: [], model: 'm', usage }) })
    const embedded = await post('/v1/embeddings', input)
    for (const [at, event] of (
      await Promise.all(answers.map((answered) => nativeEventOf(world, answered)))
    ).entries()) {
      expect([calls[at], picoOf(event)]).toEqual([calls[at], costOfCached])
      expect(event).toMatchObject({
        input_tokens: 10_000,
        cache_read_tokens: 8000,
        cache_write_tokens: 1000,
        output_tokens: 500,
      })
    }
    expect(picoOf(await nativeEventOf(world, embedded))).toBe(pico('0.008400000000'))
  })
})
