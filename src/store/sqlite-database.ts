import { Kysely } from 'kysely'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { SqliteSessions } from './sqlite-session.ts'

/** The port over a writer's sessions and a reader's. Closes both; the writer last, so that it tidies the file. */
export function sqliteDatabase(writer: SqliteSessions, reader: SqliteSessions): Database {
  const write = new Kysely<Schema>({ dialect: sqliteDialect(writer) })
  const read = new Kysely<Schema>({ dialect: sqliteDialect(reader) })

  return {
    kind: 'sqlite',
    read,
    transaction: (work) => write.transaction().execute(work),
    async close() {
      await reader.close()
      await writer.close()
    },
  }
}
