import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import type { KeyId } from '../domain/ids.ts'
import { bulkInsert } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import { rollingColumns } from './chunk.ts'
import {
  attempt,
  emptyTables,
  event,
  instance,
  noon,
  refusal,
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
    const records = aged.flatMap(({ id, at }, index) => [
      settlement(id, { at, charges: [], event: event({ keyId: `key_${index}` as KeyId }) }),
      attempt(`t${id}`, {}, at),
      refusal(`r${id}`, { keyId: `key_${index}` as KeyId }, at),
    ])
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
      attemptsKeptMs: 11 * minuteMs,
      refusalsKeptMs: 4 * minuteMs,
      bucketsKeptMs: 15 * minuteMs,
      onError: (error) => {
        throw error
      },
      rollingChargesEveryMs: 5,
      eventsEveryMs: 5,
      auditEveryMs: 5,
    })
    const { read } = database
    await vi.waitFor(async () => {
      expect((await tablesOf(database)).eventIds).toEqual(['a10', 'a4', 'a5'])
      const kept = await read.selectFrom('rolling_charges').select('id').orderBy('id').execute()
      expect(kept).toEqual([{ id: 'a4' }, { id: 'a5' }])
      const audit = await read.selectFrom('audit_log').select('id').orderBy('id').execute()
      expect(audit).toEqual([{ id: 'a10' }, { id: 'a11' }, { id: 'a4' }, { id: 'a5' }])
      const attempts = await read.selectFrom('attempts').select('id').orderBy('id').execute()
      expect(attempts.map(({ id }) => id)).toEqual(['ta10', 'ta11', 'ta4', 'ta5'])
      expect(await read.selectFrom('refusals').select('id').execute()).toEqual([{ id: 'ra4' }])
      const counts = await read.selectFrom('refusal_counts').select('starts_at').execute()
      expect(counts).toEqual([{ starts_at: noon - 4 * minuteMs }])
      const buckets = await read.selectFrom('usage_buckets').select('starts_at').distinct().execute()
      expect(buckets).toEqual([{ starts_at: noon - 15 * minuteMs }])
    }, 10_000)
    await sweep.close()
  })
})
