import { type RawBuilder, sql } from 'kysely'
import type { EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { type TableName, tables } from '../store/tables.ts'

/** Rows deleted in one transaction: it keeps others waiting for some milliseconds. */
const rowsAtOnce = 1000

/** How long charges of rolling windows are kept: several times what the longest window looks back. */
export const rollingChargesKeptMs = 5 * 60_000

/**
 * How long the sums of periods are kept that are over. Whatever is still to be stored of them, or changes a window as of
 * a moment ago, has come by then.
 */
export const endedPeriodsKeptMs = 7 * 86_400_000

/** Deletes some charges of rolling windows older than an instant. True: there are more. */
export function sweepRollingCharges(database: Database, before: EpochMs): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const old = transaction
      .selectFrom('rolling_charges')
      .select(['at', 'id'])
      .where('at', '<', before)
      .limit(rowsAtOnce)
    const deleted = await transaction
      .deleteFrom('rolling_charges')
      .where(({ eb, refTuple }) => eb(refTuple('at', 'id'), 'in', old.$asTuple('at', 'id')))
      .executeTakeFirst()
    return deleted.numDeletedRows === BigInt(rowsAtOnce)
  })
}

/**
 * Deletes some usage events of a workspace that are older than an instant, but none that wait to be posted, nor any
 * younger than those. True: there are more.
 */
export function sweepUsageEvents(database: Database, workspaceId: string, before: EpochMs): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const old = transaction
      .selectFrom('usage_events')
      .select(['at', 'id'])
      .where('workspace_id', '=', workspaceId)
      .where('at', '<', before)
      .where(({ eb, not, exists }) =>
        not(
          exists(
            eb
              .selectFrom('waiting_events')
              .select('first_at')
              .where('workspace_id', '=', workspaceId)
              .whereRef('first_at', '<=', 'usage_events.at'),
          ),
        ),
      )
      .limit(rowsAtOnce)
    const deleted = await transaction
      .deleteFrom('usage_events')
      .where('workspace_id', '=', workspaceId)
      .where(({ eb, refTuple }) => eb(refTuple('at', 'id'), 'in', old.$asTuple('at', 'id')))
      .executeTakeFirst()
    return deleted.numDeletedRows === BigInt(rowsAtOnce)
  })
}

/** Deletes some of what is kept of native calls older than an instant. True: there are more. */
export function sweepNativeCalls(database: Database, before: EpochMs): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const old = transaction.selectFrom('native_calls').select('id').where('at', '<', before).limit(rowsAtOnce)
    const deleted = await transaction.deleteFrom('native_calls').where('id', 'in', old).executeTakeFirst()
    return deleted.numDeletedRows === BigInt(rowsAtOnce)
  })
}

/** Tables of a workspace that grow with what happens in it, and the column that tells when that was. */
const datedTables = {
  attempts: 'at',
  refusals: 'at',
  refusal_counts: 'starts_at',
  usage_buckets: 'starts_at',
} as const

export type DatedTable = keyof typeof datedTables

/** Deletes some rows of a workspace that are older than an instant. True: there are more. */
export function sweepDated(
  database: Database,
  table: DatedTable,
  workspaceId: string,
  before: EpochMs,
): Promise<boolean> {
  const key = sql.join(tables[table].primaryKey.map((column) => sql.ref(column)))
  const isOld = sql`workspace_id = ${workspaceId} and ${sql.ref(datedTables[table])} < ${before}`
  const old = sql`select ${key} from ${sql.table(table)} where ${isOld} limit ${rowsAtOnce}`
  const remove = sql`delete from ${sql.table(table)} where ${isOld} and (${key}) in (${old})`
  return database.transaction(async (transaction) => {
    const { numAffectedRows } = await remove.execute(transaction)
    return numAffectedRows === BigInt(rowsAtOnce)
  })
}

/** What counters were charged, and adjusted, by generation and period. */
export const periodTables = ['rollups', 'limit_adjustments'] as const

/**
 * Deletes some periods that had ended at an instant, unless the counter's window changed in them: the next generation
 * may have taken over what they had used, and goes when that is over. True: there are more.
 */
export function sweepEndedPeriods(
  database: Database,
  table: (typeof periodTables)[number],
  before: EpochMs,
): Promise<boolean> {
  const wasTakenOver = sql`
    select 1 from limit_generations as next
    where next.counter = old.counter and next.generation = old.generation + 1
      and next.changed_at >= old.starts_at and next.changed_at < old.ends_at`
  const isOld = sql`where old.ends_at < ${before} and not exists (${wasTakenOver})`
  return deleteSome(database, table, sql`${sql.table(table)} as old ${isOld}`)
}

/**
 * Deletes some rows of generations whose usage cannot count any more: a later one dropped it, or the newest is past its
 * first period. The newest itself stays. True: there are more.
 */
export function sweepOldGenerations(
  database: Database,
  table: (typeof periodTables)[number] | 'limit_generations',
  before: EpochMs,
): Promise<boolean> {
  const isNewest = sql`
    not exists (select 1 from limit_generations as newest
      where newest.counter = later.counter and newest.generation > later.generation)`
  const endedTheirs = sql`later.keeps_usage = 0 or (later.ends_at < ${before} and ${isNewest})`
  // In this order, SQLite looks only at counters that have generations.
  const ofOlder = sql`
    limit_generations as later cross join ${sql.table(table)} as old
    where old.counter = later.counter and old.generation < later.generation
      and later.changed_at < ${before} and (${endedTheirs})`
  return deleteSome(database, table, ofOlder)
}

/** Deletes some of the rows that a source calls `old`. True: there are more. */
function deleteSome(database: Database, table: TableName, source: RawBuilder<unknown>): Promise<boolean> {
  const { primaryKey } = tables[table]
  const key = sql.join(primaryKey.map((column) => sql.ref(column)))
  const oldKey = sql.join(primaryKey.map((column) => sql.ref(`old.${column}`)))
  const old = sql`select distinct ${oldKey} from ${source} limit ${rowsAtOnce}`
  const remove = sql`delete from ${sql.table(table)} where (${key}) in (${old})`
  return database.transaction(async (transaction) => {
    const { numAffectedRows } = await remove.execute(transaction)
    return numAffectedRows === BigInt(rowsAtOnce)
  })
}

/** Deletes some audit rows older than an instant, of whatever workspace. True: there are more. */
export function sweepAuditRows(database: Database, before: EpochMs): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const old = transaction.selectFrom('audit_log').select('id').where('at', '<', before).limit(rowsAtOnce)
    const deleted = await transaction.deleteFrom('audit_log').where('id', 'in', old).executeTakeFirst()
    return deleted.numDeletedRows === BigInt(rowsAtOnce)
  })
}

export async function readWorkspaceIds(database: Database): Promise<readonly string[]> {
  const rows = await database.read.selectFrom('workspaces').select('id').execute()
  return rows.map((row) => row.id)
}
