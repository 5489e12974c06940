import { describe, expect, test } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import type { InstanceId } from '../domain/ids.ts'
import type { Charge } from '../limits/plan.ts'
import { bulkInsert } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import { rollingColumns } from './chunk.ts'
import {
  addGeneration,
  addPeriods,
  beginEachEmpty,
  dayCharge,
  dayEnd,
  hold,
  instance,
  noon,
  recoverWith,
  rollingCharge,
  type SpoolPlace,
  segmentOf,
  settlement,
  tablesOf,
  testDrain,
} from './ledger.fixture.ts'
import { readOpenCharges } from './open-charges.sql.ts'
import type { LedgerRecord } from './record.ts'
import { readPeriodUsage } from './usage-reads.sql.ts'

const today = Date.UTC(2026, 5, 1)
const hourMs = 3_600_000

describe.each(databases())('recovery on $name', ({ open }) => {
  let database: Database
  let place: SpoolPlace
  beginEachEmpty(open, (opened, made) => {
    database = opened
    place = made
  })

  async function start(now = noon) {
    const drain = testDrain(database, place.directory)
    const recovered = await recoverWith(drain, database, place.directory, now)
    await drain.close()
    return recovered
  }

  async function openCharges(now: number): Promise<Charge[]> {
    const charges: Charge[] = []
    for await (const some of readOpenCharges(database, now)) charges.push(...some)
    return charges
  }

  test('stores what all threads of an earlier process left', async () => {
    await segmentOf(place.directory, [settlement('a1')], { thread: 0 })
    await segmentOf(place.directory, [settlement('b1'), settlement('b2')], { thread: 1 })
    await segmentOf(place.directory, [settlement('a2')], { thread: 0 })
    expect(await start()).toMatchObject({ segments: 3, chargedHolds: 0 })
    expect((await tablesOf(database)).eventIds).toEqual(['a1', 'a2', 'b1', 'b2'])
    expect(await start()).toEqual({ segments: 0, bytes: 0, chargedHolds: 0 })
  })

  test('charges strict calls that were under way whole, to their strict rows, without an event', async () => {
    const night = dayEnd + hourMs
    const fixed = { kind: 'fixed' as const, lengthMs: hourMs, anchor: today }
    const records: LedgerRecord[] = [
      hold('h1', 100),
      hold('h2', 30),
      hold('h3', 7, { counter: 'budget', chargedAt: 'completion' }),
      hold('h4', 5, { counter: 'hourly', window: fixed, chargedAt: 'completion' }),
      hold('h5', 3, { counter: 'rolling', window: { kind: 'rolling', lengthMs: 60_000 } }),
      settlement('h2', { closesHold: true, charges: [dayCharge('strict', 12)], event: null }),
    ]
    await segmentOf(place.directory, records)
    expect(await start(night)).toMatchObject({ chargedHolds: 4 })
    expect(await start(night)).toMatchObject({ chargedHolds: 0 })
    const { rollups, events, holds, rolling } = await tablesOf(database)
    expect(rollups).toEqual({
      [`strict ${today}`]: [112, 0],
      [`budget ${dayEnd}`]: [7, 0],
      [`hourly ${night}`]: [5, 0],
    })
    expect(rolling).toEqual([['rolling', 0, night, 3, 0]])
    expect({ events, holds }).toEqual({ events: [], holds: [] })
  })

  test('charges strict calls to the generation that began while they were under way', async () => {
    const window = { kind: 'fixed' as const, lengthMs: hourMs, anchor: noon }
    const budget = (counter: string) => ({ counter, window, chargedAt: 'completion' as const })
    const change = { changed_at: noon + 1, keeps_usage: 0 }
    await addGeneration(database, 'open', 1, { ...change, starts_at: noon, ends_at: noon + 9 * hourMs })
    await addGeneration(database, 'open', 2, { ...change, starts_at: noon + 1, ends_at: noon + 5 * hourMs })
    await addGeneration(database, 'over', 1, { ...change, starts_at: noon, ends_at: noon + 9 * hourMs })
    await addGeneration(database, 'over', 2, { ...change, starts_at: noon, ends_at: noon + hourMs })
    await segmentOf(place.directory, [
      hold('h1', 100, budget('open')),
      hold('h2', 20, { ...budget('open'), generation: 2 }),
      hold('h3', 3, budget('over')),
    ])
    const now = noon + 2 * hourMs
    expect(await start(now)).toMatchObject({ chargedHolds: 3 })
    const rollups = await database.read.selectFrom('rollups').selectAll().orderBy('counter').execute()
    expect(rollups).toMatchObject([
      { counter: 'open', generation: 2, starts_at: noon + 1, ends_at: noon + 5 * hourMs, used_whole: 120 },
      { counter: 'over', generation: 0, starts_at: now, ends_at: now + hourMs, used_whole: 3 },
    ])
  })

  test('leaves the open holds of other instances alone', async () => {
    await segmentOf(place.directory, [hold('h1', 100)], {
      instance: '01JBBBBBBBBBBBBBBBBBBBBBBB' as InstanceId,
    })
    expect(await start()).toMatchObject({ segments: 1, chargedHolds: 0 })
    expect((await tablesOf(database)).holds).toEqual(['h1'])
  })

  test('loads open periods and the charges of the last minute, and nothing older', async () => {
    const records = Array.from({ length: 12 }, (_, index) =>
      settlement(`a${String(index).padStart(2, '0')}`, {
        at: noon + index * 10_000,
        charges: [dayCharge('tokens', 2), rollingCharge('minute', noon + index * 10_000, 1)],
        event: null,
      }),
    )
    await segmentOf(place.directory, records)
    await start()
    const now = noon + 110_000
    const charges = await openCharges(now)
    expect(charges.filter(({ counter }) => counter === 'tokens')).toEqual([
      { counter: 'tokens', generation: 0, startsAt: today, endsAt: dayEnd, amount: { whole: 24, pico: 0 } },
    ])
    expect(charges.filter(({ counter }) => counter === 'minute')).toEqual(
      [50, 60, 70, 80, 90, 100, 110].map((second) => rollingCharge('minute', noon + second * 1000, 1)),
    )
    expect(await openCharges(dayEnd)).toEqual([])
  })

  test('loads more than one page of each', async () => {
    const records = Array.from({ length: 6000 }, (_, index) =>
      settlement(`a${index}`, {
        charges: [dayCharge(`counter ${index}`, 1), rollingCharge('minute', noon, 1)],
        event: null,
      }),
    )
    await segmentOf(place.directory, records, {
      limits: { segmentBytes: 2 ** 24, beatMs: 60_000, longestWaitMs: 60_000 },
    })
    await start()
    const rolling = Array.from({ length: 250 }, (_, index) => [
      `r${index}`,
      instance,
      noon,
      JSON.stringify([['other', 0, noon, 1, 0]]),
    ])
    await database.transaction((transaction) =>
      bulkInsert(transaction, database.kind, 'rolling_charges', rollingColumns, rolling),
    )
    const charges = await openCharges(noon)
    expect(charges.filter(({ endsAt }) => endsAt !== null).length).toBe(6000)
    expect(charges.filter(({ counter }) => counter === 'other').length).toBe(250)
    const minutes = charges.filter(({ counter }) => counter === 'minute')
    expect(minutes.reduce((sum, { amount }) => sum + amount.whole, 0)).toBe(6000)
  })

  describe('of a counter whose window began anew', () => {
    const hour = (counter: string, generation: number, whole: number, startsAt = noon): Charge => ({
      counter,
      generation,
      startsAt,
      endsAt: startsAt + hourMs,
      amount: { whole, pico: 0 },
    })
    const now = noon + 1800_000
    const change = { starts_at: noon, ends_at: noon + 2 * hourMs, changed_at: noon + 60_000, keeps_usage: 1 }
    const carried = (counter: string, generation: number, whole: number): Charge => ({
      ...hour(counter, generation, whole),
      endsAt: noon + 2 * hourMs,
    })

    test('loads what it took over, however many generations ago that was charged', async () => {
      await addGeneration(database, 'kept', 1, change)
      await addGeneration(database, 'kept', 2, { ...change, changed_at: noon + 120_000 })
      await addPeriods(database, 'rollups', [
        hour('kept', 0, 1, noon - hourMs),
        hour('kept', 0, 10),
        carried('kept', 1, 200),
        carried('kept', 2, 3000),
      ])
      await addPeriods(database, 'limit_adjustments', [hour('kept', 0, -4), carried('kept', 2, -500)])
      const ofNewest = (await openCharges(now)).filter(({ generation }) => generation === 2)
      expect(ofNewest).toEqual([carried('kept', 2, 3000), carried('kept', 2, -500), carried('kept', 2, 206)])
    })

    test('takes over what is stored late, too, and nothing once its first period is over', async () => {
      await addGeneration(database, 'tokens', 1, { ...change, starts_at: today, ends_at: dayEnd + hourMs })
      expect(await openCharges(now)).toEqual([])
      await segmentOf(place.directory, [settlement('a', { charges: [dayCharge('tokens', 15)], event: null })])
      await start()
      const taken = { ...dayCharge('tokens', 15), generation: 1, endsAt: dayEnd + hourMs }
      expect(await openCharges(now)).toEqual([dayCharge('tokens', 15), taken])
      expect(await openCharges(dayEnd)).toEqual([taken])
      expect(await openCharges(dayEnd + hourMs)).toEqual([])
    })

    test('loads nothing from before a change that dropped it', async () => {
      await addGeneration(database, 'reset', 1, { ...change, keeps_usage: 0 })
      await addGeneration(database, 'reset twice', 1, change)
      await addGeneration(database, 'reset twice', 2, { ...change, keeps_usage: 0 })
      await addPeriods(database, 'rollups', [hour('reset', 0, 5), hour('reset twice', 0, 5)])
      expect((await openCharges(now)).filter(({ generation }) => generation > 0)).toEqual([])
    })

    test('loads more than one page of counters', async () => {
      const names = Array.from({ length: 1100 }, (_, index) => `counter ${String(index).padStart(4, '0')}`)
      await addPeriods(
        database,
        'rollups',
        names.map((name) => hour(name, 0, 1)),
      )
      const columns = ['counter', 'generation', 'starts_at', 'ends_at', 'changed_at', 'keeps_usage'] as const
      const rows = names.map((name) => [name, 1, noon, noon + 2 * hourMs, noon + 60_000, 1])
      await database.transaction((transaction) =>
        bulkInsert(transaction, database.kind, 'limit_generations', columns, rows),
      )
      const loaded = (await openCharges(now)).filter(({ generation }) => generation === 1)
      expect(loaded).toEqual(names.map((name) => carried(name, 1, 1)))
    })
  })

  test('what counters used can be asked by name', async () => {
    const charges = [dayCharge('tokens', 2), dayCharge('dollars', 1, 999_999), dayCharge('other', 1)]
    await segmentOf(place.directory, [settlement('a', { charges }), settlement('b', { charges })])
    await start()
    const names = ['dollars', 'tokens', 'unknown']
    expect(await readPeriodUsage(database, names, noon)).toEqual([
      dayCharge('dollars', 3, 999_998),
      dayCharge('tokens', 4),
    ])
    expect(await readPeriodUsage(database, names, dayEnd)).toEqual([])
    expect(await readPeriodUsage(database, [], noon)).toEqual([])
  })
})
