import { sql, type Transaction } from 'kysely'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'

type TableWithId = {
  [Table in keyof Schema]: Schema[Table] extends { id: string | number } ? Table : never
}[keyof Schema]

/**
 * Makes other transactions that lock the same row wait for the end of this one.
 *
 * Nothing on SQLite, where a transaction is alone from its beginning. Says nothing of whether the row exists.
 */
export async function lockRow<Table extends TableWithId>(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  table: Table,
  id: Schema[Table]['id'],
): Promise<void> {
  if (kind === 'sqlite') return
  await sql`select 1 from ${sql.table(table)} where id = ${id} for update`.execute(transaction)
}
