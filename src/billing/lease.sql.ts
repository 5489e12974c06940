import { type RawBuilder, sql } from 'kysely'
import type { InstanceId } from '../domain/ids.ts'
import type { Database } from '../store/database.ts'

/** Takes or renews what only one instance may have at a time. False: another has it. */
export function takeLease(
  database: Database,
  name: string,
  holder: InstanceId,
  forMs: number,
): Promise<boolean> {
  const now = databaseClock(database.kind)
  const until = sql<number>`${now} + ${forMs}`
  return database.transaction(async (transaction) => {
    const renewed = await transaction
      .updateTable('leases')
      .set({ holder, until })
      .where('name', '=', name)
      .where(({ or, eb }) => or([eb('holder', '=', holder), eb('until', '<', now)]))
      .executeTakeFirst()
    if (renewed.numUpdatedRows === 1n) return true
    const begun = await transaction
      .insertInto('leases')
      .values({ name, holder, until })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst()
    return begun.numInsertedOrUpdatedRows === 1n
  })
}

/** Gives it back early, so that nobody has to wait for its end. */
export function releaseLease(database: Database, name: string, holder: InstanceId): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute()
  })
}

/** Milliseconds since 1970 by the database's own clock, the one that all instances share. */
function databaseClock(kind: Database['kind']): RawBuilder<number> {
  return kind === 'sqlite'
    ? sql<number>`cast(unixepoch('subsec') * 1000 as integer)`
    : sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`
}
