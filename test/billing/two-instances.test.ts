import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Billing, openBilling } from '../../src/billing/billing.ts'
import { isFailure } from '../../src/domain/failure.ts'
import { type InstanceId, ulidSource, type WorkspaceId } from '../../src/domain/ids.ts'
import type { Drain } from '../../src/ledger/drain.ts'
import { enterInstance } from '../../src/ledger/instance.sql.ts'
import {
  event,
  type SpoolPlace,
  segmentOf,
  settlement,
  temporaryPlace,
  testDrain,
} from '../../src/ledger/ledger.fixture.ts'
import type { SpoolMessage } from '../../src/ledger/segment.ts'
import type { Database } from '../../src/store/database.ts'
import { databases } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'

const noon = Date.UTC(2026, 10, 2, 12)
const workspaceId = 'default' as WorkspaceId
const steps = isLong ? 1000 : 75

/** An instance whose drain gets what its spool closed only when it is let. */
interface Lagging {
  readonly id: InstanceId
  readonly place: SpoolPlace
  readonly drain: Drain
  readonly held: SpoolMessage[]
}

describe.each(databases())('two instances on $name', ({ open }) => {
  let database: Database
  let billing: Billing
  let now = noon
  const newUlid = ulidSource()
  beforeAll(async () => {
    database = await open()
    billing = openBilling({ database, masterKey: 'master', clock: () => now, newUlid })
  })
  afterAll(() => database.close())

  async function join(name: string): Promise<Lagging> {
    const id = name as InstanceId
    await enterInstance(database, id, now)
    const place = temporaryPlace()
    return { id, place, drain: testDrain(database, place.directory, { instance: id }), held: [] }
  }

  /** Some calls settle at this instant. */
  async function settle({ id, place, held }: Lagging, ids: readonly string[]): Promise<void> {
    const records = ids.map((it) => settlement(it, { at: now, charges: [], event: event({ workspaceId }) }))
    held.push(await segmentOf(place.directory, records, { instance: id, clock: () => now }))
  }

  async function store({ drain, held }: Lagging): Promise<void> {
    for (const message of held.splice(0)) drain.accept(message)
    await drain.idle()
  }

  test('whoever pulls in a loop gets every event once, however far one lags behind the other', async () => {
    const nodes = [await join('quick'), await join('slow')]
    const settled: string[] = []
    const pulled: string[] = []
    let since = noon

    /** From the last event that was given; what is given again at its instant is known by its id. */
    const pull = async () => {
      let page: Awaited<ReturnType<Billing['continueEvents']>> = await billing.listEvents(workspaceId, {
        startAt: since,
        endAt: null,
        limit: 7,
        keyPrefixes: [],
        externalIds: [],
      })
      for (;;) {
        if (isFailure(page)) throw new Error(page.failure)
        for (const { at, id } of page.items) {
          if (!(at === since && pulled.includes(id))) pulled.push(id)
          since = at
        }
        if (page.next === null) return
        page = await billing.continueEvents(workspaceId, page.next)
      }
    }
    for (let step = 0; step < steps; step++) {
      now += Math.floor(Math.random() * 20_000)
      for (const node of nodes) {
        const ids = Array.from({ length: 1 + Math.floor(Math.random() * 3) }, () => newUlid(now))
        settled.push(...ids)
        await settle(node, ids)
        // Quick stores at once nearly always; slow leaves minutes of events in its spool.
        if (Math.random() < (node.id === 'quick' ? 0.9 : 0.1)) await store(node)
      }
      await pull()
    }
    for (const node of nodes) await store(node)
    now += 61_000
    for (const { drain } of nodes) drain.accept({ thread: 0, closed: null, completeBefore: now })
    for (const { drain } of nodes) await drain.close()
    await pull()
    expect(pulled.length).toBeGreaterThan(steps)
    expect(pulled.sort()).toEqual(settled.sort())
    for (const { place } of nodes) place.remove()
  })
})
