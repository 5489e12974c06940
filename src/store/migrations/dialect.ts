import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely'

/**
 * The collation of text columns: by bytes, which SQLite has by itself.
 *
 * Postgres would take the cluster's: pages would come in another order than on SQLite, and an update of the
 * system's locales could make an index wrong.
 */
export function collation(database: Kysely<unknown>): RawBuilder<unknown> {
  return isPostgres(database) ? sql`collate "C"` : sql``
}

export function isPostgres(database: Kysely<unknown>): boolean {
  return database.getExecutor().adapter instanceof PostgresAdapter
}
