import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { openMasterKey } from './config/master-key.ts'
import type { Settings } from './config/settings.ts'
import { isFailure } from './domain/failure.ts'
import { ulidSource } from './domain/ids.ts'
import { type CopyProgress, copyAll, type TableCount } from './store/copy.ts'
import type { Database } from './store/database.ts'
import { migrate } from './store/migrate.ts'
import { openDatabase, parseDatabaseUrl } from './store/open.ts'
import { openTenancy } from './tenancy/tenancy.ts'

/** Thrown when a command cannot be done for a reason that its caller has to mend. */
export class CommandRefused extends Error {}

/** Brings the configured database up to date; the names of the migrations that ran. */
export async function migrateDatabase(settings: Settings): Promise<readonly string[]> {
  return withDatabase(settings.databaseUrl, bringUpToDate)
}

/** Copies everything into another, empty database; what each table has on both sides afterwards. */
export async function copyDatabase(
  settings: Settings,
  toUrl: string,
  progress: CopyProgress,
): Promise<readonly TableCount[]> {
  return withDatabase(settings.databaseUrl, async (from) => {
    await bringUpToDate(from)
    return withDatabase(toUrl, async (to) => {
      await bringUpToDate(to)
      const copied = await copyAll(from, to, progress)
      if ('occupied' in copied) {
        throw new CommandRefused(
          `The other database is not empty: ${copied.occupied} has rows. Nothing was copied.`,
        )
      }
      return copied.counts
    })
  })
}

/** Makes an admin key in place of those that were made before; keys that the configuration file names stay. */
export async function replaceAdminKey(settings: Settings, name: string): Promise<string> {
  return withDatabase(settings.databaseUrl, async (database) => {
    await bringUpToDate(database)
    const masterKey = openMasterKey(settings.masterKey, settings.dataDirectory)
    const tenancy = await openTenancy({
      database,
      clock: Date.now,
      newUlid: ulidSource(),
      random: randomBytes,
      masterKey: masterKey.value,
    })
    if (isFailure(tenancy))
      throw new CommandRefused('The master key is not the one this database was begun with.')
    const inFile = new Set(settings.adminKeys.map((key) => key.name))
    const earlier = (await tenancy.listAdminKeys()).filter((key) => !inFile.has(key.name))
    const { value } = await tenancy.createAdminKey('command_line', name)
    for (const { id } of earlier) await tenancy.revokeAdminKey('command_line', id)
    return value
  })
}

async function bringUpToDate(database: Database): Promise<readonly string[]> {
  const outcome = await migrate(database)
  if ('newerMigrations' in outcome) {
    throw new CommandRefused(
      `A newer release has used this database (${outcome.newerMigrations.join(', ')}). Use that release.`,
    )
  }
  return outcome.migrated
}

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const location = parseDatabaseUrl(url)
  if (isFailure(location))
    throw new CommandRefused('A database is sqlite:<path> or postgres://user:password@host/name.')
  if (location.kind === 'sqlite' && !existsSync(dirname(location.path)))
    mkdirSync(dirname(location.path), { recursive: true, mode: 0o700 })
  // A migration or a copy takes as long as it needs.
  const database = await openDatabase(location, { statementTimeoutMs: 0 })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
