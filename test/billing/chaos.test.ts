import { describe, expect, test } from 'vitest'
import type { DeliveryTable, UsageEventTable } from '../../src/store/schema.ts'
import { startLoad } from '../faults/load.ts'
import { slug, until } from '../faults/world.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import {
  answer,
  type Conduct,
  eventsIn,
  expectedSignature,
  hang,
  type PostedEvent,
  type Receiver,
} from './receiver.ts'
import { secret, withReceiver } from './world.ts'

const wanted = isLong ? 10_000 : 100
const kills = isLong ? 5 : 1
/** Between a call and its answer, so that there are not many more than that. */
const pace = isLong ? {} : { fake: { headDelayMs: 40 } }
/** A twentieth of what holds by default, so that a delivery is given up before long. */
const webhooks = {
  batch: isLong ? 20 : 7,
  linger: '50ms',
  attempt_timeout: '500ms',
  first_backoff: '50ms',
  longest_backoff: '250ms',
  give_up_after: '750ms',
}

describe.each(mostDatabases())('a receiver out of its mind, on $name', (database) => {
  test(
    `of ${wanted} events, in ${kills + 1} lives of the gateway, each is delivered or a dead letter, as it was`,
    { timeout: isLong ? 600_000 : 90_000 },
    () =>
      withReceiver(database, { settings: { frontier: { webhooks } } }, async (world, receiver, place) => {
        receiver.conduct = whatever
        const tenant = await world.tenantUnder('REQUEST/DAY 1000000000')
        for (let life = 0; life <= kills; life++) {
          const load = startLoad({
            url: world.gateway.url,
            key: tenant.key,
            wishOf: (client) => ({
              model: slug,
              stream: client % 2 === 1,
              metadata: { client, mark: 'é\n"' },
              ...pace,
            }),
            concurrency: 20,
          })
          await until(() => load.records.length >= wanted / (kills + 1), 'calls that end', 200_000)
          const before = receiver.received.length
          await until(() => receiver.received.length > before, 'a delivery under way', 60_000)
          if (life < kills) await world.gateway.stop('SIGKILL')
          await load.stop()
          if (life < kills) await world.restart()
        }
        await until(async () => (await world.gauge('tollgate_drain_lag_bytes')) === 0, 'the end of the spool')
        await until(() => isAllDecided(place), 'the end of all deliveries', 300_000)
        const books = await readBooks(place)
        expect(books.events.length).toBeGreaterThanOrEqual(wanted)
        expectEachPostRepeated(receiver)
        expectNothingLost(books, receiver)
        expectNothingAltered(books, receiver)
      }),
  )
})

/** Takes, fails, refuses, breaks off, or dawdles, each as likely as the others. */
const conducts: readonly Conduct[] = [
  answer(200),
  answer(200),
  answer(500),
  answer(400),
  hang,
  (_, response) => void response.destroy(),
  (received, response) => dawdle(200, received, response),
  (received, response) => dawdle(502, received, response),
]
const whatever: Conduct = (received, response, index) =>
  conducts[Math.floor(Math.random() * conducts.length)]!(received, response, index)

/** The head at once, and then a body that never comes to its end. */
function dawdle(status: number, received: Parameters<Conduct>[0], response: Parameters<Conduct>[1]): void {
  received.isTaken = status === 200
  response.writeHead(status, { 'content-length': '1000' })
  const timer = setInterval(() => response.write('.'), 40)
  response.once('close', () => clearInterval(timer))
}

interface Books {
  readonly events: readonly UsageEventTable[]
  readonly deliveries: readonly DeliveryTable[]
}

function isAllDecided(place: TestPlace): Promise<boolean> {
  return place.look(async (read) => {
    const waiting = await read.selectFrom('waiting_events').select('id').limit(1).execute()
    const pending = await read
      .selectFrom('deliveries')
      .select('id')
      .where('state', '=', 'pending')
      .limit(1)
      .execute()
    return waiting.length + pending.length === 0
  })
}

async function readBooks(place: TestPlace): Promise<Books> {
  return place.look(async (read) => ({
    events: await read.selectFrom('usage_events').selectAll().execute(),
    deliveries: await read.selectFrom('deliveries').selectAll().execute(),
  }))
}

/** What goes by one name is the same each time, before and after a kill, and signed. */
function expectEachPostRepeated({ received }: Receiver): void {
  for (const posts of Map.groupBy(received, ({ requestId }) => requestId).values()) {
    expect(new Set(posts.map(({ body }) => String(body))).size).toBe(1)
    expect(new Set(posts.map(({ signature }) => signature)).size).toBe(1)
    expect(posts[0]!.signature).toBe(expectedSignature(secret, posts[0]!.body))
  }
}

/** Every event is in exactly one delivery; one that is called delivered was taken, and a dead one has its bytes. */
function expectNothingLost({ events, deliveries }: Books, { received }: Receiver): void {
  const byName = new Map(received.map((post) => [post.requestId, post]))
  const takenNames = new Set(received.filter(({ isTaken }) => isTaken).map(({ requestId }) => requestId))
  const placed: string[] = []
  for (const { state, request_id, body } of deliveries) {
    if (state === 'delivered') expect(takenNames.has(request_id), 'delivered and not taken').toBe(true)
    const text = state === 'delivered' ? byName.get(request_id)!.body : body!
    const posted = byName.get(request_id)
    if (posted !== undefined) expect(String(text)).toBe(String(posted.body))
    placed.push(...eventsIn(text).map(({ idempotencyKey }) => idempotencyKey))
  }
  expect(placed.sort()).toEqual(events.map(({ id }) => id).sort())
}

function expectNothingAltered({ events }: Books, { received }: Receiver): void {
  const byId = new Map(events.map((event) => [event.id, event]))
  for (const post of received) {
    for (const event of eventsIn(post.body)) expect(event).toEqual(asPosted(byId.get(event.idempotencyKey)!))
  }
}

function asPosted(row: UsageEventTable): PostedEvent {
  return {
    idempotencyKey: row.id,
    timestamp: new Date(row.at).toISOString(),
    requestId: row.request_id,
    requestMetadata: JSON.parse(row.metadata!),
    modelSlug: row.model,
    externalEntityId: row.external_id!,
    apiKeyPrefix: row.key_prefix,
    tokens: {
      inputTokens: row.input_tokens,
      outputTokens: row.output_tokens,
      cachedInputTokens: row.cache_read_tokens,
    },
  }
}
