import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { answer, eventsIn, expectedSignature, hang } from '../billing/receiver.ts'
import { deadLetters, deliveries, secret, withReceiver } from '../billing/world.ts'
import { noon, slug, until, type World } from '../faults/world.ts'
import { mostDatabases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'

/** The short form waits two fifths of what a receiver is given by default; the long form waits for all of it. */
const patience = isLong ? 10_000 : 4000
const settings = isLong
  ? {}
  : { frontier: { webhooks: { attempt_timeout: '4s', first_backoff: '400ms', give_up_after: '6s' } } }

describe.each(mostDatabases())('billing on $name', (database) => {
  test('7. A key that calls models is refused by the management API.', () =>
    withReceiver(database, { clock: noon }, async (world) => {
      const { key } = await world.tenantUnder('REQUEST/MINUTE 10')
      for (const scheme of ['Api-Key', 'Bearer']) {
        const headers = { authorization: `${scheme} ${key}` }
        const url = `${world.gateway.url}/v1/gateway/events?start_time=2026-01-01T00:00:00Z`
        expect((await fetch(url, { headers })).status).toBe(401)
      }
    }))

  test("59. Each call is posted to the workspace's receiver, signed, with slug, external id, key prefix and tokens.", () =>
    withReceiver(database, { clock: noon }, async (world, receiver) => {
      const groupId = await world.frontier.createGroup({
        externalId: 'northwind',
        models: { [slug]: ['REQUEST/MINUTE 10'] },
      })
      const tenant = { groupId, key: await world.frontier.mintKey(groupId) }
      const metadata = { order: 17, tags: ['é', { deep: null }] }
      const record = await world.call(tenant, { metadata }).ended
      expect(record.status).toBe(200)
      await world.gateway.setClock(noon + 1000)
      await until(() => receiver.received.length > 0, 'a delivery')

      const [posted] = receiver.received
      expect(posted!.contentType).toBe('application/json')
      expect(posted!.signature).toBe(expectedSignature(secret, posted!.body))
      expect(posted!.requestId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      const served = world.upstream.find(record.answerId ?? '')!.tokens!
      expect(JSON.parse(String(posted!.body))).toEqual({
        type: 'API_BILLING_USAGE',
        data: {
          events: [
            {
              idempotencyKey: expect.stringMatching(/^[0-9A-Z]{26}$/),
              timestamp: '2026-11-03T12:00:00.000Z',
              requestId: record.requestId,
              requestMetadata: metadata,
              modelSlug: slug,
              externalEntityId: 'northwind',
              apiKeyPrefix: tenant.key.split('.')[0],
              tokens: {
                inputTokens: served.prompt,
                outputTokens: served.completion,
                cachedInputTokens: expect.any(Number),
              },
            },
          ],
        },
      })
    }))
})

describe.concurrent.each(mostDatabases())('60 on $name', (database) => {
  const sentence =
    '60. A receiver that fails is tried again with the same bytes; one that refuses is not; one that hangs harms nobody.'

  test(`${sentence} (500, then 200)`, () =>
    withReceiver(database, { clock: noon }, async (world, receiver) => {
      receiver.conduct = (received, response, index) =>
        answer(index === 0 ? 500 : 200)(received, response, index)
      await callOnce(world)
      await world.gateway.setClock(noon + 1000)
      // It has the answer by then, and counts its wait from there.
      const failed = () => world.gauge('tollgate_delivery_attempts_failed_total')
      await until(async () => (await failed()) === 1, 'the end of the first attempt')
      expect(receiver.received.length).toBe(1)
      // A second less a millisecond is not enough.
      await world.gateway.setClock(noon + 1999)
      expect(receiver.received.length).toBe(1)
      await world.gateway.setClock(noon + 2000)
      await until(() => receiver.received.length === 2, 'the second attempt')
      const [first, second] = receiver.received
      expect(second!.body.equals(first!.body)).toBe(true)
      expect(second!.signature).toBe(first!.signature)
      expect(second!.requestId).toBe(first!.requestId)
      expect(first!.signature).toBe(`v1=${createHmac('sha256', secret).update(first!.body).digest('hex')}`)
      await until(async () => (await deliveries(world))[0]?.state === 'delivered', 'the delivery')
      expect(await deadLetters(world)).toEqual([])
    }))

  test(`${sentence} (400)`, () =>
    withReceiver(database, { clock: noon }, async (world, receiver) => {
      receiver.conduct = answer(400)
      await callOnce(world)
      await world.gateway.setClock(noon + 1000)
      await until(async () => (await deadLetters(world)).length === 1, 'a dead letter')
      await world.gateway.setClock(noon + 60_000)
      expect(receiver.received.length).toBe(1)
      expect(await deadLetters(world)).toMatchObject([
        { state: 'dead', attempts: 1, last_status: 400, events: 1, problem: 'answered 400' },
      ])
    }))

  test(`${sentence} (hanging)`, { timeout: 90_000 }, () =>
    withReceiver(database, { clock: noon, settings }, async (world, receiver) => {
      receiver.conduct = hang
      const tenant = await callOnce(world)
      await world.gateway.setClock(noon + 1000)
      await until(() => receiver.received[0]?.leftAtMs != null, 'the end of the first attempt')
      expect(receiver.received.length).toBe(1)
      // Calls neither fail nor wait for the receiver.
      expect((await world.call(tenant).ended).isComplete).toBe(true)
      await world.gateway.setClock(noon + 1000 + patience / 10)
      // The event of the call since may be posted by now, too.
      const attempts = () =>
        receiver.received.filter((it) => it.requestId === receiver.received[0]?.requestId)
      await until(() => attempts()[1]?.leftAtMs != null, 'the end of the second attempt')
      await until(async () => (await deadLetters(world)).length > 0, 'a dead letter')
      const [first, second] = attempts()
      // A busy receiver sees its time begin late; the two fifths that the second attempt is left, it is not.
      expect(first!.leftAtMs! - first!.atMs, 'cut when its time was up').toBeGreaterThan(patience / 2)
      // All of its time, a tenth of waiting, and what is left of one time and a half.
      expect(second!.body.equals(first!.body)).toBe(true)
      const [letter] = await deadLetters(world)
      expect(letter).toMatchObject({ attempts: 2, last_status: null, problem: 'no answer in time' })
      const { body } = await world.admin('GET', `/dead-letters/${letter.id}`)
      expect(body.body).toBe(String(first!.body))
      expect(eventsIn(body.body).length).toBe(1)
    }),
  )
})

async function callOnce(world: World) {
  const tenant = await world.tenantUnder('REQUEST/DAY 1000')
  expect((await world.call(tenant).ended).isComplete).toBe(true)
  return tenant
}
