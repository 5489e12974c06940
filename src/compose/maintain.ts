import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { exitCodes } from '../cli/program.ts'
import { openClock } from '../config/clock.ts'
import { findMasterKey, masterKeyFile } from '../config/master-key.ts'
import type { Settings } from '../config/settings.ts'
import { isFailure } from '../domain/failure.ts'
import { ulidSource } from '../domain/ids.ts'
import { openMemoryCounters } from '../limits/memory.ts'
import { type CopyProgress, copyAll, type TableCount } from '../store/copy.ts'
import type { Database } from '../store/database.ts'
import { migrate } from '../store/migrate.ts'
import { type DatabaseLocation, openDatabase, parseDatabaseUrl } from '../store/open.ts'
import { openTenancy } from '../tenancy/tenancy.ts'
import { takeDataDirectory } from './data-directory.ts'
import { Refused } from './refused.ts'

/** Brings the configured database up to date, and makes it where there is none; the migrations that ran. */
export async function migrateDatabase({ databaseUrl }: Settings): Promise<readonly string[]> {
  return withDatabase(locate(databaseUrl, 'database.url'), bringUpToDate)
}

/**
 * Copies everything into another, empty database; what each table has on both sides afterwards. Takes the data
 * directory meanwhile, so that its gateway does not run.
 */
export async function copyDatabase(
  { databaseUrl, dataDirectory }: Settings,
  toUrl: string,
  progress: CopyProgress,
): Promise<readonly TableCount[]> {
  const [source, target] = [existing(locate(databaseUrl, 'database.url')), locate(toUrl, '--to')]
  const lock = takeDataDirectory(dataDirectory)
  try {
    return await withDatabase(source, async (from) => {
      await bringUpToDate(from)
      return withDatabase(target, async (to) => {
        await bringUpToDate(to)
        const copied = await copyAll(from, to, progress)
        if ('counts' in copied) return copied.counts
        const message = `--to: the database is not empty: ${copied.occupied} has rows. Nothing was copied.`
        throw new Refused(message, exitCodes.refused)
      })
    })
  } finally {
    lock.release()
  }
}

/** Makes an admin key in place of all others, except those that the configuration names. */
export async function replaceAdminKey(settings: Settings, name: string): Promise<string> {
  return withDatabase(existing(locate(settings.databaseUrl, 'database.url')), async (database) => {
    await bringUpToDate(database)
    const masterKey = findMasterKey(settings.masterKey, settings.dataDirectory)
    if (masterKey === null) throw new Refused(wrongMasterKey(settings))
    const tenancy = await openTenancy({
      database,
      clock: openClock(settings.testClockFile),
      newUlid: ulidSource(),
      random: randomBytes,
      masterKey,
      counters: openMemoryCounters(),
    })
    if (isFailure(tenancy)) throw new Refused(wrongMasterKey(settings))
    const configured = new Set(settings.adminKeys.map((key) => key.name))
    const earlier = (await tenancy.listAdminKeys()).filter((key) => !configured.has(key.name))
    const { value } = await tenancy.createAdminKey('command_line', name)
    for (const { id } of earlier) await tenancy.revokeAdminKey('command_line', id)
    return value
  })
}

/** What an operator is told whose master key does not fit the database. */
export function wrongMasterKey({ dataDirectory }: Settings): string {
  return `security.master_key: is not the one that this database was begun with. Set that one, or put it back into ${masterKeyFile(dataDirectory)}.`
}

/** Migrates a database; throws `Refused` where a newer release has used it. */
export async function bringUpToDate(database: Database): Promise<readonly string[]> {
  const outcome = await migrate(database)
  if ('migrated' in outcome) return outcome.migrated
  throw new Refused(
    `database.url: a newer release has used this database (${outcome.newerMigrations.join(', ')}). Run that release.`,
  )
}

/** Where a URL points to; `path` names the setting that it is from. */
export function locate(url: string, path: string): DatabaseLocation {
  const location = parseDatabaseUrl(url)
  if (!isFailure(location)) return location
  throw new Refused(`${path}: must be sqlite:<path> or postgres://<user>:<password>@<host>/<name>`)
}

/** A database that must be there already: one made by mistake would belong to no gateway. */
export function existing(location: DatabaseLocation): DatabaseLocation {
  if (location.kind === 'postgres' || existsSync(location.path)) return location
  throw new Refused(`database.url: there is no database at ${location.path}. Is --data the gateway's?`)
}

/** Opens a database for some work, and closes it whatever comes. */
export async function withDatabase<T>(
  location: DatabaseLocation,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  if (location.kind === 'sqlite') mkdirSync(dirname(location.path), { recursive: true, mode: 0o700 })
  // A migration or a copy takes as long as it needs.
  const database = await openDatabase(location, { statementTimeoutMs: 0 })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
