import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { until } from '../faults/world.ts'
import { chatOf, type Governed, openGoverned } from '../setup/governance.ts'

const value = 'sk-bf-app'
const chunks = 3
let world: Governed

/** None of these comes to its end. */
const stalled: Readonly<Record<string, Script>> = {
  silent: { stallBefore: 'head' },
  unready: { stallAfterChunks: 0 },
  broken: { cutAfterBytes: 20, cutBy: 'hang' },
  wordy: { stallAfterChunks: chunks },
  long: { paddingBytes: 400_000, cutAfterBytes: 300_000, cutBy: 'hang' },
}

beforeEach(async () => {
  world = await openGoverned(
    {
      providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'secret-main' }] }],
      virtual_keys: [{ name: 'app', value, provider_configs: [{ provider: 'openai' }] }],
    },
    { config: { server: { drain_seconds: 0.5 } } },
  )
  world.upstream.program(({ json }) => stalled[String(json?.model)])
})
afterEach(() => world.close())

/** One call, and what has come of its answer. */
function open(body: object, path = '/v1/chat/completions') {
  const answer = { status: 0, text: '', isWhole: false }
  const read = async () => {
    const response = await fetch(`${world.gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-bf-vk': value },
      body: JSON.stringify(body),
    })
    answer.status = response.status
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) answer.text += piece
    answer.isWhole = true
  }
  // What breaks off is seen in `isWhole`.
  return { answer, ended: read().catch(() => {}) }
}

const streaming = (model: string) => chatOf(`openai/${model}`, { stream: true })

/** The data of the last event. */
function lastEvent(text: string) {
  return JSON.parse(text.trimEnd().split('\n').at(-1)!.replace('data: ', ''))
}

test('a stream that a drain cuts ends with an error, and is charged as if its caller had left', async () => {
  const chat = open(streaming('wordy'))
  const typed = open({ model: 'openai/wordy', input: 'x', stream: true }, '/v1/responses')
  const piecesIn = (text: string) => text.match(/"delta":("|\{"content")/g)?.length
  for (const { answer } of [chat, typed])
    await until(() => piecesIn(answer.text) === chunks, 'the content of the streams')
  expect(await world.gateway.stop()).toBe(0)
  await Promise.all([chat.ended, typed.ended])

  expect(chat.answer).toMatchObject({ status: 200, isWhole: true })
  expect(chat.answer.text).not.toContain('[DONE]')
  expect(lastEvent(chat.answer.text)).toMatchObject({
    is_bifrost_error: true,
    status_code: 503,
    error: { code: 'overloaded' },
    extra_fields: { provider: 'openai' },
  })
  expect(typed.answer).toMatchObject({ status: 200, isWhole: true })
  expect(typed.answer.text).toMatch(/\nevent: error\ndata: .*\n\n$/)
  expect(lastEvent(typed.answer.text)).toMatchObject({ type: 'error', code: 'overloaded' })

  const events = await world.read(
    (database) => database.selectFrom('usage_events').selectAll().execute(),
    (rows) => rows.length === 2,
  )
  // The role of a chat is relayed too.
  expect(events.map(({ output_tokens }) => output_tokens).toSorted()).toEqual([chunks, chunks + 1])
  for (const event of events) expect(event).toMatchObject({ estimated: 1, status: 499, outcome: 'cancelled' })
})

test('calls that still wait for an answer then are told why there is none', async () => {
  const waiting = [
    chatOf('openai/silent'),
    streaming('silent'),
    streaming('unready'),
    chatOf('openai/broken'),
  ]
  const calls = waiting.map((body) => open(body))
  const begun = open(chatOf('openai/long'))
  await until(() => world.upstream.served().open === 5, 'calls at the provider')
  await until(() => begun.answer.text.length > 0, 'the begin of an answer')
  expect(await world.gateway.stop()).toBe(0)
  for (const { answer, ended } of calls) {
    await ended
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([503, { error: { code: 'overloaded' } }])
  }
  await begun.ended
  expect(begun.answer).toMatchObject({ status: 200, isWhole: false })
})
