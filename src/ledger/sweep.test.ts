import { describe, expect, test, vi } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { isLong } from '../../test/setup/form.ts'
import type { KeyId } from '../domain/ids.ts'
import type { Charge } from '../limits/plan.ts'
import { endOfTime } from '../limits/window.ts'
import { bulkInsert } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import { rollingColumns } from './chunk.ts'
import {
  addGeneration,
  addPeriods,
  attempt,
  beginEachEmpty,
  event,
  instance,
  noon,
  refusal,
  type SpoolPlace,
  segmentOf,
  settlement,
  tablesOf,
  testDrain,
} from './ledger.fixture.ts'
import { endedPeriodsKeptMs, periodTables, sweepEndedPeriods, sweepOldGenerations } from './sweep.sql.ts'
import { openSweep } from './sweep.ts'

const minuteMs = 60_000

describe.each(databases())('sweeping on $name', ({ open }) => {
  let database: Database
  let place: SpoolPlace
  beginEachEmpty(open, (opened, made) => {
    database = opened
    place = made
  })

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
      // More than are deleted at once.
      ...Array.from({ length: isLong ? 2500 : 1100 }, (_, index) => ({
        id: `o${index}`,
        at: noon - 60 * minuteMs,
      })),
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

    const past = { counter: 'tokens', generation: 0, amount: { whole: 1, pico: 0 } }
    const weekAgo = noon - endedPeriodsKeptMs
    for (const table of periodTables) {
      await addPeriods(database, table, [
        { ...past, startsAt: 0, endsAt: weekAgo - 1 },
        { ...past, startsAt: weekAgo - 1, endsAt: weekAgo },
      ])
    }

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
      rollingChargesEveryMs: 20,
      periodsEveryMs: 20,
      eventsEveryMs: 20,
      auditEveryMs: 20,
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
      for (const table of periodTables) {
        expect(await read.selectFrom(table).select('ends_at').execute()).toEqual([{ ends_at: weekAgo }])
      }
    }, 10_000)
    await sweep.close()
  })

  describe('of the sums of periods', () => {
    const weekAgo = noon - endedPeriodsKeptMs
    const period = (counter: string, generation: number, startsAt: number, endsAt: number): Charge => ({
      counter,
      generation,
      startsAt,
      endsAt,
      amount: { whole: 1, pico: 0 },
    })
    const ended = (counter: string, generation: number) =>
      period(counter, generation, weekAgo - 1000, weekAgo - 100)
    const change = {
      starts_at: weekAgo - 1000,
      ends_at: noon + 1000,
      changed_at: weekAgo - 500,
      keeps_usage: 1,
    }

    async function sweepOnce() {
      for (const table of [...periodTables, 'limit_generations'] as const) {
        while (await sweepOldGenerations(database, table, weekAgo));
      }
      for (const table of periodTables) while (await sweepEndedPeriods(database, table, weekAgo));
      const { read } = database
      const kept = async (table: (typeof periodTables)[number] | 'limit_generations') => {
        const rows = await read
          .selectFrom(table)
          .select(['counter', 'generation', 'starts_at'])
          .orderBy('counter')
          .orderBy('generation')
          .orderBy('starts_at')
          .execute()
        return rows.map(({ counter, generation }) => `${counter} ${generation}`)
      }
      return {
        rollups: await kept('rollups'),
        adjustments: await kept('limit_adjustments'),
        generations: await kept('limit_generations'),
      }
    }

    /** Each of these in both tables. */
    async function add(...periods: Charge[]) {
      for (const table of periodTables) await addPeriods(database, table, periods)
    }

    test('deletes a week later what is over', async () => {
      await add(
        ended('a', 0),
        period('a', 0, weekAgo - 100, weekAgo),
        ...Array.from({ length: 1100 }, (_, index) => ended(`many ${index}`, 0)),
      )
      expect(await sweepOnce()).toEqual({ rollups: ['a 0'], adjustments: ['a 0'], generations: [] })
    })

    test('keeps what an open period has taken over, and the way there', async () => {
      await addGeneration(database, 'a', 1, change)
      await addGeneration(database, 'a', 2, change)
      await add(
        period('a', 0, weekAgo - 2000, weekAgo - 1000),
        ended('a', 0),
        ended('a', 1),
        period('a', 2, weekAgo - 1000, noon + 1000),
      )
      const all = ['a 0', 'a 1', 'a 2']
      expect(await sweepOnce()).toEqual({ rollups: all, adjustments: all, generations: ['a 1', 'a 2'] })
    })

    test('lets it go when that period has been over for a week', async () => {
      await addGeneration(database, 'a', 1, change)
      await addGeneration(database, 'a', 2, { ...change, ends_at: weekAgo - 1 })
      await add(ended('a', 0), ended('a', 1), period('a', 2, weekAgo - 1, noon))
      expect(await sweepOnce()).toEqual({ rollups: ['a 2'], adjustments: ['a 2'], generations: ['a 2'] })
    })

    test('lets go what a reset dropped, though its period never ends', async () => {
      const endless = (generation: number) => period('a', generation, weekAgo - 9999, endOfTime)
      const reset = { ...change, ends_at: endOfTime, keeps_usage: 0 }
      await addGeneration(database, 'a', 1, reset)
      await addGeneration(database, 'a', 2, reset)
      await addGeneration(database, 'b', 1, { ...reset, changed_at: weekAgo })
      await add(endless(0), endless(1), endless(2), { ...endless(0), counter: 'b' })
      const left = ['a 2', 'b 0']
      expect(await sweepOnce()).toEqual({ rollups: left, adjustments: left, generations: ['a 2', 'b 1'] })
    })
  })
})
