import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { mostDatabases } from '../setup/databases.ts'
import { call, chatOf, type NativeAnswered } from '../setup/governance.ts'
import { type Managed, nativeEventOf, openManaged, picoOf } from '../setup/managed.ts'

const custom = { custom_provider_config: { base_provider_type: 'openai' } }

describe.each(mostDatabases())('what the ledger keeps of calls on $name', ({ create }) => {
  let world: Managed

  beforeAll(async () => {
    world = await openManaged(await create(), {
      providers: [
        { provider: 'openai', keys: [{ name: 'openai-main', value: 'secret-of-openai' }] },
        { provider: 'groq', keys: [{ name: 'groq-main', value: 'secret-of-groq' }] },
        {
          provider: 'two-keys',
          keys: [
            { name: 'first', value: 'secret-of-first' },
            { name: 'second', value: 'secret-of-second', weight: 0 },
          ],
          network_config: { max_retries: 1, retry_backoff_initial: 1, retry_backoff_max: 5 },
          ...custom,
        },
        {
          provider: 'impatient',
          keys: [
            { name: 'third', value: 'secret-of-third' },
            { name: 'fourth', value: 'secret-of-fourth', weight: 0 },
          ],
          ...custom,
        },
      ],
      virtual_keys: [
        {
          name: 'app',
          provider_configs: ['openai', 'groq', 'two-keys', 'impatient'].map((provider) => ({ provider })),
        },
      ],
    })
  })
  afterAll(() => world?.close())
  beforeEach(() => world.upstream.program(() => undefined))

  const ask = (model: string, more: object = {}) => call(world, world.keyOf('app'), chatOf(model, more))
  const idOf = ({ headers }: NativeAnswered) => headers.get('x-tollgate-request-id') ?? ''

  const eventOf = (answered: NativeAnswered) => nativeEventOf(world, answered)
  const eventsOf = (answers: readonly NativeAnswered[]) => Promise.all(answers.map(eventOf))
  /** What each secret is answered, one script a request. */
  function scripted(scripts: Readonly<Record<string, readonly Script[]>>): void {
    const left = new Map(Object.entries(scripts).map(([secret, list]) => [`Bearer ${secret}`, [...list]]))
    world.upstream.program(({ headers }) => left.get(headers.authorization ?? '')?.shift())
  }

  test('24. Where no usage is told, none is made up.', async () => {
    world.upstream.script({ usage: 'absent' }, { includeUsage: 'never' })
    const whole = await ask('openai/m')
    expect([whole.status, 'usage' in whole.body]).toEqual([200, false])
    const streamed = await ask('openai/m', { stream: true })
    expect([streamed.status, streamed.text.includes('"usage"')]).toEqual([200, false])
    expect(streamed.text).toContain('[DONE]')
    const told = await ask('openai/m')
    await eventOf(told)
    // What came before it is in the ledger, too: as attempts without tokens, and as no event.
    const calls = [whole, streamed].map(idOf)
    const kept = await world.read(
      async (read) => ({
        attempts: await read
          .selectFrom('attempts')
          .select(['outcome', 'upstream_status', 'streamed'])
          .where('request_id', 'in', calls)
          .orderBy('streamed')
          .execute(),
        events: await read.selectFrom('usage_events').select('id').where('request_id', 'in', calls).execute(),
      }),
      ({ attempts }) => attempts.length === 2,
    )
    expect(kept).toEqual({
      attempts: [
        { outcome: 'ok', upstream_status: 200, streamed: 0 },
        { outcome: 'ok', upstream_status: 200, streamed: 1 },
      ],
      events: [],
    })
  })

  test('25. An event that is no JSON is left out and counted, and the stream goes on.', async () => {
    const chunk = (members: object) => `data: ${JSON.stringify({ id: 'c', model: 'm', ...members })}\n\n`
    world.upstream.script({
      body: [
        chunk({ choices: [{ index: 0, delta: { content: 'a' } }] }),
        'data: {"choices":[{"index":0,"delta":{"content":"lo\n\n',
        chunk({ choices: [{ index: 0, delta: { content: 'b' }, finish_reason: 'stop' }] }),
        chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }),
        'data: [DONE]\n\n',
      ].join(''),
      contentType: 'text/event-stream',
    })
    const answered = await ask('openai/m', { stream: true })
    expect(answered.text).toMatch(/"content":"a".*"content":"b".*data: \[DONE\]\n\n$/s)
    expect(answered.text).not.toContain('"lo')
    expect(await eventOf(answered)).toMatchObject({ parse_errors: 1, output_tokens: 2, status: 200 })
  })

  test('33. After a 429 the other key is used.', async () => {
    scripted({ 'secret-of-first': [{ status: 429 }] })
    const answered = await ask('two-keys/m')
    expect([answered.status, answered.body.extra_fields.routing_info.key]).toEqual([200, 'second'])
    const event = await eventOf(answered)
    expect(JSON.parse(event.attempts)).toMatchObject([
      { key_id: 'first', status: 429, class: 'rate_limit', fail_reason: 'rate_limit_error' },
      { key_id: 'second', status: 200, class: 'ok', fail_reason: null },
    ])
    expect(event.provider_key_id).toBe('second')
  })

  test('34. A key that is turned down gives way to another at once, whatever the retries.', async () => {
    const refusals = [
      [401, undefined, 'authentication_error'],
      [403, { message: 'no', code: null }, 'authentication_error'],
      [402, { message: 'spent', code: null }, 'billing_error'],
      [429, { message: 'spent', code: 'insufficient_quota' }, 'billing_error'],
    ] as const
    const answers: NativeAnswered[] = []
    for (const [status, error] of refusals) {
      scripted({ 'secret-of-third': [{ status, error }] })
      answers.push(await ask('impatient/m'))
    }
    for (const [at, event] of (await eventsOf(answers)).entries()) {
      const [status, , fail_reason] = refusals[at] ?? []
      expect(JSON.parse(event.attempts)).toMatchObject([
        { provider: 'impatient', model: 'm', key_id: 'third', key_name: 'third', status, fail_reason },
        { provider: 'impatient', key_id: 'fourth', status: 200, class: 'ok', fail_reason: null },
      ])
      expect(event).toMatchObject({ provider_key_id: 'fourth', upstream_status: 200, status: 200 })
    }
  })

  test('43. A fallback that answers is reported as such, and priced as what it is.', async () => {
    scripted({ 'secret-of-groq': [{ status: 500 }] })
    const answered = await ask('groq/m', { fallbacks: ['openai/gpt-4o'] })
    expect(answered.body.model).toBe('gpt-4o')
    expect(answered.body.extra_fields.routing_info).toMatchObject({
      provider: 'openai',
      model: 'gpt-4o',
      is_fallback: true,
      primary_provider: 'groq',
      primary_model: 'm',
    })
    const event = await eventOf(answered)
    expect(event).toMatchObject({
      provider: 'openai',
      upstream_model: 'gpt-4o',
      model: 'groq/m',
      priced: 1,
      node_id: null,
    })
    expect(event.virtual_key_id).toEqual(expect.any(String))
    expect(JSON.parse(event.attempts)).toMatchObject([
      { provider: 'groq', status: 500, class: 'transient' },
      { provider: 'openai', status: 200, class: 'ok' },
    ])
    // $2.50 and $10 a million.
    const { input_tokens, output_tokens } = event
    expect(picoOf(event)).toBe(BigInt(input_tokens) * 2_500_000n + BigInt(output_tokens) * 10_000_000n)
  })
})
