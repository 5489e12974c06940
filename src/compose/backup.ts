import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { exitCodes } from '../cli/program.ts'
import { openClock } from '../config/clock.ts'
import type { Settings } from '../config/settings.ts'
import { ulidSource } from '../domain/ids.ts'
import { toRfc3339 } from '../domain/time.ts'
import { lockDataDirectory } from '../ledger/data-lock.ts'
import { type DrainEvent, openDrain } from '../ledger/drain.ts'
import { spoolFiles } from '../ledger/files.ts'
import { keptInstanceId } from '../ledger/instance-id.ts'
import { storeLeftovers } from '../ledger/recover.ts'
import { parseSegmentName, spoolDirectory } from '../ledger/segment.ts'
import { copySqlite, findDamage } from '../store/sqlite-backup.ts'
import { databaseFile, type Manifest, sha256Of, writeManifest } from './backup-manifest.ts'
import { bringUpToDate, existing, locate, withDatabase } from './maintain.ts'
import { Refused } from './refused.ts'

/** Called as the work goes on; `done` and `total` in whatever the step counts. */
export type StepProgress = (step: string, done: number, total: number) => void

const onPostgres =
  'database.url: this is Postgres. Back it up with pg_dump, which copies it as it is at one instant while the gateway runs, and restore it with pg_restore. What the gateway answered in the last seconds may still be in its spool; stop it first to have that too.'

const spoolLimitMs = 60_000

/**
 * Copies the database into a new directory while the gateway runs, or not: all that was answered before this began, and
 * each later call whole or not at all. The master key is not in it, nor is the instance's id.
 */
export async function backUp(
  settings: Settings,
  version: string,
  directory: string,
  progress: StepProgress,
): Promise<Manifest> {
  const location = existing(locate(settings.databaseUrl, 'database.url'))
  if (location.kind === 'postgres') throw new Refused(onPostgres)
  const target = resolve(directory)
  const wasThere = takeEmptyDirectory(target)
  const copy = join(target, databaseFile)
  try {
    await storeSpool(settings)
    await copySqlite(location.path, copy, (copied, total) => progress('copy', copied, total))
    const damage = findDamage(copy)
    if (damage !== null)
      throw new Refused(`the copy is damaged, and so may be the database: ${damage}`, exitCodes.refused)
    const bytes = statSync(copy).size
    const sha256 = await sha256Of(copy, (read) => progress('checksum', read, bytes))
    const manifest: Manifest = {
      format: 1,
      tollgate: version,
      made_at: toRfc3339(openClock(settings.testClockFile)()),
      database: { file: databaseFile, bytes, sha256 },
    }
    writeManifest(target, manifest)
    return manifest
  } catch (error) {
    for (const name of readdirSync(target)) rmSync(join(target, name))
    if (!wasThere) rmdirSync(target)
    throw error
  }
}

/** True: it was there already, and empty. */
function takeEmptyDirectory(path: string): boolean {
  if (!existsSync(path)) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return false
  }
  if (readdirSync(path).length === 0) return true
  throw new Refused(`${path}: is not empty. Nothing was written: name another directory.`, exitCodes.refused)
}

/**
 * Returns once what has been answered by now is in the database. A running gateway stores its spool within seconds; of
 * one that died, it is stored here, as its next start would.
 */
async function storeSpool(settings: Settings): Promise<void> {
  const directory = spoolDirectory(settings.dataDirectory)
  const unstored = segmentsIn(directory)
  if (unstored.length === 0) return
  const lock = lockDataDirectory(settings.dataDirectory)
  if (lock === null) return untilGone(directory, unstored)
  try {
    await storeHere(settings, directory)
  } finally {
    lock.release()
  }
}

function segmentsIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory).filter((name) => parseSegmentName(name) !== null)
}

async function untilGone(directory: string, segments: readonly string[]): Promise<void> {
  const endsAt = performance.now() + spoolLimitMs
  while (segments.some((name) => existsSync(join(directory, name)))) {
    if (performance.now() > endsAt) {
      const seconds = spoolLimitMs / 1000
      const message = `${directory}: the gateway has not stored its spool for ${seconds} s. Its log says why; nothing was backed up.`
      throw new Refused(message, exitCodes.refused)
    }
    await wait(50)
  }
}

function storeHere(settings: Settings, directory: string): Promise<void> {
  const { dataDirectory, databaseUrl, testClockFile } = settings
  const clock = openClock(testClockFile)
  const newUlid = ulidSource()
  return withDatabase(locate(databaseUrl, 'database.url'), async (database) => {
    await bringUpToDate(database)
    const instance = keptInstanceId(dataDirectory, () => newUlid(clock()))
    const stopped = Promise.withResolvers<never>()
    const onEvent = (event: DrainEvent): void => {
      if (event.event === 'stopped')
        stopped.reject(new Refused(`database.url: ${event.reason}`, exitCodes.refused))
    }
    const drain = openDrain({ database, directory, instance, threads: 1, files: spoolFiles, onEvent })
    try {
      // Calls that were under way stay open: the next start charges them, here as in what is restored.
      await Promise.race([storeLeftovers({ directory, drain, files: spoolFiles }), stopped.promise])
    } finally {
      await drain.close()
    }
  })
}
