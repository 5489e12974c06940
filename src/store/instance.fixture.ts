import type { TestPlace } from '../../test/setup/databases.ts'
import type { Database } from './database.ts'
import { connectSqlite } from './sqlite-remote.ts'
import { startSqliteThread } from './start-sqlite-thread.ts'

/** As a process of its own has it: SQLite on threads, for the two must not hold each other up. */
export async function openInstance({ url, open }: TestPlace): Promise<Database> {
  if (!url.startsWith('sqlite:')) return open()
  const path = url.slice('sqlite:'.length)
  const writer = await startSqliteThread(path, 'write')
  const reader = await startSqliteThread(path, 'read')
  const database = connectSqlite({ writer: writer.port, reader: reader.port })
  return {
    ...database,
    async close() {
      await database.close()
      await Promise.all([reader.ended, writer.ended])
    },
  }
}
