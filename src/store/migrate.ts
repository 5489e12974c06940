import { sql, type Transaction } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Database } from './database.ts'
import { foundation } from './migrations/0001-foundation.ts'
import { governance } from './migrations/0002-governance.ts'
import type { Schema } from './schema.ts'

/** In the order of their names. One that was released is never changed. */
const migrations = {
  '0001-foundation': foundation,
  '0002-governance': governance,
}

export type Migrated =
  /** The names of the migrations that ran; none where the database was up to date. */
  | { readonly migrated: readonly string[] }
  /** A newer release has been here: its migrations are unknown to this one, and nothing was changed. */
  | { readonly newerMigrations: readonly string[] }

/** Any number, the same in every release. */
const postgresLock = 7_405_309_126

/**
 * Brings the database up to date, all of it or nothing. Instances that start at once on one Postgres wait for
 * each other.
 */
export function migrate(database: Database): Promise<Migrated> {
  return database.transaction(async (transaction) => {
    if (database.kind === 'postgres') {
      await sql`select pg_advisory_xact_lock(${postgresLock}::bigint)`.execute(transaction)
    }
    const executed = await executedMigrations(transaction, database.kind)
    const newerMigrations = executed.filter((name) => !(name in migrations))
    if (newerMigrations.length > 0) return { newerMigrations }
    // Nearly every start: the migrator would look at all tables, one by one, to find the same.
    if (executed.length === Object.keys(migrations).length) return { migrated: [] }

    const migrator = new Migrator({
      db: transaction,
      provider: { getMigrations: async () => migrations },
    })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) throw error
    return { migrated: (results ?? []).map((result) => result.migrationName) }
  })
}

async function executedMigrations(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
): Promise<string[]> {
  const tables = await (kind === 'sqlite'
    ? sql`select name from sqlite_master where type = 'table' and name = 'kysely_migration'`
    : sql`select tablename from pg_tables where schemaname = current_schema() and tablename = 'kysely_migration'`
  ).execute(transaction)
  if (tables.rows.length === 0) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
    transaction,
  )
  return rows.map((row) => row.name)
}
