import { type RawBuilder, sql } from 'kysely'
import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'

/** An instance counts as dead when its last sign of life is older. */
const deadAfterMs = 10_000

/** What an instance finds when it enters. */
export interface Entered {
  readonly wasThere: boolean
  /** Before when all its events are stored. */
  readonly watermarkAt: EpochMs
}

/**
 * Enters an instance that starts, as one that is alive from now on. What one that was there already said to be
 * complete stays said; one that is new has nothing that is not stored: its events are complete up to `now`.
 */
export function enterInstance(database: Database, id: InstanceId, now: EpochMs): Promise<Entered> {
  const databaseNow = databaseClock(database.kind)
  return database.transaction(async (transaction) => {
    // One after the other, each with a later start, so that whoever looks after entering finds all who came before.
    if (database.kind === 'postgres') {
      await sql`lock table instances in share row exclusive mode`.execute(transaction)
    }
    const latest = await transaction
      .selectFrom('instances')
      .select(({ fn }) => [databaseNow.as('now'), fn.max('started_at').as('startedAt')])
      .executeTakeFirstOrThrow()
    const startedAt = Math.max(latest.now, (latest.startedAt ?? 0) + 1)
    const entered = await transaction
      .updateTable('instances')
      .set({ started_at: startedAt, heartbeat_at: databaseNow, retired_at: null })
      .where('id', '=', id)
      .returning('watermark_at')
      .executeTakeFirst()
    if (entered !== undefined) return { wasThere: true, watermarkAt: entered.watermark_at }
    await transaction
      .insertInto('instances')
      .values({ id, started_at: startedAt, heartbeat_at: databaseNow, watermark_at: now, retired_at: null })
      .execute()
    return { wasThere: false, watermarkAt: now }
  })
}

/**
 * Gives a sign of life, and retires the instances that have given none for too long. Returns those: what they have
 * not stored yet no longer holds anybody up.
 */
export function beatHeart(
  database: Database,
  id: InstanceId,
  retireAfterMs: number,
): Promise<readonly InstanceId[]> {
  return database.transaction(async (transaction) => {
    const databaseNow = databaseClock(database.kind)
    await transaction
      .updateTable('instances')
      .set({ heartbeat_at: databaseNow, retired_at: null })
      .where('id', '=', id)
      .execute()
    const retired = await transaction
      .updateTable('instances')
      .set({ retired_at: databaseNow })
      .where('retired_at', 'is', null)
      .where('heartbeat_at', '<', sql<number>`${databaseNow} - ${retireAfterMs}`)
      .returning('id')
      .execute()
    return retired.map((row) => row.id as InstanceId)
  })
}

/** Other instances that are alive and entered earlier. Of several that start at once exactly one finds none. */
export async function readElderInstances(database: Database, id: InstanceId): Promise<readonly InstanceId[]> {
  const alive = sql<number>`${databaseClock(database.kind)} - ${deadAfterMs}`
  const rows = await database.read
    .selectFrom('instances as other')
    .innerJoin('instances as own', (join) => join.on('own.id', '=', id))
    .select('other.id')
    .where('other.id', '!=', id)
    .where('other.retired_at', 'is', null)
    .where('other.heartbeat_at', '>', alive)
    .whereRef('other.started_at', '<', 'own.started_at')
    .orderBy('other.id')
    .execute()
  return rows.map((row) => row.id as InstanceId)
}

/** Takes an instance out in good order: all its events are stored. */
export function leaveInstance(database: Database, id: InstanceId): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction.deleteFrom('instances').where('id', '=', id).execute()
  })
}

/** Milliseconds since 1970 by the database's own clock, the one that all instances share. */
function databaseClock(kind: Database['kind']): RawBuilder<number> {
  return kind === 'sqlite'
    ? sql<number>`cast(unixepoch('subsec') * 1000 as integer)`
    : sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`
}
