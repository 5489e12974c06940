import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { databases } from '../setup/databases.ts'
import { type Managed, openManaged } from '../setup/managed.ts'

const model = 'openai/gpt-4o-mini'
const messages = [{ role: 'user' as const, content: 'What is the weather in Paris?' }]

let world: Managed
let client: OpenAI

beforeAll(async () => {
  const [sqlite] = databases()
  if (sqlite === undefined) throw new Error('no database')
  world = await openManaged(await sqlite.create(), {
    providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'key-of-the-upstream' }] }],
    virtual_keys: [
      {
        name: 'app',
        provider_configs: [{ provider: 'openai' }],
        rate_limit: { request_max_limit: 1000, request_reset_duration: '1h' },
      },
      {
        name: 'spent',
        provider_configs: [{ provider: 'openai' }],
        budgets: [{ max_limit: 0.000_000_001, reset_duration: '1h' }],
      },
      {
        name: 'once',
        provider_configs: [{ provider: 'openai' }],
        rate_limit: { request_max_limit: 1, request_reset_duration: '1h' },
      },
      { name: 'narrow', provider_configs: [{ provider: 'openai', allowed_models: ['gpt-4o-mini'] }] },
    ],
  })
  client = clientWith(world.keyOf('app'))
})
afterAll(() => world?.close())

