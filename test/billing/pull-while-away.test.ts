import { describe, expect, test } from 'vitest'
import { breakableDatabases } from '../faults/breakable.ts'
import { startLoad } from '../faults/load.ts'
import { noon, slug, until, type World, withWorld } from '../faults/world.ts'
import { isLong } from '../setup/form.ts'

/** The short form is content with one. */
const runsOn = isLong ? breakableDatabases() : breakableDatabases().slice(0, 1)

describe.concurrent.each(runsOn)('$name is away for two minutes', (database) => {
  test(
    'and whoever pulls in a loop meanwhile, from the last event that came, gets every event',
    { timeout: 180_000 },
    () =>
      withWorld(database, { clock: noon }, async (world, place) => {
        const tenant = await world.tenantUnder('REQUEST/DAY 1000000000')
        const puller = startPuller(world)
        const load = startLoad({
          url: world.gateway.url,
          key: tenant.key,
          wishOf: (client) => ({
            model: slug,
            stream: client % 2 === 1,
            fake: { headDelayMs: isLong ? 30 : 150 },
          }),
          concurrency: 10,
        })
        let now = noon
        const pass = async (ms: number) => {
          const before = load.records.length
          now += ms
          await world.gateway.setClock(now)
          await until(() => load.records.length > before + 10, 'calls that end')
        }
        for (let step = 0; step < 5; step++) await pass(20_000)
        await until(() => puller.events.length > 0, 'events')
        await place.takeAway()
        for (let step = 0; step < 6; step++) await pass(20_000)
        await place.giveBack()
        for (let step = 0; step < 3; step++) await pass(20_000)
        await load.stop()
        const stored = async () => (await world.ledger()).events.length
        await until(async () => (await stored()) === load.records.length, 'the backlog', 60_000)
        await world.gateway.setClock(now + 61_000)

        const { events } = await world.ledger()
        expect(events.length).toBeGreaterThan(100)
        await until(() => puller.events.length >= events.length, 'the last events', 60_000)
        await puller.stop()
        // More than 60 s of the wall clock went by before some of them were stored.
        expect([...puller.events].sort()).toEqual(events.map(({ id }) => id).sort())
      }),
  )
})

/** Pulls from the last event on, page by page, and takes what it has seen already only once. */
function startPuller(world: World): { readonly events: readonly string[]; stop(): Promise<void> } {
  const events = new Set<string>()
  const list: string[] = []
  let since = new Date(noon).toISOString()
  let isStopped = false

  const pullWindow = async () => {
    let query = `start_time=${since}&limit=50`
    for (;;) {
      const { status, body } = await world.frontier.request('GET', `/events?${query}`)
      // While the database is away nobody is told anything; what was given stays given.
      if (status === 503) return
      expect(status).toBe(200)
      for (const { idempotencyKey, timestamp } of body.items) {
        expect(Date.parse(timestamp), 'events go on in their order').toBeGreaterThanOrEqual(Date.parse(since))
        since = timestamp
        if (events.has(idempotencyKey)) continue
        events.add(idempotencyKey)
        list.push(idempotencyKey)
      }
      if (body.pagination.cursor === null) return
      query = `cursor=${body.pagination.cursor}`
    }
  }
  const running = (async () => {
    while (!isStopped) {
      await pullWindow()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  // Heard where it is waited for.
  running.catch(() => {})
  return {
    events: list,
    async stop() {
      isStopped = true
      await running
    },
  }
}
