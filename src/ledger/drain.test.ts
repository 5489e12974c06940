import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import type { Database } from '../store/database.ts'
import { StoreUnavailable } from '../store/errors.ts'
import { spoolFiles } from './files.ts'
import {
  beginEachEmpty,
  dayCharge,
  event,
  hold,
  instance,
  noon,
  recoverWith,
  segmentOf,
  settlement,
  tablesOf,
  testDrain,
} from './ledger.fixture.ts'
import type { SpoolMessage } from './segment.ts'

describe.each(databases())('the drain on $name', ({ open, name }) => {
  let database: Database
  let directory: string
  beginEachEmpty(open, (opened, place) => {
    database = opened
    directory = place.directory
  })

  async function drainAll(drain: ReturnType<typeof testDrain>, ...messages: SpoolMessage[]) {
    for (const message of messages) drain.accept(message)
    await drain.idle()
    await drain.close()
    return drain.events
  }

  test('stores what records say, adds totals up exactly, and removes the file', async () => {
    const odd = event({
      externalId: 'ü"\\\u2028',
      metadata: '{"a":"\\u0000"}',
      firstTokenMs: 3.4,
      nodeId: null,
    })
    const message = await segmentOf(directory, [
      settlement('a1', { event: odd }),
      settlement('a2', { event: null }),
      settlement('a3', { charges: [dayCharge('dollars', 0, 199_999)] }),
    ])
    expect(await drainAll(testDrain(database, directory), message)).toEqual([])
    const { events, ...tables } = await tablesOf(database)
    expect(tables).toEqual({
      rollups: { [`dollars ${Date.UTC(2026, 5, 1)}`]: [16, 1], [`tokens ${Date.UTC(2026, 5, 1)}`]: [30, 0] },
      rolling: [['minute', 0, noon, 2, 0]],
      eventIds: ['a1', 'a3'],
      holds: [],
      progress: [],
    })
    expect(events).toEqual([
      {
        id: 'a1',
        at: noon,
        workspace_id: 'default',
        request_id: 'req_1',
        key_id: 'key_1',
        key_prefix: 'sky_abc',
        node_id: null,
        external_id: 'ü"\\\u2028',
        model: 'demo/echo',
        provider: 'echo',
        upstream_model: 'echo-1',
        input_tokens: 10,
        output_tokens: 5,
        cache_read_tokens: 3,
        cache_write_tokens: 2,
        reasoning_tokens: 1,
        cost_whole: 7,
        cost_pico: 8,
        estimated: 0,
        streamed: 1,
        status: 200,
        latency_ms: 13,
        first_token_ms: 3,
        metadata: '{"a":"\\u0000"}',
        outcome: 'ok',
        upstream_status: 200,
        admitted_ms: 1,
        first_byte_ms: 9,
      },
      expect.objectContaining({ id: 'a3', node_id: 'grp_1', first_token_ms: null }),
    ])
    expect(readdirSync(directory)).toEqual([])
  })

  test('puts holds in and takes them out, within a transaction and across two', async () => {
    const records = [
      hold('h1', 5),
      hold('h2', 5),
      hold('h3', 5),
      settlement('h1', { closesHold: true }),
      { record: 'release' as const, id: hold('h2', 5).id, at: noon },
      hold('h4', 5),
    ]
    for (const recordsPerTransaction of [500, 1]) {
      const limits = { recordsPerTransaction, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 1 }
      await drainAll(testDrain(database, directory, { limits }), await segmentOf(directory, records))
      expect((await tablesOf(database)).holds).toEqual(['h3', 'h4'])
      await database.transaction(async (transaction) => {
        await transaction.deleteFrom('open_holds').execute()
        await transaction.deleteFrom('rolling_charges').execute()
        await transaction.deleteFrom('usage_events').execute()
      })
    }
  })

  test('goes on behind what was stored already, with the answer to the commit lost', async () => {
    let lost = 0
    const forgetful: Database = {
      ...database,
      async transaction(work) {
        const result = await database.transaction(work)
        if (lost++ % 2 === 0) throw new StoreUnavailable('the connection was lost')
        return result
      },
    }
    const records = Array.from({ length: 7 }, (_, index) => settlement(`a${index}`))
    const limits = { recordsPerTransaction: 3, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 1 }
    const events = await drainAll(
      testDrain(forgetful, directory, { limits }),
      await segmentOf(directory, records),
    )
    expect(events.slice(0, 2)).toEqual([
      { event: 'stopped', reason: 'the connection was lost' },
      { event: 'resumed' },
    ])
    const { eventIds, rollups } = await tablesOf(database)
    expect(eventIds).toEqual(records.map(({ id }) => id))
    expect(rollups[`tokens ${Date.UTC(2026, 5, 1)}`]).toEqual([7 * 15, 0])
  })

  test('stores nothing twice while a commit that seemed lost is still on its way', async () => {
    const late: Promise<unknown>[] = []
    let transactions = 0
    const slow: Database = {
      ...database,
      async transaction(work) {
        if (transactions++ % 2 === 1) return database.transaction(work)
        await new Promise<void>((begun, failed) => {
          const commit = database.transaction(async (transaction) => {
            const result = await work(transaction)
            begun()
            await new Promise((resolve) => setTimeout(resolve, 30))
            return result
          })
          late.push(commit.catch(failed))
        })
        throw new StoreUnavailable('the connection was lost')
      },
    }
    const records = Array.from({ length: 7 }, (_, index) => settlement(`a${index}`))
    const limits = { recordsPerTransaction: 3, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 1 }
    const message = await segmentOf(directory, records)
    const events = await drainAll(testDrain(slow, directory, { limits }), message)
    await Promise.all(late)
    expect(events.map(({ event }) => event)).not.toContain('set_aside')
    const { eventIds, rollups } = await tablesOf(database)
    expect(eventIds).toEqual(records.map(({ id }) => id))
    expect(rollups[`tokens ${Date.UTC(2026, 5, 1)}`]).toEqual([7 * 15, 0])
  })

  test('ends when closed, and another goes on where it stood', async () => {
    const records = Array.from({ length: 5 }, (_, index) => settlement(`a${index}`))
    const message = await segmentOf(directory, records)
    const limits = { recordsPerTransaction: 2, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 1 }
    let closed: Promise<void> | null = null
    const first = testDrain(database, directory, { limits, onStored: () => (closed ??= first.close()) })
    first.accept(message)
    await first.idle()
    await closed
    expect((await tablesOf(database)).eventIds).toEqual(['a0', 'a1'])
    expect(first.standing()).toMatchObject({ waitingSegments: 1, oldestAt: noon, problem: null })

    const second = testDrain(database, directory, { limits })
    expect(await recoverWith(second, database, directory)).toMatchObject({ segments: 1, chargedHolds: 0 })
    await second.close()
    expect((await tablesOf(database)).eventIds).toEqual(records.map(({ id }) => id))
    expect((await tablesOf(database)).progress).toEqual([])
  })

  test('waits while the database is away, and keeps nothing but names', async () => {
    let isAway = true
    const awayAtTimes: Database = {
      ...database,
      transaction: (work) =>
        isAway ? Promise.reject(new StoreUnavailable('away')) : database.transaction(work),
    }
    const drain = testDrain(awayAtTimes, directory)
    drain.accept(await segmentOf(directory, [settlement('a1')]))
    await vi.waitFor(() => expect(drain.standing().problem).toBe('away'))
    expect(drain.standing()).toMatchObject({ waitingSegments: 1, waitingBytes: expect.any(Number) })
    isAway = false
    await drain.idle()
    expect(drain.events.map(({ event }) => event)).toEqual(['stopped', 'resumed'])
    expect((await tablesOf(database)).eventIds).toEqual(['a1'])
    await drain.close()
  })

  describe('damage', () => {
    const records = Array.from({ length: 5 }, (_, index) => settlement(`a${index}`))

    /** One segment, changed; as an earlier process left it. */
    async function leftover(change: (bytes: Buffer, path: string) => void): Promise<string> {
      const { closed } = await segmentOf(directory, records)
      const path = join(directory, closed?.name ?? '')
      const bytes = readFileSync(path)
      change(bytes, path)
      return path
    }

    async function recoverAll() {
      const drain = testDrain(database, directory)
      await recoverWith(drain, database, directory)
      await drain.close()
      return { events: drain.events, stored: (await tablesOf(database)).eventIds }
    }

    test('at the very end of the newest segment is cut off', async () => {
      const path = await leftover((bytes, file) => truncateSync(file, bytes.length - 1))
      const { events, stored } = await recoverAll()
      expect(stored).toEqual(['a0', 'a1', 'a2', 'a3'])
      expect(events).toMatchObject([{ event: 'torn_tail_cut', segment: path.split('/').at(-1) }])
      expect(readdirSync(directory)).toEqual([])
    })

    test('at the end of an older segment is set aside', async () => {
      const path = await leftover((bytes, file) => truncateSync(file, bytes.length - 1))
      await segmentOf(directory, [settlement('b0')])
      const { events, stored } = await recoverAll()
      expect(stored).toEqual(['a0', 'a1', 'a2', 'a3', 'b0'])
      expect(events).toMatchObject([{ event: 'set_aside', file: `${path}.bad` }])
    })

    test('elsewhere sets the rest aside, as it is', async () => {
      let rest: Buffer = Buffer.alloc(0)
      const path = await leftover((bytes, file) => {
        const third = bytes.indexOf('"a2"')
        bytes.writeUInt8(bytes.readUInt8(third + 20) ^ 1, third + 20)
        writeFileSync(file, bytes)
        rest = bytes.subarray(bytes.lastIndexOf('["settlement"', third) - 8)
      })
      const { events, stored } = await recoverAll()
      expect(stored).toEqual(['a0', 'a1'])
      expect(events).toEqual([{ event: 'set_aside', file: `${path}.bad`, bytes: rest.length }])
      expect(readFileSync(`${path}.bad`).equals(rest)).toBe(true)
      expect(readdirSync(directory)).toEqual([`${path.split('/').at(-1)}.bad`])
    })

    test('of a length, which makes a record seem cut short, sets the rest aside', async () => {
      const path = await leftover((bytes, file) => {
        const third = bytes.lastIndexOf('["settlement"', bytes.indexOf('"a2"')) - 8
        bytes.writeUInt8(bytes.readUInt8(third + 1) ^ 0x40, third + 1)
        writeFileSync(file, bytes)
      })
      const { events, stored } = await recoverAll()
      expect(stored).toEqual(['a0', 'a1'])
      expect(events).toMatchObject([{ event: 'set_aside', file: `${path}.bad` }])
    })

    test('zeros behind the last record are set aside: they may have been records', async () => {
      const path = await leftover((bytes, file) =>
        writeFileSync(file, Buffer.concat([bytes, Buffer.alloc(64)])),
      )
      const { events, stored } = await recoverAll()
      expect(stored.length).toBe(5)
      expect(events).toMatchObject([{ event: 'set_aside', file: `${path}.bad`, bytes: 64 }])
    })

    test('of one record that the database refuses sets aside that record only', async () => {
      const message = await segmentOf(directory, [
        ...records.slice(0, 3),
        settlement('a1'),
        ...records.slice(3),
      ])
      const events = await drainAll(testDrain(database, directory), message)
      const { eventIds, rollups, progress } = await tablesOf(database)
      expect(eventIds).toEqual(records.map(({ id }) => id))
      expect(rollups[`tokens ${Date.UTC(2026, 5, 1)}`]).toEqual([5 * 15, 0])
      expect(events).toMatchObject([{ event: 'set_aside', file: expect.stringMatching(/-\d+\.bad$/) }])
      expect(progress).toEqual([])
    })

    test('of one record that is none of ours sets aside that record only', async () => {
      const foreign = { ...settlement('x'), charges: [{ ...dayCharge('tokens', 0.5) }] }
      const message = await segmentOf(directory, [records[0]!, foreign, records[1]!])
      const events = await drainAll(testDrain(database, directory), message)
      expect((await tablesOf(database)).eventIds).toEqual(['a0', 'a1'])
      expect(events).toMatchObject([{ event: 'set_aside' }])
    })

    if (name === 'Postgres') {
      test('a character that Postgres cannot hold costs one record', async () => {
        const message = await segmentOf(directory, [
          records[0]!,
          settlement('x', { event: event({ externalId: 'a\u0000b' }) }),
          records[1]!,
        ])
        expect(await drainAll(testDrain(database, directory), message)).toMatchObject([
          { event: 'set_aside' },
        ])
        expect((await tablesOf(database)).eventIds).toEqual(['a0', 'a1'])
      })
    }

    test('a segment that is gone is told of, and does not hold up the next', async () => {
      const gone: SpoolMessage = {
        thread: 0,
        closed: { name: 'gone', bytes: 1, oldestAt: noon },
        completeBefore: noon,
      }
      const message = await segmentOf(directory, records)
      expect(await drainAll(testDrain(database, directory), gone, message)).toEqual([
        { event: 'segment_missing', segment: 'gone' },
      ])
      expect((await tablesOf(database)).eventIds.length).toBe(5)
    })
  })

  describe('the watermark', () => {
    const watermark = async () =>
      (await database.read.selectFrom('instances').select('watermark_at').executeTakeFirst())?.watermark_at

    beforeEach(() =>
      database.transaction(async (transaction) => {
        const times = { started_at: 0, heartbeat_at: 0, watermark_at: 0, retired_at: null }
        await transaction
          .insertInto('instances')
          .values({ id: instance, ...times })
          .execute()
      }),
    )

    test('moves with each transaction, up to what is still waiting, and never back', async () => {
      const records = [0, 10, 20, 30].map((after) => settlement(`a${after}`, { at: noon + after }))
      const message = await segmentOf(directory, records, { clock: () => noon + 100 })
      const seen: unknown[] = []
      const limits = { recordsPerTransaction: 2, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 1 }
      const reads: Promise<void>[] = []
      const drain = testDrain(database, directory, {
        limits,
        onStored: () => reads.push(watermark().then((at) => void seen.push(at))),
      })
      drain.accept(message)
      await drain.idle()
      await Promise.all(reads)
      expect(await watermark()).toBe(noon + 100)
      expect(seen.every((at) => at === noon + 10 || at === noon + 100)).toBe(true)
      drain.accept({ thread: 0, closed: null, completeBefore: noon })
      await drain.close()
      expect(await watermark()).toBe(noon + 100)
    })

    test('waits for every thread, and is told with nothing to store', async () => {
      const limits = { recordsPerTransaction: 2, watermarkMs: 2, firstRetryMs: 1, longestRetryMs: 1 }
      const drain = testDrain(database, directory, { limits, threads: 2 })
      drain.accept({ thread: 0, closed: null, completeBefore: noon + 5 })
      await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await watermark()).toBe(0)
      drain.accept({ thread: 1, closed: null, completeBefore: noon + 3 })
      await vi.waitFor(async () => expect(await watermark()).toBe(noon + 3))
      await drain.close()
    })

    test('does not pass a segment that waits', async () => {
      const read = () => {
        throw new Error('a bad sector')
      }
      const drain = testDrain(database, directory, { files: { ...spoolFiles, read } })
      drain.accept(await segmentOf(directory, [settlement('a')], { clock: () => noon + 100 }))
      await drain.close()
      expect(await watermark()).toBe(0)
    })
  })
})
