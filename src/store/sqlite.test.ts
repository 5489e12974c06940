import { on, once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MessageChannel } from 'node:worker_threads'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { conform } from './database.conformance.ts'
import type { Database } from './database.ts'
import { isUnavailable, StoreUnavailable } from './errors.ts'
import { migrate } from './migrate.ts'
import type { SqliteRequest } from './sqlite-port.ts'
import { connectSqlite } from './sqlite-remote.ts'
import { openSqliteWriter, type SqliteWriter } from './sqlite-writer.ts'
import { startSqliteThread } from './start-sqlite-thread.ts'

/** The writer on this thread, a reader on another, and a client of both: as the gateway arranges them. */
async function arrange() {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-sqlite-'))
  const path = join(folder, 'tollgate.db')
  const writer = openSqliteWriter(path, 50)
  await migrate(writer.database)
  const reader = await startSqliteThread(path, 'read')
  const channel = new MessageChannel()
  writer.serve(channel.port1)
  const remote = connectSqlite({ writer: channel.port2, reader: reader.port })
  return { path, writer, remote, port: channel.port2, close }

  async function close() {
    await remote.close()
    await reader.ended
    await writer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function arrangePair(isRemoteFirst: boolean) {
  const { writer, remote, close } = await arrange()
  return isRemoteFirst
    ? { first: remote, second: writer.database, close }
    : { first: writer.database, second: remote, close }
}

describe('the thread of the writer', () => conform(() => arrangePair(false)))
describe('another thread', () => conform(() => arrangePair(true)))

describe('transactions on one writer', () => {
  let arranged: Awaited<ReturnType<typeof arrange>>
  let writer: SqliteWriter
  let remote: Database

  beforeEach(async () => {
    arranged = await arrange()
    writer = arranged.writer
    remote = arranged.remote
  })
  afterEach(() => arranged.close())

  const put = (database: Database, key: string) =>
    database.transaction((transaction) =>
      transaction.insertInto('settings').values({ key, value: '' }).execute(),
    )
  const keys = async () => {
    const rows = await writer.database.read.selectFrom('settings').select('key').orderBy('key').execute()
    return rows.map((row) => row.key)
  }

  /** All that was posted on the port is with the writer: it answers in order, here that it knows no such transaction. */
  const arrived = async () => {
    const request: SqliteRequest = { id: -1, session: -1, verb: 'run', sql: '', parameters: [] }
    arranged.port.postMessage(request)
    for await (const [answer] of on(arranged.port, 'message')) if (answer.id === -1) return
  }

  it('take their turns in the order in which they came, whatever thread they are of', async () => {
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const began = Promise.withResolvers<void>()
    const holder = remote.transaction(async () => {
      began.resolve()
      await gate.promise
      order.push('holder')
    })
    await began.promise
    const waiting: Promise<unknown>[] = []
    for (let turn = 0; turn < 6; turn += 1) {
      const database = turn % 2 === 0 ? writer.database : remote
      waiting.push(database.transaction(async () => order.push(`${turn}`)))
      await arrived()
    }
    expect(order).toEqual([])
    gate.resolve()
    await Promise.all([holder, ...waiting])
    expect(order).toEqual(['holder', '0', '1', '2', '3', '4', '5'])
  })

  it('of a port that closes are rolled back, and the next has its turn', async () => {
    const began = Promise.withResolvers<void>()
    const cut = remote.transaction(async (transaction) => {
      await transaction.insertInto('settings').values({ key: 'cut', value: '' }).execute()
      began.resolve()
      await once(arranged.port, 'close')
      await transaction.insertInto('settings').values({ key: 'later', value: '' }).execute()
    })
    await began.promise
    const queued = put(remote, 'queued')
    await arrived()
    const next = put(writer.database, 'next')
    arranged.port.close()
    await expect(cut).rejects.toBeInstanceOf(StoreUnavailable)
    await expect(queued).rejects.toSatisfy(isUnavailable)
    await next
    expect(await keys()).toEqual(['next'])
    await expect(put(remote, 'after')).rejects.toSatisfy(isUnavailable)
  })

  it('that SQLite itself ended run nothing more', async () => {
    for (const database of [writer.database, remote]) {
      const ended = database.transaction(async (transaction) => {
        // As SQLite does by itself when the disk fails.
        await sql`rollback`.execute(transaction)
        await transaction.insertInto('settings').values({ key: 'outside', value: '' }).execute()
      })
      await expect(ended).rejects.toBeInstanceOf(StoreUnavailable)
    }
    await put(remote, 'well')
    expect(await keys()).toEqual(['well'])
  })

  it('wait for another process, and say that the database is unavailable when it takes too long', async () => {
    const other = new DatabaseSync(arranged.path)
    other.exec('begin immediate')
    await expect(put(remote, 'a')).rejects.toSatisfy(isUnavailable)
    other.exec('rollback')
    await put(remote, 'b')
    other.close()
    expect(await keys()).toEqual(['b'])
  })

  it('write nothing through the reader', async () => {
    for (const database of [writer.database, remote]) {
      await expect(database.read.deleteFrom('settings').execute()).rejects.toSatisfy(isUnavailable)
    }
  })

  it('fail once the database is closed', async () => {
    await writer.close()
    await expect(put(writer.database, 'a')).rejects.toBeInstanceOf(StoreUnavailable)
    await expect(put(remote, 'a')).rejects.toBeInstanceOf(StoreUnavailable)
  })
})

describe('a file', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-sqlite-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('keeps what was committed, and nothing beside itself once it is closed', async () => {
    const path = join(folder, 'a.db')
    const { database } = openSqliteWriter(path)
    await migrate(database)
    await database.transaction((it) => it.insertInto('settings').values({ key: 'k', value: 'v' }).execute())
    await database.close()
    expect(existsSync(`${path}-wal`)).toBe(false)

    const { database: again } = openSqliteWriter(path)
    expect(await again.read.selectFrom('settings').selectAll().execute()).toEqual([{ key: 'k', value: 'v' }])
    await again.close()
  })

  it('that cannot be opened, or is no database, is refused with what SQLite says', async () => {
    const missing = join(folder, 'missing/a.db')
    const text = join(folder, 'text.db')
    writeFileSync(text, 'this is not a database, '.repeat(100))
    for (const [path, reason] of [
      [missing, 'unable to open database file'],
      [text, 'file is not a database'],
    ] as const) {
      expect(() => openSqliteWriter(path)).toThrow(reason)
      await expect(startSqliteThread(path, 'read')).rejects.toThrow(reason)
    }
  })
})
