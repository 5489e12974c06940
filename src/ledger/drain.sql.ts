import type { Transaction } from 'kysely'
import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import {
  addToBuckets,
  addToRefusalCounts,
  addToRollups,
  bulkDelete,
  bulkInsert,
  raiseKeyUses,
} from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import type { Schema } from '../store/schema.ts'
import { type Chunk, nativeCallColumns, openHoldColumns, rollingColumns, usageEventColumns } from './chunk.ts'
import { type FactRows, refusalColumns, storedAttemptColumns } from './fact-rows.ts'
import { noteWaitingEvents } from './waiting.sql.ts'

/** One transaction of the drain. */
export interface Commit {
  readonly segment: string
  readonly instance: InstanceId
  /** Where the chunk begins in the segment. */
  readonly began: number
  readonly chunk: Chunk
  /** Those of the chunk's uses of keys that are worth writing. */
  readonly keyUses: readonly (readonly [keyId: string, at: EpochMs])[]
  /** Segments whose files are gone: nothing needs to be known of them any more. */
  readonly goneSegments: readonly string[]
  /** Which instance's events before when are complete with this chunk; null where that cannot be told. */
  readonly watermark: { readonly instance: InstanceId; readonly at: EpochMs } | null
}

/** What a transaction of the drain stored. */
export interface Stored {
  /** Some of its events are to be posted. */
  readonly hasWaiting: boolean
}

/**
 * Stores a chunk and moves the segment's progress over it, together or not at all.
 *
 * Null, with nothing stored: the progress is not where the chunk begins, because an earlier attempt, whose answer
 * was lost, has stored it. Two attempts at once wait for each other on the progress row.
 */
export function commitChunk(database: Database, commit: Commit): Promise<Stored | null> {
  const { kind } = database
  const { chunk } = commit
  return database.transaction(async (transaction) => {
    if (!(await moveProgress(transaction, commit))) return null
    await bulkInsert(transaction, kind, 'rolling_charges', rollingColumns, chunk.rolling)
    await bulkInsert(transaction, kind, 'usage_events', usageEventColumns, chunk.events)
    await bulkInsert(transaction, kind, 'native_calls', nativeCallColumns, chunk.nativeCalls)
    const name = `${commit.segment}-${commit.began}`
    const hasWaiting = await noteWaitingEvents(transaction, kind, name, chunk.events)
    await bulkInsert(transaction, kind, 'open_holds', openHoldColumns, chunk.holds)
    await bulkDelete(transaction, kind, 'open_holds', 'id', chunk.endedHolds)
    await addToRollups(transaction, kind, chunk.rollups)
    await storeFacts(transaction, kind, chunk.facts)
    await raiseKeyUses(transaction, kind, commit.keyUses)
    await bulkDelete(transaction, kind, 'spool_progress', 'segment', commit.goneSegments)
    if (commit.watermark !== null) await raiseWatermark(transaction, commit.watermark)
    return { hasWaiting }
  })
}

async function storeFacts(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  facts: FactRows,
): Promise<void> {
  await bulkInsert(transaction, kind, 'attempts', storedAttemptColumns, facts.attempts)
  await bulkInsert(transaction, kind, 'refusals', refusalColumns, facts.refusals)
  await addToRefusalCounts(transaction, kind, facts.refusalCounts)
  await addToBuckets(transaction, kind, facts.buckets)
}

async function moveProgress(
  transaction: Transaction<Schema>,
  { segment, instance, began, chunk }: Commit,
): Promise<boolean> {
  if (began > 0) {
    const moved = await transaction
      .updateTable('spool_progress')
      .set({ offset: chunk.end })
      .where('segment', '=', segment)
      .where('offset', '=', began)
      .executeTakeFirst()
    return moved.numUpdatedRows === 1n
  }
  const begun = await transaction
    .insertInto('spool_progress')
    .values({ segment, instance_id: instance, offset: chunk.end })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return begun.numInsertedOrUpdatedRows === 1n
}

/** How far a segment has been stored; 0 for one that has not been begun. */
export async function readProgress(database: Database, segment: string): Promise<number> {
  const row = await database.read
    .selectFrom('spool_progress')
    .select('offset')
    .where('segment', '=', segment)
    .executeTakeFirst()
  return row?.offset ?? 0
}

/** What a commit says beside its rows, for when there is nothing to commit. */
export function publishProgress(
  database: Database,
  goneSegments: readonly string[],
  watermark: { readonly instance: InstanceId; readonly at: EpochMs },
): Promise<void> {
  return database.transaction(async (transaction) => {
    await bulkDelete(transaction, database.kind, 'spool_progress', 'segment', goneSegments)
    await raiseWatermark(transaction, watermark)
  })
}

/** Says that all events of the instance before an instant are stored. A watermark never falls. */
async function raiseWatermark(
  transaction: Transaction<Schema>,
  { instance, at }: { readonly instance: InstanceId; readonly at: EpochMs },
): Promise<void> {
  await transaction
    .updateTable('instances')
    .set({ watermark_at: at })
    .where('id', '=', instance)
    .where('watermark_at', '<', at)
    .execute()
}

/** Forgets the segments of an instance whose files are gone, as a process that died may have left them. */
export async function forgetGoneSegments(
  database: Database,
  instance: InstanceId,
  present: ReadonlySet<string>,
): Promise<void> {
  const rows = await database.read
    .selectFrom('spool_progress')
    .select('segment')
    .where('instance_id', '=', instance)
    .execute()
  const gone = rows.map((row) => row.segment).filter((segment) => !present.has(segment))
  if (gone.length === 0) return
  await database.transaction((transaction) =>
    bulkDelete(transaction, database.kind, 'spool_progress', 'segment', gone),
  )
}
