import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import type { Database } from '../store/database.ts'
import {
  emptyTables,
  event,
  noon,
  type SpoolPlace,
  segmentOf,
  settlement,
  tablesOf,
  temporaryPlace,
  testDrain,
} from './ledger.fixture.ts'
import { openSweep } from './sweep.ts'

const minuteMs = 60_000

describe.each(databases())('sweeping on $name', ({ open }) => {
  let database: Database
  let place: SpoolPlace
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    await emptyTables(database)
    place = temporaryPlace()
  })
  afterEach(() => place.remove())

  test('deletes what was kept long enough, however much, and nothing else', async () => {
    await database.transaction((transaction) =>
      transaction
        .insertInto('workspaces')
        .values({
          id: 'default',
          name: 'Default',
          onboarded: 1,
          created_at: 0,
          revision: 0,
          config_hash: null,
        })
        .execute(),
    )
    const ages = [30, 11, 10, 5, 4]
    const old = ages.map((minutes) =>
      settlement(`a${minutes}`, { at: noon - minutes * minuteMs, event: event() }),
    )
    const older = Array.from({ length: 2500 }, (_, index) =>
      settlement(`o${index}`, { at: noon - 60 * minuteMs }),
    )
    const drain = testDrain(database, place.directory)
    drain.accept(await segmentOf(place.directory, [...older, ...old]))
    await drain.idle()
    await drain.close()

    const sweep = openSweep({
      database,
      clock: () => noon,
      eventsKeptMs: 10 * minuteMs,
      onError: (error) => {
        throw error
      },
      settlementsEveryMs: 5,
      eventsEveryMs: 5,
    })
    await vi.waitFor(async () => {
      const { settlements, events } = await tablesOf(database)
      expect(settlements).toEqual(['a4', 'a5'])
      expect(events.map(({ id }) => id)).toEqual(['a10', 'a4', 'a5'])
    }, 10_000)
    await sweep.close()
  })
})
