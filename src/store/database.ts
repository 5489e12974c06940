import type { Kysely, Transaction } from 'kysely'
import type { Schema } from './schema.ts'

/**
 * The SQL port. Rooms own their statements and write them with Kysely; both databases run the same ones.
 *
 * On SQLite `read` is a read-only connection and transactions have the only writer, each on a thread that serves
 * no requests. On Postgres both are one pool. What a statement can fail with: `errors.ts`.
 */
export interface Database {
  readonly kind: 'sqlite' | 'postgres'
  readonly read: Kysely<Schema>
  /**
   * Runs `work` in one transaction: all of it or nothing. A thrown error rolls back and is thrown on.
   *
   * Transactions on SQLite follow each other in the order in which they were asked for: `work` must not wait for
   * another one.
   */
  transaction<T>(work: (transaction: Transaction<Schema>) => Promise<T>): Promise<T>
  close(): Promise<void>
}
