import { join } from 'node:path'
import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { forgetGoneSegments } from './drain.sql.ts'
import type { Drain, Leftover } from './drain.ts'
import type { SpoolFiles } from './files.ts'
import { chargeOpenHolds } from './open-holds.sql.ts'
import { parseSegmentName, type SegmentName } from './segment.ts'

/** What an earlier process left behind, and what became of it. */
export interface Recovered {
  readonly segments: number
  readonly bytes: number
  /** Strict calls that were under way when the process died, charged their whole hold. */
  readonly chargedHolds: number
}

/**
 * Makes good for a process that died: stores what its spool still holds, then charges the strict calls that were
 * under way. To be done before counters are loaded and before any spool is opened.
 *
 * Costs what was not stored, not what ever was. Waits for the database as long as it takes; the drain says why.
 * Each call may be repeated after a crash in the middle: nothing is stored or charged twice.
 */
export async function recover(options: {
  readonly database: Database
  readonly directory: string
  readonly instance: InstanceId
  readonly drain: Drain
  readonly files: SpoolFiles
  readonly now: EpochMs
}): Promise<Recovered> {
  const { database, directory, instance, files, now } = options
  const leftovers = await storeLeftovers(options)
  const present = new Set(files.list(directory))
  await forgetGoneSegments(database, instance, present)
  return {
    segments: leftovers.length,
    bytes: leftovers.reduce((sum, { bytes }) => sum + bytes, 0),
    chargedHolds: await chargeOpenHolds(database, instance, now),
  }
}

/** Stores what a process that died has left in its spool, and returns what that was; what it could not, if closed. */
export async function storeLeftovers(options: {
  readonly directory: string
  readonly drain: Drain
  readonly files: SpoolFiles
}): Promise<readonly Leftover[]> {
  const { directory, drain, files } = options
  files.makeDirectory(directory)
  const leftovers = findLeftovers(files, directory)
  for (const leftover of leftovers) drain.acceptLeftover(leftover)
  await drain.idle()
  return leftovers
}

/** Oldest first, whichever thread they are of. */
function findLeftovers(files: SpoolFiles, directory: string): Leftover[] {
  const segments = files
    .list(directory)
    .map(parseSegmentName)
    .filter((segment) => segment !== null)
    .sort((left, right) => (left.ulid < right.ulid ? -1 : 1))
  const newest = new Map<string, SegmentName>()
  for (const segment of segments) newest.set(`${segment.instance}-${segment.thread}`, segment)
  return segments.map((segment) => ({
    segment,
    bytes: files.bytesOf(join(directory, segment.name)),
    mayBeTorn: newest.get(`${segment.instance}-${segment.thread}`) === segment,
  }))
}
