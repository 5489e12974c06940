import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { mostDatabases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import {
  call,
  chatOf,
  type NativeAnswered,
  type ProviderKeyWish,
  type ProviderWish,
} from '../setup/governance.ts'
import { type Managed, openManaged } from '../setup/managed.ts'

const soon = { retry_backoff_initial: 1, retry_backoff_max: 5 }
const mb = 2 ** 20
const custom = { custom_provider_config: { base_provider_type: 'openai' } }

/** With one key, whose secret is `secret-of-` and its name. */
function provider(name: string, more: Partial<ProviderWish> = {}): ProviderWish {
  return { provider: name, keys: [key(`${name}-main`, `secret-of-${name}`)], ...more }
}

/** A custom provider whose first key is drawn as long as it may be used. */
function twoKeys(name: string, network_config: Readonly<Record<string, unknown>>): ProviderWish {
  const keys = [key(`${name}-a`, `secret-${name}-a`), { ...key(`${name}-b`, `secret-${name}-b`), weight: 0 }]
  return { provider: name, keys, network_config: { ...soon, ...network_config }, ...custom }
}

function key(name: string, value: string): ProviderKeyWish {
  return { name, value }
}

interface ModelList {
  readonly data: readonly { readonly id: string }[]
  readonly next_page_token?: string
}

describe.each(mostDatabases())('the native door on $name', ({ create }) => {
  let world: Managed

  beforeAll(async () => {
    world = await openManaged(await create(), {
      client_config: { enforce_auth_on_inference: false, max_request_body_size_mb: 1 },
      providers: [
        provider('openai'),
        provider('openrouter'),
        provider('anthropic'),
        provider('groq'),
        {
          provider: 'dead',
          keys: [{ ...key('dead-main', 'secret-of-dead'), models: ['old'] }],
          network_config: { base_url: 'http://127.0.0.1:1' },
          ...custom,
        },
        twoKeys('retrying', { max_retries: 2 }),
        twoKeys('impatient', { max_retries: 0 }),
        provider('once-more', {
          network_config: { max_retries: 1, retry_backoff_initial: 100, retry_backoff_max: 1000 },
          ...custom,
        }),
        provider('silent', { network_config: { default_request_timeout_in_seconds: 1 }, ...custom }),
        provider('slow-starter', { network_config: { first_token_timeout_in_seconds: 1 }, ...custom }),
        provider('chats-only', {
          custom_provider_config: {
            base_provider_type: 'openai',
            allowed_requests: { chat_completion: true },
          },
        }),
        provider('nothing', {
          custom_provider_config: { base_provider_type: 'openai', allowed_requests: {} },
        }),
        {
          provider: 'weighted',
          keys: [
            { ...key('weighted-three', 'secret-weighted-three'), weight: 3 },
            key('weighted-one', 'secret-weighted-one'),
            { ...key('weighted-none', 'secret-weighted-none'), weight: 0 },
          ],
          ...custom,
        },
        {
          provider: 'picky',
          keys: [
            { ...key('picky-on', 'secret-picky-on'), models: ['m'] },
            { ...key('picky-off', 'secret-picky-off'), enabled: false },
          ],
          ...custom,
        },
      ],
    })
  })
  afterAll(() => world?.close())
  beforeEach(() => world.upstream.program(() => undefined))

  const ask = (model: string, more: object = {}, headers: Record<string, string> = {}) =>
    call(world, null, chatOf(model, more), { headers })
  const last = () => world.upstream.requests.at(-1)
  /** A chat whose body is sent as it is written. */
  async function post(body: string): Promise<NativeAnswered> {
    const response = await fetch(`${world.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    const text = await response.text()
    const { status, headers } = response
    return { status, headers, text, body: text.startsWith('{') ? JSON.parse(text) : null }
  }

  const secretIn = ({ headers }: { readonly headers: IncomingHttpHeaders }) =>
    headers.authorization?.slice('Bearer '.length) ?? ''
  /** When each request since `scripted` arrived, by a clock that only goes forward. */
  let arrivals: number[] = []
  /** What a call was answered, with which secrets its requests came, and when. */
  async function sentBy(action: () => Promise<NativeAnswered>) {
    const before = world.upstream.requests.length
    arrivals = []
    const answered = await action()
    return { answered, keys: world.upstream.requests.slice(before).map(secretIn), at: arrivals }
  }
  const gapMs = ([first = 0, second = 0]: readonly number[]) => second - first
  /** Scripts by secret: the first of each is used up first. */
  function scripted(scripts: Readonly<Record<string, readonly Script[]>>): void {
    const left = new Map(Object.entries(scripts).map(([secret, list]) => [secret, [...list]]))
    world.upstream.program((request) => {
      arrivals.push(performance.now())
      return left.get(secretIn(request))?.shift()
    })
  }

  test('1. A name with a provider in front goes to that provider without it.', async () => {
    const { status, body } = await ask('openai/gpt-4o-mini')
    expect(status).toBe(200)
    expect(body.extra_fields.routing_info.provider).toBe('openai')
    expect(last()?.json?.model).toBe('gpt-4o-mini')
  })

  test('2. Only the first slash counts.', async () => {
    expect((await ask('openrouter/anthropic/claude-x')).status).toBe(200)
    expect(last()).toMatchObject({
      json: { model: 'anthropic/claude-x' },
      headers: { authorization: 'Bearer secret-of-openrouter' },
    })
  })

  test('3. A bare name goes to a configured provider that serves it; where there is none, it is 400.', async () => {
    const known = await ask('gpt-4o-mini')
    expect(known.body.extra_fields).toMatchObject({ provider: 'openai', resolved_model_used: 'gpt-4o-mini' })
    const unknown = await ask('nobody-serves-this')
    expect([unknown.status, unknown.body.error.message, unknown.body.extra_fields.error_type]).toEqual([
      400,
      expect.stringContaining('provider/model'),
      'caller_model_not_available',
    ])
  })

  test('4. What is missing is named: the model, or what it is to work on.', async () => {
    const post = (path: string, body: object) => call(world, null, body, { path })
    const noModel = await post('/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] })
    expect([noModel.status, noModel.body.error.message]).toEqual([
      400,
      expect.stringContaining('model is required'),
    ])
    for (const [path, member] of [
      ['/v1/chat/completions', 'messages'],
      ['/v1/completions', 'prompt'],
      ['/v1/embeddings', 'input'],
      ['/v1/responses', 'input'],
    ] as const) {
      const missing = await post(path, { model: 'openai/gpt-4o-mini' })
      expect([missing.status, missing.body.error.message]).toEqual([400, expect.stringContaining(member)])
      expect((await post(path, { model: 'openai/gpt-4o-mini', [member]: [] })).status).toBe(400)
    }
  })

  test('5. A body that is no JSON is 400, one that is too large 413, both in JSON.', async () => {
    const send = async (body: string) => {
      const { status, headers, body: told } = await post(body)
      return [status, headers.get('content-type'), told.status_code, told.error.message]
    }
    const json = 'application/json'
    expect(await send('{"model":')).toEqual([400, json, 400, expect.stringContaining('JSON')])
    const tooLarge = JSON.stringify(chatOf('openai/m', { pad: 'y'.repeat(mb) }))
    expect(await send(tooLarge)).toEqual([413, json, 413, expect.stringContaining(String(mb))])
    expect((await post(JSON.stringify(chatOf('openai/m', { pad: 'y'.repeat(mb - 1000) })))).status).toBe(200)
  })

  test('6. Fallbacks are texts or objects, a malformed one is passed over, and none goes to the provider.', async () => {
    scripted({ 'secret-of-openai': [{ status: 500 }, { status: 500 }] })
    const asText = await ask('openai/m', { fallbacks: [7, {}, null, '', ['groq/m'], { model: 3 }, 'groq/m'] })
    expect([asText.status, asText.body.extra_fields.provider]).toEqual([200, 'groq'])
    const asObject = await ask('openai/m', { fallbacks: [{ provider: 'groq', model: 'm' }] })
    expect([asObject.status, asObject.headers.get('x-bf-fallback-index')]).toEqual([200, '1'])
    for (const { json } of world.upstream.requests.slice(-4))
      expect(json).toEqual({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] })
    const none = await ask('openai/m', { fallbacks: 'groq/m' })
    expect([none.status, last()?.json]).toEqual([200, expect.not.objectContaining({ fallbacks: 'groq/m' })])
  })

  test('7. A member that nobody knows is left out, unless the caller wants it passed through.', async () => {
    const foo = { a: 1, nested: { b: [2] } }
    await ask('openai/m', { foo })
    expect(last()?.json).not.toHaveProperty('foo')
    await ask(
      'openai/m',
      { foo, stream: true, stream_options: { bar: true } },
      { 'x-bf-passthrough-extra-params': 'true' },
    )
    expect(last()?.json).toMatchObject({ foo, stream_options: { bar: true, include_usage: true } })
    await ask('openai/m', { foo }, { 'x-bf-passthrough-extra-params': 'false' })
    expect(last()?.json).not.toHaveProperty('foo')
  })

  test('8. The older cap takes the newer name where a provider wants that, and gives way to the newer one.', async () => {
    await ask('openai/m', { max_tokens: 3 })
    expect(last()?.json).toMatchObject({ max_completion_tokens: 3 })
    expect(last()?.json).not.toHaveProperty('max_tokens')
    await ask('openai/m', { max_tokens: 3, max_completion_tokens: 4 })
    expect(last()?.json).toMatchObject({ max_completion_tokens: 4 })
    expect(last()?.json).not.toHaveProperty('max_tokens')
  })

  test('9. A setting of reasoning that is given in both forms is 400.', async () => {
    const before = world.upstream.served().requests
    const both = await ask('openai/m', { reasoning_effort: 'low', reasoning: { effort: 'high' } })
    expect([both.status, both.body.error.message]).toEqual([400, expect.stringContaining('reasoning_effort')])
    expect(world.upstream.served().requests).toBe(before)
    await ask('openai/m', { reasoning: { effort: 'high' } })
    expect(last()?.json).toMatchObject({ reasoning_effort: 'high' })
  })

  test('10. Schemas go out with the order of their keys and the spelling of their numbers.', async () => {
    const schema = '{"zeta":{"minimum":1.0},"alpha":{"maximum":1e2,"const":12345678901234567890},"2":0,"1":0}'
    const body = `{"model":"openai/m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":${schema}},"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]}`
    expect((await post(body)).status).toBe(200)
    expect(last()?.body.toString()).toBe(body.replace('"openai/m"', '"m"'))
    const streamed = body.replace('{"model"', '{"stream":true,"model"')
    expect((await post(streamed)).status).toBe(200)
    expect(last()?.body.toString().split(schema)).toHaveLength(3)
  })

  test('11. A provider’s error keeps status and words; its code is always a text.', async () => {
    for (const status of [404, 422, 429, 500]) {
      world.upstream.script({ status, error: { message: `because of ${status}`, type: 'x', code: 17 } })
      const { status: told, body } = await ask('openai/m')
      expect([told, body]).toMatchObject([
        status,
        {
          is_bifrost_error: false,
          status_code: status,
          error: { message: `because of ${status}`, type: 'x', code: '17' },
          extra_fields: { request_type: 'chat_completion', provider: 'openai' },
        },
      ])
    }
  })

  test('12. The list of models holds those of all providers, with their provider in front, page by page.', async () => {
    const list = async (query: string) =>
      (await call(world, null, null, { path: `/v1/models${query}` })).body as ModelList
    const idsOf = ({ data }: ModelList) => data.map(({ id }) => id)
    const ids = idsOf(await list(''))
    // One whose provider cannot be reached, and that names its models, is no worse.
    expect(ids).toEqual(expect.arrayContaining(['openai/gpt-4o-mini', 'picky/m', 'dead/old']))
    expect(new Set(ids).size).toBe(ids.length)
    const pages: string[] = []
    let token: string | undefined
    do {
      const page = await list(`?page_size=100${token === undefined ? '' : `&page_token=${token}`}`)
      expect(page.data.length).toBeLessThanOrEqual(100)
      pages.push(...idsOf(page))
      token = page.next_page_token
    } while (token !== undefined)
    expect(pages).toEqual(ids)
    const ofGroq = ids.filter((id) => id.startsWith('groq/'))
    expect(ofGroq.length).toBeGreaterThan(0)
    expect(idsOf(await list('?provider=groq'))).toEqual(ofGroq)
  })

  test('13. Completions, embeddings and responses come back whole.', async () => {
    const text = await call(world, null, { model: 'openai/m', prompt: 'Hi' }, { path: '/v1/completions' })
    expect(text.body).toMatchObject({
      object: 'text_completion',
      choices: [{ text: 'Hello from the fake upstream' }],
      extra_fields: { request_type: 'text_completion' },
    })
    const vectors = await call(
      world,
      null,
      { model: 'openai/m', input: ['a', 'b'] },
      { path: '/v1/embeddings' },
    )
    expect(vectors.body).toMatchObject({ object: 'list', extra_fields: { request_type: 'embedding' } })
    expect(vectors.body.data).toHaveLength(2)
    const response = await call(world, null, { model: 'openai/m', input: 'Hi' }, { path: '/v1/responses' })
    expect(response.body).toMatchObject({ object: 'response', extra_fields: { request_type: 'responses' } })
  })

  test('14. What a provider cannot do is told without asking it.', async () => {
    const before = world.upstream.served().requests
    const unsupported = [400, 'unsupported_operation', 'caller_invalid_request']
    const said = ({ status, body }: NativeAnswered) => [status, body.error.code, body.extra_fields.error_type]
    for (const [name, body, path] of [
      ['anthropic', { input: 'x' }, '/v1/embeddings'],
      ['chats-only', { input: 'x' }, '/v1/embeddings'],
      ['chats-only', chatOf('', { stream: true }), '/v1/chat/completions'],
      ['nothing', chatOf(''), '/v1/chat/completions'],
    ] as const) {
      expect(said(await call(world, null, { ...body, model: `${name}/m` }, { path }))).toEqual(unsupported)
    }
    expect(world.upstream.served().requests).toBe(before)
    expect((await ask('chats-only/m')).status).toBe(200)
    const moved = { model: 'chats-only/m', input: 'x', fallbacks: ['openai/m'] }
    expect((await call(world, null, moved, { path: '/v1/embeddings' })).status).toBe(200)
  })

  const chunksOf = (text: string) =>
    text
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .map((event) => JSON.parse(event.slice('data: '.length)))

  test('17. A stream of a chat ends with one `[DONE]`, one of the newer kind with its last event.', async () => {
    const chat = await ask('openai/m', { stream: true })
    expect(chat.text.match(/data: \[DONE\]/g)).toHaveLength(1)
    const typed = await call(
      world,
      null,
      { model: 'openai/m', input: 'x', stream: true },
      { path: '/v1/responses' },
    )
    expect(typed.text).not.toContain('[DONE]')
    expect(typed.text).toMatch(/event: response\.completed\ndata: .*\n\n$/)
  })

  test('19. What goes wrong before the first content is an error like any other, not a stream.', async () => {
    world.upstream.script({ status: 429 })
    const refused = await ask('openai/m', { stream: true })
    expect([refused.status, refused.headers.get('content-type')]).toEqual([429, 'application/json'])
    world.upstream.script({ cutAfterChunks: 0 })
    const cut = await ask('openai/m', { stream: true })
    expect([cut.status, cut.headers.get('content-type')]).toEqual([502, 'application/json'])
  })

  test('20. A stream that is cut after content ends with an error, and without `[DONE]`.', async () => {
    world.upstream.script({ cutAfterChunks: 2 })
    const { status, text } = await ask('openai/m', { stream: true })
    expect(status).toBe(200)
    expect(text).not.toContain('[DONE]')
    expect(chunksOf(text).at(-1)).toMatchObject({
      is_bifrost_error: false,
      error: { message: expect.any(String) },
    })
  })

  test('22. Usage has an event of its own where it was asked for, and else stands in the last chunk.', async () => {
    const asked = chunksOf(
      (await ask('openai/m', { stream: true, stream_options: { include_usage: true } })).text,
    )
    expect(asked.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } })
    const unasked = chunksOf((await ask('openai/m', { stream: true })).text)
    expect(unasked.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      usage: { completion_tokens: 5 },
    })
    expect(unasked.filter(({ choices }) => choices.length === 0)).toEqual([])
  })

  test('23. A last chunk that has everything stays one.', async () => {
    const told = (members: object) =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', ...members })}\n\n`
    const first = told({
      choices: [{ index: 0, delta: { role: 'assistant', content: 'a' }, finish_reason: null }],
    })
    const everything = told({
      choices: [{ index: 0, delta: { content: 'b' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    })
    for (const stream_options of [undefined, { include_usage: true }]) {
      world.upstream.script({
        body: `${first}${everything}data: [DONE]\n\n`,
        contentType: 'text/event-stream',
      })
      const chunks = chunksOf((await ask('openai/m', { stream: true, stream_options })).text)
      expect(chunks).toHaveLength(2)
      expect(chunks[1]).toMatchObject({
        choices: [{ delta: { content: 'b' }, finish_reason: 'stop' }],
        usage: { completion_tokens: 2 },
      })
    }
  })

  test('32. A failure that may pass is asked about once more, with the same key.', async () => {
    for (const status of [500, 503, 529]) {
      scripted({ 'secret-of-once-more': [{ status }] })
      const { answered, keys, at } = await sentBy(() => ask('once-more/m'))
      expect([answered.status, keys]).toEqual([200, ['secret-of-once-more', 'secret-of-once-more']])
      expect(gapMs(at)).toBeGreaterThanOrEqual(0.8 * 100)
    }
    scripted({ 'secret-of-once-more': [{ status: 500 }, { status: 500, error: { message: 'again' } }] })
    const { answered, keys } = await sentBy(() => ask('once-more/m'))
    expect([answered.status, answered.body.error.message, keys.length]).toEqual([500, 'again', 2])
  })

  test('35. Where all keys are turned down, it is 502 in the provider’s words.', async () => {
    const dead = (message: string) => ({ status: 401, error: { message } })
    const exhausted = { code: 'upstream_credentials_exhausted', message: 'This key is dead.' }
    const deadKeys = {
      'secret-impatient-a': [dead('This one, too.')],
      'secret-impatient-b': [dead('This key is dead.')],
    }
    scripted(deadKeys)
    const { answered, keys } = await sentBy(() => ask('impatient/m'))
    expect([answered.status, answered.body]).toMatchObject([
      502,
      { error: exhausted, extra_fields: { error_type: 'provider_credentials_exhausted' } },
    ])
    expect(keys).toEqual(['secret-impatient-a', 'secret-impatient-b'])

    scripted({ 'secret-of-once-more': [dead('This key is dead.')] })
    const only = await sentBy(() => ask('once-more/m'))
    expect([only.answered.status, only.answered.body.error, only.keys.length]).toMatchObject([
      502,
      exhausted,
      1,
    ])

    scripted(deadKeys)
    const moved = await sentBy(() => ask('impatient/m', { fallbacks: ['groq/m'] }))
    expect([moved.answered.status, moved.keys.at(-1)]).toEqual([200, 'secret-of-groq'])
  })

  test('36. A fault of the request is not asked about again, but the fallback is.', async () => {
    const tooLong = { status: 400, error: { message: 'too long', code: 'context_length_exceeded' } }
    scripted({ 'secret-of-once-more': [tooLong, tooLong] })
    const { answered, keys } = await sentBy(() => ask('once-more/m', { fallbacks: ['groq/m'] }))
    expect([answered.status, keys]).toEqual([200, ['secret-of-once-more', 'secret-of-groq']])
    const alone = await sentBy(() => ask('once-more/m'))
    expect([alone.answered.status, alone.answered.body.error.code, alone.keys]).toEqual([
      400,
      'context_length_exceeded',
      ['secret-of-once-more'],
    ])
  })

  test('37. A verdict on the content is final: neither asked again nor, unless that is wished for, elsewhere.', async () => {
    const verdict = { status: 400, error: { message: 'no', code: 'content_policy_violation' } }
    scripted({ 'secret-of-once-more': [verdict] })
    const { answered, keys } = await sentBy(() => ask('once-more/m', { fallbacks: ['groq/m'] }))
    expect([answered.status, answered.body.error.code, keys]).toEqual([
      400,
      'content_policy_violation',
      ['secret-of-once-more'],
    ])
    await world.manage('PUT', '/api/config', { client_config: { fallback_on_content_filter: true } })
    scripted({ 'secret-of-once-more': [verdict] })
    const moved = await sentBy(() => ask('once-more/m', { fallbacks: ['groq/m'] }))
    await world.manage('PUT', '/api/config', { client_config: { fallback_on_content_filter: false } })
    expect([moved.answered.status, moved.keys]).toEqual([200, ['secret-of-once-more', 'secret-of-groq']])
  })

  test('38. A key is never asked again sooner than its provider says: another is.', async () => {
    const busy = (seconds: string) => ({ status: 429, headers: { 'retry-after': seconds } })
    // The only key waits as long as it is told to.
    scripted({ 'secret-of-once-more': [busy('1')] })
    const waited = await sentBy(() => ask('once-more/m'))
    expect([waited.answered.status, waited.keys.length]).toEqual([200, 2])
    expect(gapMs(waited.at)).toBeGreaterThanOrEqual(1000)
    // It waits for the one that is free first, also where the other is turned down meanwhile.
    scripted({ 'secret-retrying-a': [busy('1')], 'secret-retrying-b': [{ status: 401 }] })
    const returned = await sentBy(() => ask('retrying/m'))
    expect([returned.answered.status, returned.keys]).toEqual([
      200,
      ['secret-retrying-a', 'secret-retrying-b', 'secret-retrying-a'],
    ])
    expect((returned.at[2] ?? 0) - (returned.at[0] ?? 0)).toBeGreaterThanOrEqual(1000)
    // Longer than a call may wait: the other key at once, in the calls that follow too, or the fallback.
    scripted({ 'secret-retrying-a': [busy('60')] })
    const other = await sentBy(() => ask('retrying/m'))
    expect(other.keys).toEqual(['secret-retrying-a', 'secret-retrying-b'])
    const next = await sentBy(() => ask('retrying/m'))
    expect([next.answered.status, next.keys]).toEqual([200, ['secret-retrying-b']])
    // As long as one is left alone, the other is asked again where it may be.
    scripted({ 'secret-retrying-b': [{ status: 429 }] })
    const again = await sentBy(() => ask('retrying/m'))
    expect([again.answered.status, again.keys]).toEqual([200, ['secret-retrying-b', 'secret-retrying-b']])
    // Not even when the other is turned down.
    scripted({ 'secret-retrying-b': [{ status: 401 }], 'secret-of-once-more': [busy('60')] })
    const left = await sentBy(() => ask('retrying/m'))
    expect([left.answered.status, left.keys]).toEqual([502, ['secret-retrying-b']])
    const moved = await sentBy(() => ask('once-more/m', { fallbacks: ['groq/m'] }))
    expect([moved.answered.status, moved.keys]).toEqual([200, ['secret-of-once-more', 'secret-of-groq']])
  })

  test('39. A provider that says nothing is left for the fallback, after one attempt.', async () => {
    scripted({ 'secret-of-silent': [{ stallBefore: 'head' }] })
    const { answered, keys } = await sentBy(() => ask('silent/m', { fallbacks: ['groq/m'] }))
    expect([answered.status, keys]).toEqual([200, ['secret-of-silent', 'secret-of-groq']])
    scripted({ 'secret-of-silent': [{ stallBefore: 'head' }] })
    const alone = await ask('silent/m')
    expect([alone.status, alone.body.error.message]).toEqual([
      504,
      expect.stringContaining('default_request_timeout_in_seconds'),
    ])
  })

  test('40. A stream whose first content is late is left for the fallback.', async () => {
    scripted({ 'secret-of-slow-starter': [{ stallAfterChunks: 0 }] })
    const { answered, keys } = await sentBy(() =>
      ask('slow-starter/m', { stream: true, fallbacks: ['groq/m'] }),
    )
    expect([answered.status, keys]).toEqual([200, ['secret-of-slow-starter', 'secret-of-groq']])
    expect(answered.text).toContain('[DONE]')
  })

  test('42. Where all fallbacks fail too, the first error is told.', async () => {
    scripted({
      'secret-of-openai': [{ status: 503, error: { message: 'the first' } }],
      'secret-of-groq': [{ status: 500, error: { message: 'the second' } }],
    })
    const { status, body } = await ask('openai/m', { fallbacks: ['groq/m'] })
    expect([status, body.error.message, body.extra_fields.provider]).toEqual([503, 'the first', 'openai'])
  })

  test('44. A stream that fails after words that say nothing yet moves on unseen.', async () => {
    const failing = [
      'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"x"}}\n\n',
      'event: error\ndata: {"type":"error","code":"insufficient_quota","message":"spent","sequence_number":1}\n\n',
    ].join('')
    scripted({ 'secret-of-openai': [{ body: failing, contentType: 'text/event-stream' }] })
    const body = { model: 'openai/m', input: 'x', stream: true, fallbacks: ['groq/m'] }
    const { status, text } = await call(world, null, body, { path: '/v1/responses' })
    expect(status).toBe(200)
    expect(text.match(/event: response\.created/g)).toHaveLength(1)
    expect(text).not.toContain('spent')
    expect(text).toContain('event: response.completed')
  })

  test('46. Of weights 3 and 1, the first is picked three times in four.', async () => {
    const drawn = { 'weighted-three': 0, 'weighted-one': 0, 'weighted-none': 0 }
    const rounds = isLong ? 20 : 12
    for (let round = 0; round < rounds; round += 1) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask('weighted/m')))
      for (const { body } of answers) {
        drawn[body.extra_fields.routing_info.key as keyof typeof drawn] += 1
      }
    }
    // Seven deviations to either side: further off than chance ever comes.
    const calls = rounds * 20
    const slack = Math.floor(7 * Math.sqrt((3 / 16) * calls))
    expect(drawn['weighted-three']).toBeGreaterThan((3 / 4) * calls - slack)
    expect(drawn['weighted-one']).toBeGreaterThan(calls / 4 - slack)
    expect(drawn['weighted-three'] + drawn['weighted-one']).toBe(calls)
  })

  test('47. A caller’s key is the only one that is used; one that cannot be is an error.', async () => {
    const pinned = (name: string, model = 'impatient/m') =>
      sentBy(() => ask(model, {}, { 'x-bf-api-key': name }))
    for (const letter of ['a', 'b', 'a']) {
      expect((await pinned(`impatient-${letter}`)).keys).toEqual([`secret-impatient-${letter}`])
    }
    const refused = async (made: ReturnType<typeof sentBy>, message: string) => {
      const { answered, keys } = await made
      expect([answered.status, answered.body.error.message, keys]).toEqual([400, message, []])
    }
    await refused(pinned('nobody'), 'no key found with name "nobody" for provider: impatient')
    const disabled = 'no keys found for provider: picky and model: m'
    await refused(pinned('picky-off', 'picky/m'), disabled)
    await refused(
      sentBy(() => ask('picky/m', {}, { 'x-bf-api-key-id': 'picky-off' })),
      disabled,
    )
    await refused(pinned('picky-on', 'picky/other'), 'no keys found that support model: other')
    // One that is turned down is not replaced.
    scripted({ 'secret-impatient-b': [{ status: 401 }] })
    const dead = await pinned('impatient-b')
    expect([dead.answered.status, dead.keys]).toEqual([502, ['secret-impatient-b']])
  })
})