function clientWith(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${world.gateway.url}/v1`, apiKey, maxRetries: 0 })
}

/** What a call is refused with, as the SDK has it. */
async function refusalOf(call: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await call
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error
    throw error
  }
  throw new Error('it was not refused')
}

test('a chat, by a model’s full name and by its bare one', async () => {
  for (const name of [model, 'gpt-4o-mini']) {
    const { data, response, request_id } = await client.chat.completions
      .create({ model: name, messages })
      .withResponse()
    const served = world.upstream.find(data.id)
    expect(data.model).toBe('gpt-4o-mini')
    expect(data.choices[0]?.message.content).toBe('Hello from the fake upstream')
    expect(data.usage?.prompt_tokens).toBe(served?.tokens?.prompt)
    expect(served?.json).toEqual({ model: 'gpt-4o-mini', messages })
    expect(served?.headers.authorization).toBe('Bearer key-of-the-upstream')
    expect(request_id).toBe(response.headers.get('x-tollgate-request-id'))
    expect(response.headers.get('x-ratelimit-limit-requests')).toBe('1000')
  }
})

test('a streamed chat, with usage in its last chunk or in one of its own', async () => {
  for (const stream_options of [undefined, { include_usage: true }]) {
    const stream = await client.chat.completions.create({
      model,
      messages,
      stream: true,
      ...(stream_options && { stream_options }),
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
      'Hello from the fake upstream',
    )
    expect(chunks.filter(({ usage }) => usage)).toHaveLength(1)
    expect(chunks.at(-1)?.usage?.completion_tokens).toBe(5)
    expect(chunks.at(-1)?.choices).toHaveLength(stream_options === undefined ? 1 : 0)
  }
})

test('tools and response formats, whole and collected from a stream', async () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } }
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }]
  const forced = { model, messages, tools, tool_choice: 'required' as const }
  const whole = await client.chat.completions.create(forced)
  const streamed = await client.chat.completions.stream(forced).finalChatCompletion()
  for (const { choices } of [whole, streamed]) {
    expect(choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'weather' } })
  }
  const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] }
  const formatted = await client.chat.completions.create({
    model,
    messages,
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  })
  expect(JSON.parse(formatted.choices[0]?.message.content ?? '')).toEqual({ answer: expect.any(String) })
})

test('completions of a text, whole and streamed', async () => {
  const whole = await client.completions.create({ model, prompt: 'Say hello' })
  expect([whole.object, whole.choices[0]?.text]).toEqual(['text_completion', 'Hello from the fake upstream'])
  let text = ''
  for await (const { choices } of await client.completions.create({
    model,
    prompt: 'Say hello',
    stream: true,
  })) {
    text += choices[0]?.text ?? ''
  }
  expect(text).toBe('Hello from the fake upstream')
})

test('embeddings', async () => {
  const embeddings = await client.embeddings.create({
    model: 'openai/text-embedding-3-small',
    input: ['one', 'two'],
  })
  expect(embeddings.data.map(({ embedding }) => embedding.length)).toEqual([8, 8])
  expect(embeddings.usage.prompt_tokens).toBe(world.upstream.requests.at(-1)?.tokens?.prompt)
  expect(world.upstream.requests.at(-1)?.json?.model).toBe('text-embedding-3-small')
})

test('responses, whole and streamed', async () => {
  const whole = await client.responses.create({ model, input: 'Hello' })
  expect([whole.object, whole.status, whole.output_text]).toEqual([
    'response',
    'completed',
    'Hello from the fake upstream',
  ])
  expect(whole.usage?.output_tokens).toBe(5)
  const events = []
  for await (const event of await client.responses.create({ model, input: 'Hello', stream: true })) {
    events.push(event)
  }
  expect(events.map(({ type }) => type)).toEqual([
    'response.created',
    'response.in_progress',
    ...Array.from({ length: 5 }, () => 'response.output_text.delta'),
    'response.completed',
  ])
  const last = events.at(-1)
  expect(last?.type === 'response.completed' && last.response.usage?.output_tokens).toBe(5)
})

test('the models that a virtual key may use, all and one', async () => {
  const ids = []
  for await (const { id } of client.models.list()) ids.push(id)
  expect(ids).toContain(model)
  expect(ids.length).toBeGreaterThan(1)
  expect(await client.models.retrieve(model)).toMatchObject({
    id: model,
    object: 'model',
    owned_by: 'openai',
  })
  const few = []
  for await (const { id } of clientWith(world.keyOf('narrow')).models.list()) few.push(id)
  expect(few).toEqual([model])
  await expect(client.models.retrieve('openai/no-such-model')).rejects.toThrow(OpenAI.NotFoundError)
})

test('what the gateway refuses is an error of the SDK, with its type, code and words', async () => {
  const chat = (apiKey: string, name = model) =>
    refusalOf(clientWith(apiKey).chat.completions.create({ model: name, messages }))
  const unknown = await chat('sk-bf-00000000-0000-4000-8000-000000000000')
  expect(unknown).toBeInstanceOf(OpenAI.AuthenticationError)
  expect(unknown.code).toBe('virtual_key_not_found')
  expect(await chat('not-a-key')).toMatchObject({ status: 401, code: 'virtual_key_required' })
  const blocked = await chat(world.keyOf('narrow'), 'openai/gpt-4o')
  expect(blocked).toBeInstanceOf(OpenAI.PermissionDeniedError)
  expect(blocked).toMatchObject({
    code: 'model_blocked',
    message: "403 Model 'gpt-4o' is not allowed for this virtual key",
  })
  for (const name of ['spent', 'once']) {
    await clientWith(world.keyOf(name)).chat.completions.create({ model, messages })
  }
  const spent = await chat(world.keyOf('spent'))
  expect(spent).toMatchObject({ status: 402, type: 'budget_exceeded', code: 'budget_exceeded' })
  const limited = await chat(world.keyOf('once'))
  expect(limited).toBeInstanceOf(OpenAI.RateLimitError)
  expect(Number(limited.headers?.get('retry-after'))).toBeGreaterThan(0)
  const nowhere = await chat(world.keyOf('app'), 'anthropic/claude')
  expect(nowhere).toMatchObject({ status: 403, code: 'provider_blocked' })
  const nothing = await refusalOf(client.chat.completions.create({ model, messages: [] }))
  expect(nothing).toBeInstanceOf(OpenAI.BadRequestError)
  expect(nothing.message).toContain('messages')
})

test('what the provider refuses keeps its status, type, code and words', async () => {
  for (const [status, type] of [
    [400, OpenAI.BadRequestError],
    [404, OpenAI.NotFoundError],
    [422, OpenAI.UnprocessableEntityError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
  ] as const) {
    const error = {
      message: `because of ${status}`,
      type: 'of_the_provider',
      code: 'its_code',
      param: 'top_p',
    }
    world.upstream.script({ status, error })
    const told = await refusalOf(client.chat.completions.create({ model, messages, stream: status === 429 }))
    expect(told).toBeInstanceOf(type)
    expect(told).toMatchObject({
      message: `${status} because of ${status}`,
      type: 'of_the_provider',
      code: 'its_code',
      param: 'top_p',
    })
  }
})

test('a stream that breaks off is an error where it breaks, not an end', async () => {
  const read = async (stream: AsyncIterable<unknown>) => {
    let events = 0
    const told = await refusalOf(
      (async () => {
        for await (const _ of stream) events += 1
      })(),
    )
    return { events, code: told.code }
  }
  world.upstream.script({ cutAfterChunks: 2 })
  const chat = await client.chat.completions.create({ model, messages, stream: true })
  expect(await read(chat)).toEqual({ events: 3, code: 'provider_connection_failed' })
  world.upstream.script({ cutAfterChunks: 2 })
  const response = await client.responses.create({ model, input: 'Hello', stream: true })
  expect(await read(response)).toMatchObject({ events: 4 })
})

test('a caller that aborts cancels the call to the provider', async () => {
  world.upstream.script({ stallAfterChunks: 1 })
  const arrival = world.upstream.nextRequest()
  const stream = await client.chat.completions.create({ model, messages, stream: true })
  for await (const _ of stream) break
  stream.controller.abort()
  expect(await (await arrival).ended).toBe('abandoned')
})
