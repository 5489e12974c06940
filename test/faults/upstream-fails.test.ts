import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { databases, type TestPlace } from '../setup/databases.ts'
import { tokensOf } from './truth.ts'
import { openWorld, type World } from './world.ts'

const [sqlite] = databases()
const timeouts = { connect: '500ms', first_byte: '500ms', stream_idle: '500ms', total: '1s' }

let place: TestPlace
let world: World

beforeAll(async () => {
  place = await sqlite!.create()
  world = await openWorld({ place, settings: { frontier: { timeouts } } })
})
afterAll(async () => {
  await world.close()
  await place.remove()
})

const newTenant = () => world.tenantUnder('TOKEN/DAY 1000000', 'REQUEST/DAY 1000')

const whole = false
const streamed = true
/** More than comes with one read, so that the first part is on its way to the client when the cut comes. */
const begun = { cutAfterBytes: 300_000, paddingBytes: 400_000 }

test.concurrent.each<[string, boolean, Script, number]>([
  ['cuts before the head', whole, { cutBefore: 'head' }, 502],
  ['resets before the head', whole, { cutBefore: 'head', cutBy: 'rst' }, 502],
  ['cuts before the head of a stream', streamed, { cutBefore: 'head' }, 502],
  ['cuts at the first bytes of a whole answer', whole, { cutAfterBytes: 40 }, 502],
  ['cuts a whole answer that has begun', whole, begun, 200],
  ['cuts a stream within its first event', streamed, { cutAfterBytes: 20 }, 502],
  ['ends a stream within its first event', streamed, { cutAfterBytes: 20, framing: 'close' }, 502],
  ['says nothing more within the first event', streamed, { cutAfterBytes: 20, cutBy: 'hang' }, 504],
  ['ends a stream without a byte', streamed, { body: '', contentType: 'text/event-stream' }, 502],
  ['cuts a stream', streamed, { cutAfterChunks: 3 }, 200],
  ['resets within a stream', streamed, { cutAfterChunks: 3, cutBy: 'rst' }, 200],
  ['says what is no HTTP', whole, { raw: 'What do you want?\r\n\r\n' }, 502],
  ['says nothing', whole, { stallBefore: 'head' }, 504],
  ['says nothing more within a stream', streamed, { stallAfterChunks: 2 }, 200],
  ['never comes to an end', streamed, { chunks: 1000, chunkDelayMs: 50 }, 200],
])(
  'an upstream %s: nobody is billed, nothing is held, the next call works',
  async (_, stream, fake, status) => {
    const tenant = await newTenant()
    const record = await world.call(tenant, { stream, fake }).ended
    expect(record).toMatchObject({ status, isComplete: false })
    expect(await world.accountsOf(tenant, 1)).toEqual({ events: [], tokens: 0, requests: 1 })
    expect(await world.call(tenant, { stream }).ended).toMatchObject({ status: 200, isComplete: true })
  },
)

test.concurrent('a stream that is cut within its first event has an error for an answer', async () => {
  const call = world.call(await newTenant(), { stream: true, fake: { cutAfterBytes: 20 } })
  expect(await call.ended).toMatchObject({ status: 502, requestId: expect.any(String) })
  expect(JSON.parse(call.text())).toEqual({ error: expect.any(String), error_code: 'model_unavailable' })
})

test.concurrent('what an upstream reported before it cut the stream is charged', async () => {
  const tenant = await newTenant()
  const fake = { usageAt: 'every', cutAfterChunks: 3 }
  const record = await world.call(tenant, { stream: true, fake }).ended
  expect(record).toMatchObject({ status: 200, isComplete: false })
  const { events, tokens } = await world.accountsOf(tenant, 1)
  const told = world.upstream.find(record.answerId ?? '')?.tokens
  expect(told?.completion).toBe(3)
  expect(events).toMatchObject([{ estimated: 0, input_tokens: told?.prompt, output_tokens: 3 }])
  expect(tokens).toBe(tokensOf(events))
})

test.concurrent('a strict call of which nobody told the usage is charged its whole hold', async () => {
  const tenant = await world.tenantUnder('TOKEN/DAY 1000000 strict', 'REQUEST/DAY 1000')
  const wish = { stream: true, max_tokens: 20, fake: { cutAfterChunks: 2 } }
  const record = await world.call(tenant, wish).ended
  const sentBytes = world.upstream.find(record.answerId ?? '')?.body.length
  expect(await world.accountsOf(tenant, 1)).toEqual({ events: [], tokens: sentBytes! + 20, requests: 1 })
})

// After all others, which need it.
test('an upstream that is not there: 502, and nobody is billed', async () => {
  const tenant = await newTenant()
  await world.upstream.close()
  expect(await world.status(tenant)).toBe(502)
  expect(await world.accountsOf(tenant, 1)).toEqual({ events: [], tokens: 0, requests: 1 })
})
