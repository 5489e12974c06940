import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { databases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import type { CallRecord } from './load.ts'
import { chargedTo, expectEachAnswerOnce, tokensOf } from './truth.ts'
import { openWorld, type Tenant, until, type World } from './world.ts'

const leavers = isLong ? 3000 : 300
const atOnce = 100

let place: TestPlace
let world: World

beforeAll(async () => {
  place = await databases()[0]!.create()
  world = await openWorld({ place })
})
afterAll(async () => {
  await world.close()
  await place.remove()
})

const newTenant = () => world.tenantUnder('TOKEN/DAY 1000000000', 'REQUEST/DAY 1000000')

/** The prompt by estimate: a token for four bytes of what the client sent. */
const promptOf = (bytes: number) => Math.ceil(bytes / 4)

test('a client leaves before a whole answer has come: upstream is cancelled, and the prompt is charged', async () => {
  const tenant = await newTenant()
  const arrival = world.upstream.nextRequest()
  const call = world.call(tenant, { fake: { stallBefore: 'head' } })
  const served = await arrival
  call.leave()
  expect(await served.ended).toBe('abandoned')
  const { events, tokens, requests } = await world.accountsOf(tenant, 1)
  expect(events).toMatchObject([
    { estimated: 1, status: 499, input_tokens: promptOf(call.bodyBytes), output_tokens: 0 },
  ])
  expect([tokens, requests]).toEqual([tokensOf(events), 1])
})

test('a client leaves a stream: what was relayed to it is charged, an event a token', async () => {
  const tenant = await newTenant()
  const arrival = world.upstream.nextRequest()
  const call = world.call(tenant, { stream: true, fake: { chunks: 9, stallAfterChunks: 4 } })
  const served = await arrival
  await until(() => call.text().split('data:').length === 6, 'the opening event and four contents')
  call.leave()
  expect(await served.ended).toBe('abandoned')
  const { events, tokens, requests } = await world.accountsOf(tenant, 1)
  expect(events).toMatchObject([
    { estimated: 1, status: 499, input_tokens: promptOf(call.bodyBytes), output_tokens: 5 },
  ])
  expect([tokens, requests]).toEqual([tokensOf(events), 1])
})

test(`${leavers} clients leave at any moment, or stay: nothing stays held, and every token is accounted`, async () => {
  const tenant = await newTenant()
  const before = world.upstream.served().requests
  const records: CallRecord[] = []
  let left = leavers
  const runClient = async () => {
    while (left > 0) records.push(await leaveOrStay(tenant, left--))
  }
  await Promise.all(Array.from({ length: atOnce }, runClient))
  await until(() => world.upstream.served().open === 0, 'the end upstream')
  await until(async () => (await world.gauge('tollgate_holds_open')) === 0, 'the end of all holds')
  expect(await world.gauge('tollgate_streams_open')).toBe(0)
  const last = await world.call(tenant).ended
  expect(last.isComplete).toBe(true)
  expect(await world.gateway.stop()).toBe(0)

  const all = await world.ledger()
  const events = all.events.filter(({ node_id }) => node_id === tenant.groupId)
  const others = expectEachAnswerOnce({ ...all, events }, [...records, last], world.upstream)
  const estimated = others.filter((event) => event.estimated === 1)
  expect(estimated.every(({ status }) => status === 499)).toBe(true)
  expect(estimated.length, 'those who left a stream that went on').toBeGreaterThanOrEqual(leavers / 4)
  expect(chargedTo(all, tenant.groupId, 'token')).toBe(tokensOf(events))
  const requests = chargedTo(all, tenant.groupId, 'request')
  expect(requests, 'calls that went upstream').toBeGreaterThanOrEqual(
    world.upstream.served().requests - before,
  )
  expect(requests).toBeLessThanOrEqual(leavers + 1)
}, 120_000)

/** Two in four leave when chance will have it, one leaves in the middle of a stream, and one stays to the end. */
async function leaveOrStay(tenant: Tenant, number: number): Promise<CallRecord> {
  const kind = number % 4
  const fake = { chunkDelayMs: number % 5, ...(kind === 2 && { stallAfterChunks: 2 }) }
  const { ended, leave, text } = world.call(tenant, { stream: kind === 2 || number % 8 < 4, fake })
  if (kind < 2) await Promise.race([ended, sleep(Math.random() * 60)])
  if (kind === 2) await until(() => text().includes('Hello'), 'a first token')
  if (kind < 3) leave()
  return ended
}
