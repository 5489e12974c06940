import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { bulkInsert } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import { rollingColumns } from './chunk.ts'
import {
  emptyTables,
  instance,
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
          registration_public_key: null,
        })
        .execute(),
    )
    const aged = [
      ...Array.from({ length: 2500 }, (_, index) => ({ id: `o${index}`, at: noon - 60 * minuteMs })),
      ...[30, 11, 10, 5, 4].map((minutes) => ({ id: `a${minutes}`, at: noon - minutes * minuteMs })),
    ]
    const drain = testDrain(database, place.directory)
    const records = aged.map(({ id, at }) => settlement(id, { at, charges: [] }))
    drain.accept(await segmentOf(place.directory, records))
    await drain.idle()
    await drain.close()
    const rolling = aged.map(({ id, at }) => [id, instance, at, '[]'])
    await database.transaction((transaction) =>
      bulkInsert(transaction, database.kind, 'rolling_charges', rollingColumns, rolling),
    )
    await database.transaction((transaction) =>
      bulkInsert(
        transaction,
        database.kind,
        'audit_log',
        ['id', 'at', 'workspace_id', 'actor', 'action', 'target', 'details'],
        aged.map(({ id, at }, index) => [id, at, index % 2 === 0 ? 'w' : null, 'test', 'DONE', 'it', '{}']),
      ),
    )

    const sweep = openSweep({
      database,
      clock: () => noon,
      eventsKeptMs: 10 * minuteMs,
      auditKeptMs: 11 * minuteMs,
      onError: (error) => {
        throw error
      },
      rollingChargesEveryMs: 5,
      eventsEveryMs: 5,
      auditEveryMs: 5,
    })
    await vi.waitFor(async () => {
      expect((await tablesOf(database)).eventIds).toEqual(['a10', 'a4', 'a5'])
      const kept = await database.read.selectFrom('rolling_charges').select('id').orderBy('id').execute()
      expect(kept).toEqual([{ id: 'a4' }, { id: 'a5' }])
      const audit = await database.read.selectFrom('audit_log').select('id').orderBy('id').execute()
      expect(audit).toEqual([{ id: 'a10' }, { id: 'a11' }, { id: 'a4' }, { id: 'a5' }])
    }, 10_000)
    await sweep.close()
  })
})
