import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { exitCodes } from '../cli/program.ts'
import { openClock } from '../config/clock.ts'
import { masterKeyFile } from '../config/master-key.ts'
import type { Settings } from '../config/settings.ts'
import { type InstanceId, ulidSource } from '../domain/ids.ts'
import { keptInstanceId } from '../ledger/instance-id.ts'
import { relabelLedger } from '../ledger/relabel.sql.ts'
import { findDamage } from '../store/sqlite-backup.ts'
import type { StepProgress } from './backup.ts'
import { type Manifest, readManifest, sha256Of } from './backup-manifest.ts'
import { takeDataDirectory } from './data-directory.ts'
import { bringUpToDate, locate, withDatabase } from './maintain.ts'
import { Refused } from './refused.ts'

const onPostgres = 'database.url: this is Postgres. Restore it with pg_restore, from what pg_dump made.'

/**
 * Makes a data directory of a backup: an instance of its own, whatever becomes of the one that it was made of. The
 * directory may hold the master key, and nothing else. A backup of an earlier release is brought up to date.
 */
export async function restore(
  settings: Settings,
  directory: string,
  progress: StepProgress,
): Promise<Manifest> {
  const location = locate(settings.databaseUrl, 'database.url')
  if (location.kind === 'postgres') throw new Refused(onPostgres)
  const source = resolve(directory)
  const manifest = readManifest(source)
  refuseUsed(settings.dataDirectory, location.path)
  const lock = takeDataDirectory(settings.dataDirectory)
  const partial = `${location.path}.restoring`
  try {
    mkdirSync(dirname(location.path), { recursive: true, mode: 0o700 })
    await copyChecked(source, manifest, partial, progress)
    const instance = ulidSource()(openClock(settings.testClockFile)()) as InstanceId
    await withDatabase({ kind: 'sqlite', path: partial }, async (database) => {
      await bringUpToDate(database)
      await relabelLedger(database, instance)
    })
    keptInstanceId(settings.dataDirectory, () => instance)
    renameSync(partial, location.path)
    return manifest
  } catch (error) {
    for (const end of ['', '-wal', '-shm']) rmSync(`${partial}${end}`, { force: true })
    throw error
  } finally {
    lock.release()
  }
}

/** A restore never mixes with what is there: somebody's spool or instance would be taken for the backup's. */
function refuseUsed(dataDirectory: string, databasePath: string): void {
  const allowed = new Set([masterKeyFile(dataDirectory)])
  const found = existsSync(dataDirectory)
    ? readdirSync(dataDirectory).map((name) => join(dataDirectory, name))
    : []
  const other = [
    ...found.filter((path) => !allowed.has(path)),
    ...(existsSync(databasePath) ? [databasePath] : []),
  ][0]
  if (other === undefined) return
  const message = `--data: ${other} is there. Restore into a directory that is new or empty; it may hold the master key. Nothing was changed.`
  throw new Refused(message, exitCodes.refused)
}

async function copyChecked(
  source: string,
  { database }: Manifest,
  to: string,
  progress: StepProgress,
): Promise<void> {
  const from = join(source, database.file)
  if (!existsSync(from) || statSync(from).size !== database.bytes) throw damaged(from, 'its size is another')
  copyFileSync(from, to, constants.COPYFILE_EXCL)
  // The copy is what is checked: the disk that it went to may be the faulty one.
  const sha256 = await sha256Of(to, (read) => progress('verify', read, database.bytes))
  if (sha256 !== database.sha256) throw damaged(from, 'its checksum is another')
  const damage = findDamage(to)
  if (damage !== null) throw damaged(from, damage)
}

function damaged(path: string, how: string): Refused {
  return new Refused(
    `${path}: is not what the manifest says: ${how}. Nothing was restored.`,
    exitCodes.refused,
  )
}
