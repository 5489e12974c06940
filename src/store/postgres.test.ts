import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { databases, type TestPlace } from '../../test/setup/databases.ts'
import type { Database } from './database.ts'
import { isUnavailable } from './errors.ts'
import { openPostgres } from './postgres.ts'

const postgres = databases().find((it) => it.name === 'Postgres')

async function backendOf(transaction: Database['read']): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction)
  return rows[0]!.pid
}

describe.runIf(postgres)('Postgres', () => {
  let place: TestPlace
  let other: Database
  beforeAll(async () => {
    place = await postgres!.create()
    other = openPostgres(place.url)
  })
  afterAll(async () => {
    await other.close()
    await place.remove()
  })
  const terminate = (pid: number) => sql`select pg_terminate_backend(${pid}::int)`.execute(other.read)
  const insert = (database: Database, key: string) =>
    database.transaction((it) => it.insertInto('settings').values({ key, value: '' }).execute())

  it('that ends a connection in a transaction is unavailable, and then there again', async () => {
    const database = openPostgres(place.url, { connections: 1 })
    const cut = database.transaction(async (transaction) => {
      await transaction.insertInto('settings').values({ key: 'cut', value: '' }).execute()
      await terminate(await backendOf(transaction))
      await transaction.insertInto('settings').values({ key: 'later', value: '' }).execute()
    })
    await expect(cut).rejects.toSatisfy(isUnavailable)
    await insert(database, 'next')
    expect(await database.read.selectFrom('settings').select('key').execute()).toEqual([{ key: 'next' }])
    await database.close()
  })

  it('that ends an idle connection is there again', async () => {
    const database = openPostgres(place.url, { connections: 1 })
    const first = await backendOf(database.read)
    await terminate(first)
    await vi.waitFor(async () => expect(await backendOf(database.read)).not.toBe(first))
    await database.close()
  })

  it('that takes too long over a statement is unavailable', async () => {
    const database = openPostgres(place.url, { statementTimeoutMs: 50 })
    await expect(sql`select pg_sleep(60)`.execute(database.read)).rejects.toSatisfy(isUnavailable)
    await database.close()
  })

  it.each(['in a transaction', 'outside of one'])(
    'that falls silent %s is given up, connection and all',
    async (where) => {
      const database = openPostgres(place.url, { connections: 1, statementTimeoutMs: 50 })
      const stopped = await backendOf(database.read)
      const fallSilent = async (connection: Database['read']) => {
        process.kill(stopped, 'SIGSTOP')
        await sql`select 1`.execute(connection)
      }
      const silent = where === 'outside of one' ? fallSilent(database.read) : database.transaction(fallSilent)
      try {
        await expect(silent).rejects.toSatisfy(isUnavailable)
        expect(await backendOf(database.read)).not.toBe(stopped)
      } finally {
        process.kill(stopped, 'SIGCONT')
        await database.close()
      }
    },
  )

  it('that is not there is unavailable', async () => {
    const database = openPostgres('postgres://nobody@127.0.0.1:1/nothing')
    await expect(insert(database, 'a')).rejects.toSatisfy(isUnavailable)
    await database.close()
  })

  it('compares every text by bytes, whatever its own locale', async () => {
    const { rows } = await sql`
      select table_name, column_name, collation_name from information_schema.columns
      where table_schema = 'public' and data_type = 'text' and collation_name is distinct from 'C'`.execute(
      other.read,
    )
    expect(rows).toEqual([])
  })

  it('dooms a transaction with its first failed statement, even a caught one', async () => {
    await insert(other, 'taken')
    const doomed = other.transaction(async (transaction) => {
      await transaction.insertInto('settings').values({ key: 'lost', value: '' }).execute()
      const again = transaction.insertInto('settings').values({ key: 'taken', value: '' })
      await again.execute().catch(() => {})
    })
    await expect(doomed).rejects.toThrow()
    const lost = await other.read.selectFrom('settings').selectAll().where('key', '=', 'lost').execute()
    expect(lost).toEqual([])
  })
})
