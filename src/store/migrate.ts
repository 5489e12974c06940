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
    const newerMigrations = (await executedMigrations(transaction)).filter((name) => !(name in migrations))
    if (newerMigrations.length > 0) return { newerMigrations }

    const migrator = new Migrator({
      db: transaction,
      provider: { getMigrations: async () => migrations },
    })
    const { error, results } = await migrator.migrateToLatest()
    if (error !== undefined) throw error
    return { migrated: (results ?? []).map((result) => result.migrationName) }
  })
}

async function executedMigrations(transaction: Transaction<Schema>): Promise<string[]> {
  const tables = await transaction.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(
    transaction,
  )
  return rows.map((row) => row.name)
}
