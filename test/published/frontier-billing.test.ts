import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answer,
  eventsIn,
  expectedSignature,
  hang,
  type Receiver,
  startReceiver,
} from '../billing/receiver.ts'
import { type BillingWorld, deadLetters, deliveries, openBillingWorld, secret } from '../billing/world.ts'
import { noon, slug, until } from '../faults/world.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'

/** The short form waits a quarter of what a receiver is given by default; the long form waits for all of it. */
const patience = isLong ? 10_000 : 2500
const settings = isLong
  ? {}
  : { frontier: { webhooks: { attempt_timeout: '2500ms', give_up_after: '4500ms' } } }

describe.each(mostDatabases())('billing on $name', (database) => {
  let receiver: Receiver
  let place: TestPlace
  let world: BillingWorld
  let now = noon

  beforeAll(async () => {
    receiver = await startReceiver()
    place = await database.create()
    world = await openBillingWorld({ place, clock: now, settings }, receiver)
  })
  afterAll(async () => {
    await world.close()
    await place.remove()
    await receiver.close()
  })

  const advance = async (ms: number) => {
    now += ms
    await world.gateway.setClock(now)
  }
  /** What the receiver gets from here on. */
  const postsFromNow = () => {
    const before = receiver.received.length
    return () => receiver.received.slice(before)
  }
  const callOnce = async () => {
    const tenant = await world.tenantUnder('REQUEST/DAY 1000')
    expect((await world.call(tenant).ended).isComplete).toBe(true)
    return tenant
  }
  const letterOf = async (requestId: string | undefined) =>
    (await deadLetters(world)).find(({ request_id }) => request_id === requestId)
  const isDelivered = async (requestId: string | undefined) =>
    (await deliveries(world)).some(
      ({ request_id, state }) => request_id === requestId && state === 'delivered',
    )

  test('7. A key that calls models is refused by the management API.', async () => {
    const { key } = await world.tenantUnder('REQUEST/MINUTE 10')
    for (const scheme of ['Api-Key', 'Bearer']) {
      const headers = { authorization: `${scheme} ${key}` }
      const url = `${world.gateway.url}/v1/gateway/events?start_time=2026-01-01T00:00:00Z`
      expect((await fetch(url, { headers })).status).toBe(401)
    }
  })

  test("59. Each call is posted to the workspace's receiver, signed, with slug, external id, key prefix and tokens.", async () => {
    const groupId = await world.frontier.createGroup({
      externalId: 'northwind',
      models: { [slug]: ['REQUEST/MINUTE 10'] },
    })
    const tenant = { groupId, key: await world.frontier.mintKey(groupId) }
    const metadata = { order: 17, tags: ['é', { deep: null }] }
    const calledAt = now
    const posts = postsFromNow()
    const record = await world.call(tenant, { metadata }).ended
    expect(record.status).toBe(200)
    await advance(1000)
    await until(() => posts().length > 0, 'a delivery')

    const [posted] = posts()
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
            timestamp: new Date(calledAt).toISOString(),
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
  })

  const sentence =
    '60. A receiver that fails is tried again with the same bytes; one that refuses is not; one that hangs harms nobody.'

  test(`${sentence} (500, then 200)`, async () => {
    const posts = postsFromNow()
    const failed = () => world.gauge('tollgate_delivery_attempts_failed_total')
    const failedBefore = await failed()
    receiver.conduct = (received, response, index) =>
      answer(posts().length === 1 ? 500 : 200)(received, response, index)
    await callOnce()
    await advance(1000)
    // It has the answer by then, and counts its wait from there.
    await until(async () => (await failed()) === failedBefore + 1, 'the end of the first attempt')
    expect(posts().length).toBe(1)
    // A second less a millisecond is not enough.
    await advance(999)
    expect(posts().length).toBe(1)
    await advance(1)
    await until(() => posts().length === 2, 'the second attempt')
    const [first, second] = posts()
    expect(second!.body.equals(first!.body)).toBe(true)
    expect(second!.signature).toBe(first!.signature)
    expect(second!.requestId).toBe(first!.requestId)
    expect(first!.signature).toBe(`v1=${createHmac('sha256', secret).update(first!.body).digest('hex')}`)
    await until(() => isDelivered(first!.requestId), 'the delivery')
    expect(await deadLetters(world)).toEqual([])
  })

  test(`${sentence} (400)`, async () => {
    const posts = postsFromNow()
    receiver.conduct = answer(400)
    await callOnce()
    await advance(1000)
    await until(async () => (await deadLetters(world)).length === 1, 'a dead letter')
    await advance(60_000)
    expect(posts().length).toBe(1)
    expect(await deadLetters(world)).toMatchObject([
      { state: 'dead', attempts: 1, last_status: 400, events: 1, problem: 'answered 400' },
    ])
  })

  test(`${sentence} (hanging)`, { timeout: 90_000 }, async () => {
    const posts = postsFromNow()
    receiver.conduct = hang
    const tenant = await callOnce()
    await advance(1000)
    await until(() => posts()[0]?.leftAtMs != null, 'the end of the first attempt')
    expect(posts().length).toBe(1)
    // Calls neither fail nor wait for the receiver.
    expect((await world.call(tenant).ended).isComplete).toBe(true)
    await advance(1000)
    // The event of the call since may be posted by now, too.
    const attempts = () => posts().filter((it) => it.requestId === posts()[0]?.requestId)
    await until(() => attempts()[1]?.leftAtMs != null, 'the end of the second attempt')
    const [first, second] = attempts()
    await until(async () => (await letterOf(first!.requestId)) !== undefined, 'a dead letter')
    // A busy receiver sees its time begin late; the two fifths that the second attempt is left, it is not.
    expect(first!.leftAtMs! - first!.atMs, 'cut when its time was up').toBeGreaterThan(patience / 2)
    // All of its time, a second of waiting, and what is left of all the time that there was.
    expect(second!.body.equals(first!.body)).toBe(true)
    const letter = await letterOf(first!.requestId)
    expect(letter).toMatchObject({ attempts: 2, last_status: null, problem: 'no answer in time' })
    const { body } = await world.admin('GET', `/dead-letters/${letter.id}`)
    expect(body.body).toBe(String(first!.body))
    expect(eventsIn(body.body).length).toBe(1)
  })
})
