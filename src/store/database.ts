import type { Kysely, Transaction } from 'kysely'
import type { Schema } from './schema.ts'

/**
 * The SQL port. Rooms own their statements and write them with Kysely; both databases run the same ones.
 *
 * On SQLite `read` is a read-only connection and `write` the only writer, each in a worker thread, so that no
 * statement runs on the caller's thread. On Postgres both are one pool.
 */
export interface Database {
  readonly kind: 'sqlite' | 'postgres'
  readonly read: Kysely<Schema>
  /** Runs `work` in one transaction: all of it or nothing. A thrown error rolls back and is thrown on. */
  transaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T>
  close(): Promise<void>
}
