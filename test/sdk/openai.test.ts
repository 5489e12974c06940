import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { configurationFor, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'

const model = 'aurora/lumen'
const messages = [{ role: 'user' as const, content: 'What is the weather in Paris?' }]

let upstream: FakeUpstream
let gateway: Gateway
let client: OpenAI

beforeAll(async () => {
  upstream = await startFakeUpstream()
  gateway = await startGateway({ config: configurationFor(upstream.url) })
  const frontier = openFrontier(gateway)
  await frontier.createEndpoint(model)
  const limits = ['REQUEST/MINUTE 1000', 'TOKEN/DAY 1000000']
  const apiKey = await frontier.mintKey(await frontier.createGroup({ models: { [model]: limits } }))
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 })
})
afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

test('a chat completion', async () => {
  const completion = await client.chat.completions.create({ model, messages })
  const served = upstream.find(completion.id)
  expect(completion.model).toBe(model)
  expect(completion.choices[0]?.message.content).toEqual(expect.any(String))
  expect(completion.usage?.prompt_tokens).toBe(served?.tokens?.prompt)
  expect(completion.usage?.completion_tokens).toBe(served?.tokens?.completion)
  expect(served?.json).toEqual({ model: 'lumen-2', messages })
  expect(served?.headers.authorization).toBe('Bearer key-of-the-upstream')
})

test('request ids and the standing of limits reach the caller', async () => {
  const { response, request_id } = await client.chat.completions.create({ model, messages }).withResponse()
  expect(request_id).toBe(response.headers.get('x-baseten-request-id'))
  expect(response.headers.get('x-ratelimit-limit-requests')).toBe('1000')
  expect(response.headers.get('ratelimit')).toMatch(/^"request-minute";r=\d+;t=60$/)
})

test('a streamed chat completion, without the usage that nobody asked for', async () => {
  const stream = await client.chat.completions.create({ model, messages, stream: true })
  let text = ''
  for await (const chunk of stream) {
    expect(chunk.model).toBe(model)
    expect(chunk.choices).toHaveLength(1)
    text += chunk.choices[0]?.delta.content ?? ''
  }
  expect(text.length).toBeGreaterThan(0)
  expect(upstream.requests.at(-1)?.json?.stream_options).toEqual({ include_usage: true })
})

test('a streamed chat completion with the usage that was asked for', async () => {
  const stream = await client.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  })
  const usages = []
  for await (const chunk of stream) if (chunk.usage) usages.push(chunk.usage)
  expect(usages).toHaveLength(1)
  expect(usages[0]?.prompt_tokens).toBe(upstream.requests.at(-1)?.tokens?.prompt)
})

test('tool calls, whole and streamed', async () => {
  const tools = [
    {
      type: 'function' as const,
      function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ]
  const forced = { model, messages, tools, tool_choice: 'required' as const }
  const whole = await client.chat.completions.create(forced)
  expect(whole.choices[0]?.message.tool_calls?.[0]).toMatchObject({
    type: 'function',
    function: { name: 'weather' },
  })
  const streamed = await client.chat.completions.stream(forced).finalChatCompletion()
  expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'weather' } })
})

test('a response format', async () => {
  const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] }
  const completion = await client.chat.completions.create({
    model,
    messages,
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  })
  expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toEqual(expect.any(Object))
  expect(upstream.requests.at(-1)?.json?.response_format).toMatchObject({ json_schema: { schema } })
})

test('errors of the gateway and of the provider are the SDK’s own error classes', async () => {
  await expect(client.chat.completions.create({ model: 'aurora/nowhere', messages })).rejects.toThrow(
    OpenAI.NotFoundError,
  )
  const stranger = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sky_unknown.key', maxRetries: 0 })
  await expect(stranger.chat.completions.create({ model, messages })).rejects.toThrow(
    OpenAI.AuthenticationError,
  )
  upstream.script({ status: 422, error: { message: 'no such thing', type: 'invalid_request_error' } })
  await expect(client.chat.completions.create({ model, messages })).rejects.toMatchObject({
    status: 422,
    error: { message: 'no such thing' },
  })
})

test('a caller that aborts cancels the upstream', async () => {
  upstream.script({ stallAfterChunks: 1 })
  const arrival = upstream.nextRequest()
  const stream = await client.chat.completions.create({ model, messages, stream: true })
  for await (const _ of stream) break
  stream.controller.abort()
  expect(await (await arrival).ended).toBe('abandoned')
})

test('embeddings, and the models there are', async () => {
  const embeddings = await client.embeddings.create({ model, input: ['one', 'two'] })
  expect(embeddings.model).toBe(model)
  expect(embeddings.data.map(({ embedding }) => embedding.length)).toEqual([8, 8])
  expect(embeddings.usage.prompt_tokens).toBe(upstream.requests.at(-1)?.tokens?.prompt)
  const listed = []
  for await (const { id } of client.models.list()) listed.push(id)
  expect(listed).toEqual([model])
  expect((await client.models.retrieve(model)).id).toBe(model)
})
