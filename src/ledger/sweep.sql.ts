import { sql } from 'kysely'
import type { EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { tables } from '../store/tables.ts'

/** Rows deleted in one transaction: it keeps others waiting for some milliseconds. */
const rowsAtOnce = 1000

/** How long charges of rolling windows are kept: several times what the longest window looks back. */
export const rollingChargesKeptMs = 5 * 60_000

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
