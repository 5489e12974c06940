import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import {
  call,
  chatOf,
  type Governed,
  type NativeAnswered,
  openGoverned,
  type ProviderWish,
} from '../setup/governance.ts'

const soon = { retry_backoff_initial: 1, retry_backoff_max: 5 }
const mb = 2 ** 20

function provider(name: string, more: Partial<ProviderWish> = {}): ProviderWish {
  return { provider: name, keys: [{ name: `${name}-main`, value: `secret-of-${name}` }], ...more }
}

function twoKeys(name: string, network: Readonly<Record<string, unknown>>): ProviderWish {
  const keys = ['a', 'b'].map((letter) => ({ name: `${name}-${letter}`, value: `secret-${name}-${letter}` }))
  return { provider: name, keys, network_config: { ...soon, ...network } }
}

const custom = { custom_provider_config: { base_provider_type: 'openai' } }

describe('the native door', () => {
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned({
      client_config: { enforce_auth_on_inference: false, max_request_body_size_mb: 1 },
      providers: [
        provider('openai'),
        provider('openrouter'),
        provider('anthropic'),
        provider('groq'),
        twoKeys('retrying', { max_retries: 2, ...{} }),
        twoKeys('impatient', { max_retries: 0 }),
        provider('once-more', { network_config: { ...soon, max_retries: 1 }, ...custom }),
        provider('silent', { network_config: { default_request_timeout_in_seconds: 0.3 }, ...custom }),
        provider('slow-starter', { network_config: { first_token_timeout_in_seconds: 0.3 }, ...custom }),
        {
          provider: 'picky',
          keys: [
            { name: 'picky-on', value: 'secret-picky-on' },
            { name: 'picky-off', value: 'secret-picky-off', enabled: false },
          ],
          ...custom,
        },
      ].map((wish) => (['retrying', 'impatient'].includes(wish.provider) ? { ...wish, ...custom } : wish)),
    })
  })
  afterAll(() => world.close())
  beforeEach(() => world.upstream.program(() => undefined))

  const ask = (model: string, more: object = {}, headers: Record<string, string> = {}) =>
    call(world, null, chatOf(model, more), { headers })
  const last = () => world.upstream.requests.at(-1)
  /** The credentials of the requests that a call made. */
  async function sentBy(action: () => Promise<NativeAnswered>) {
    const before = world.upstream.requests.length
    const answered = await action()
    const keys = world.upstream.requests
      .slice(before)
      .map(({ headers }) => headers.authorization?.slice('Bearer '.length))
    return { answered, keys }
  }
  /** Scripts by credential: the first of each is used up first. */
  function scripted(scripts: Readonly<Record<string, readonly Script[]>>): void {
    const left = new Map(Object.entries(scripts).map(([key, list]) => [key, [...list]]))
    world.upstream.program(({ headers }) =>
      left.get(headers.authorization?.slice('Bearer '.length) ?? '')?.shift(),
    )
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
      const response = await fetch(`${world.gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
      return [response.status, ((await response.json()) as any).status_code]
    }
    expect(await send('{"model":')).toEqual([400, 400])
    expect(await send(JSON.stringify(chatOf('x', { pad: 'y'.repeat(mb) })))).toEqual([413, 413])
  })

  test('6. Fallbacks are texts or objects, a malformed one is passed over, and none goes to the provider.', async () => {
    scripted({ 'secret-of-openai': [{ status: 500 }, { status: 500 }] })
    const asText = await ask('openai/m', { fallbacks: [7, {}, 'groq/m'] })
    expect([asText.status, asText.body.extra_fields.provider]).toEqual([200, 'groq'])
    const asObject = await ask('openai/m', { fallbacks: [{ provider: 'groq', model: 'm' }] })
    expect([asObject.status, asObject.headers.get('x-bf-fallback-index')]).toEqual([200, '1'])
    expect(last()?.json).toEqual({ model: 'm', messages: [{ role: 'user', content: 'Hello' }] })
  })

  test('7. A member that nobody knows is left out, unless the caller wants it passed through.', async () => {
    await ask('openai/m', { foo: { a: 1 } })
    expect(last()?.json).not.toHaveProperty('foo')
    await ask('openai/m', { foo: { a: 1 } }, { 'x-bf-passthrough-extra-params': 'true' })
    expect(last()?.json).toHaveProperty('foo', { a: 1 })
  })

  test('8. The older cap takes the newer name where a provider wants that, and gives way to the newer one.', async () => {
    await ask('openai/m', { max_tokens: 3 })
    expect(last()?.json).toMatchObject({ max_completion_tokens: 3 })
    expect(last()?.json).not.toHaveProperty('max_tokens')
    await ask('openai/m', { max_tokens: 3, max_completion_tokens: 4 })
    expect(last()?.json).toMatchObject({ max_completion_tokens: 4 })
  })

  test('9. A setting of reasoning that is given in both forms is 400.', async () => {
    const both = await ask('openai/m', { reasoning_effort: 'low', reasoning: { effort: 'high' } })
    expect([both.status, both.body.error.message]).toEqual([400, expect.stringContaining('reasoning_effort')])
  })

  test('10. Schemas go out with the order of their keys and the spelling of their numbers.', async () => {
    const schema = '{"zeta":{"minimum":1.0},"alpha":{"maximum":1e2},"2":0,"1":0}'
    const body = `{"model":"openai/m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":${schema}},"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]}`
    const response = await fetch(`${world.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    await response.text()
    expect(response.status).toBe(200)
    expect(last()?.body.toString()).toBe(body.replace('"openai/m"', '"m"'))
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
          error: { message: `because of ${status}`, code: '17' },
        },
      ])
    }
  })

  test('12. The list of models holds those of all providers, with their provider in front, page by page.', async () => {
    const all = await call(world, null, null, { path: '/v1/models' })
    const ids = all.body.data.map(({ id }: { id: string }) => id)
    expect(ids).toEqual(expect.arrayContaining(['openai/gpt-4o-mini']))
    expect(new Set(ids.map((id: string) => id.split('/')[0]))).toContain('groq')
    const pages: string[] = []
    let token: string | undefined
    do {
      const query = `?page_size=100${token === undefined ? '' : `&page_token=${token}`}`
      const page = await call(world, null, null, { path: `/v1/models${query}` })
      pages.push(...page.body.data.map(({ id }: { id: string }) => id))
      token = page.body.next_page_token
    } while (token !== undefined)
    expect(pages).toEqual(ids)
    const one = await call(world, null, null, { path: '/v1/models?provider=groq' })
    expect(one.body.data.every(({ id }: { id: string }) => id.startsWith('groq/'))).toBe(true)
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
    const { status, body } = await call(
      world,
      null,
      { model: 'anthropic/m', input: 'x' },
      { path: '/v1/embeddings' },
    )
    expect([status, body.error.code, body.extra_fields.error_type]).toEqual([
      400,
      'unsupported_operation',
      'caller_invalid_request',
    ])
    expect(world.upstream.served().requests).toBe(before)
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
    world.upstream.script({ usageAt: 'finish' })
    const chunks = chunksOf((await ask('openai/m', { stream: true })).text)
    expect(chunks.filter(({ usage }) => usage !== undefined && usage !== null)).toHaveLength(1)
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
      usage: { completion_tokens: 5 },
    })
  })

  test('24. Where no usage is told, none is made up.', async () => {
    world.upstream.script({ usage: 'absent' }, { includeUsage: 'never' })
    expect((await ask('openai/m')).body).not.toHaveProperty('usage')
    const chunks = chunksOf((await ask('openai/m', { stream: true })).text)
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false)
  })

  test('32. A failure that may pass is asked about once more, with the same key.', async () => {
    scripted({ 'secret-of-once-more': [{ status: 500 }] })
    const { answered, keys } = await sentBy(() => ask('once-more/m'))
    expect([answered.status, keys]).toEqual([200, ['secret-of-once-more', 'secret-of-once-more']])
  })

  test('33. After a 429 the other key is used.', async () => {
    const limited = { status: 429 }
    scripted({ 'secret-retrying-a': [limited], 'secret-retrying-b': [] })
    for (let tries = 0; tries < 20; tries += 1) {
      const { answered, keys } = await sentBy(() => ask('retrying/m'))
      expect(answered.status).toBe(200)
      if (keys.length > 1) {
        expect(keys).toEqual(['secret-retrying-a', 'secret-retrying-b'])
        return
      }
    }
    throw new Error('the limited key was never drawn')
  })

  test('34. A key that is turned down gives way to another at once, whatever the retries.', async () => {
    scripted({ 'secret-impatient-a': [{ status: 401 }], 'secret-impatient-b': [] })
    for (let tries = 0; tries < 20; tries += 1) {
      const { answered, keys } = await sentBy(() =>
        ask('impatient/m', { metadata: { round: String(tries) } }),
      )
      expect(answered.status).toBe(200)
      if (keys.length === 1) continue
      expect(keys).toEqual(['secret-impatient-a', 'secret-impatient-b'])
      const trail = await world.read(
        async (database) =>
          (await database.selectFrom('native_calls').select('attempts').orderBy('at', 'desc').execute())
            .map(({ attempts }) => JSON.parse(attempts))
            .find((attempts) => attempts.length === 2 && attempts[0].key_id === 'impatient-a'),
        (found) => found !== undefined,
      )
      expect(trail).toMatchObject([
        { key_id: 'impatient-a', status: 401, class: 'credential', fail_reason: 'authentication_error' },
        { key_id: 'impatient-b', status: 200, class: 'ok', fail_reason: null },
      ])
      return
    }
    throw new Error('the dead key was never drawn')
  })

  test('35. Where all keys are turned down, it is 502 in the provider’s words.', async () => {
    const dead = { status: 401, error: { message: 'This key is dead.' } }
    scripted({ 'secret-impatient-a': [dead], 'secret-impatient-b': [dead] })
    const { answered, keys } = await sentBy(() => ask('impatient/m'))
    expect([answered.status, answered.body.error]).toMatchObject([
      502,
      { code: 'upstream_credentials_exhausted', message: 'This key is dead.' },
    ])
    expect([...keys].sort()).toEqual(['secret-impatient-a', 'secret-impatient-b'])
  })

  test('36. A fault of the request is not asked about again, but the fallback is.', async () => {
    scripted({
      'secret-of-once-more': [
        { status: 400, error: { message: 'too long', code: 'context_length_exceeded' } },
      ],
    })
    const { answered, keys } = await sentBy(() => ask('once-more/m', { fallbacks: ['groq/m'] }))
    expect([answered.status, keys]).toEqual([200, ['secret-of-once-more', 'secret-of-groq']])
  })

  test('37. A verdict on the content is final: neither asked again nor elsewhere.', async () => {
    scripted({
      'secret-of-once-more': [{ status: 400, error: { message: 'no', code: 'content_policy_violation' } }],
    })
    const { answered, keys } = await sentBy(() => ask('once-more/m', { fallbacks: ['groq/m'] }))
    expect([answered.status, answered.body.error.code, keys]).toEqual([
      400,
      'content_policy_violation',
      ['secret-of-once-more'],
    ])
  })

  test('38. A key is never asked again sooner than its provider says: another is.', async () => {
    const busy = { status: 429, headers: { 'retry-after': '60' } }
    scripted({ 'secret-retrying-a': [busy, busy], 'secret-retrying-b': [] })
    for (let tries = 0; tries < 20; tries += 1) {
      const { keys } = await sentBy(() => ask('retrying/m'))
      if (keys.length === 1) continue
      expect(keys).toEqual(['secret-retrying-a', 'secret-retrying-b'])
      const next = await sentBy(() => ask('retrying/m'))
      expect([next.answered.status, next.keys]).toEqual([200, ['secret-retrying-b']])
      return
    }
    throw new Error('the busy key was never drawn')
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

  test('43. A fallback that answers is reported as such, and priced as what it is.', async () => {
    scripted({ 'secret-of-groq': [{ status: 500 }] })
    const { body } = await ask('groq/m', { fallbacks: ['openai/gpt-4o'] })
    expect(body.model).toBe('gpt-4o')
    expect(body.extra_fields.routing_info).toMatchObject({
      provider: 'openai',
      model: 'gpt-4o',
      is_fallback: true,
      primary_provider: 'groq',
      primary_model: 'm',
    })
    const event = await world.read(
      (database) =>
        database
          .selectFrom('usage_events')
          .selectAll()
          .where('upstream_model', '=', 'gpt-4o')
          .executeTakeFirst(),
      (found) => found !== undefined,
    )
    expect(event).toMatchObject({ provider: 'openai', model: 'groq/m', node_id: null })
    // $2.50 and $10 a million.
    const { input_tokens, output_tokens, cost_whole, cost_pico } = event ?? {}
    expect(Number(cost_whole) * 1e6 + Number(cost_pico)).toBe(
      Number(input_tokens) * 2_500_000 + Number(output_tokens) * 10_000_000,
    )
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

  test('47. A caller’s key is the only one that is used; one that cannot be is an error.', async () => {
    const pinned = (name: string) => sentBy(() => ask('impatient/m', {}, { 'x-bf-api-key': name }))
    for (const letter of ['a', 'b', 'a']) {
      expect((await pinned(`impatient-${letter}`)).keys).toEqual([`secret-impatient-${letter}`])
    }
    const unknown = await pinned('nobody')
    expect([unknown.answered.status, unknown.answered.body.error.message, unknown.keys]).toEqual([
      400,
      'no key found with name "nobody" for provider: impatient',
      [],
    ])
    const off = await sentBy(() => ask('picky/m', {}, { 'x-bf-api-key-id': 'picky-off' }))
    expect([off.answered.status, off.keys]).toEqual([400, []])
  })
})
