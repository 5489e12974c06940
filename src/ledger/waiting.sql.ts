import type { Transaction } from 'kysely'
import type { EpochMs } from '../domain/time.ts'
import { bulkInsert } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import type { Schema } from '../store/schema.ts'
import { usageEventColumns } from './chunk.ts'

type Row = readonly (string | number | null)[]

const waitingColumns = ['workspace_id', 'first_at', 'id', 'events', 'keys'] as const
const idAt = usageEventColumns.indexOf('id')
const atAt = usageEventColumns.indexOf('at')
const nodeAt = usageEventColumns.indexOf('node_id')
const workspaceAt = usageEventColumns.indexOf('workspace_id')

/**
 * Notes, for each workspace that has a webhook, which of these events are to be posted: one row a workspace, however
 * many they are. Of the transaction that stores them, so that an event waits exactly when it is there.
 *
 * `name` is the chunk's alone. True if any are.
 */
export async function noteWaitingEvents(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  name: string,
  events: readonly Row[],
): Promise<boolean> {
  // Those of the native door stand in no group, and are nobody's to bill by webhook.
  const billed = events.filter((event) => event[nodeAt] !== null)
  if (billed.length === 0) return false
  const byWorkspace = Map.groupBy(billed, (event) => String(event[workspaceAt]))
  const receiving = await transaction
    .selectFrom('webhooks')
    .select('workspace_id')
    .where('workspace_id', 'in', [...byWorkspace.keys()])
    .where('deleted_at', 'is', null)
    .execute()
  const rows = receiving.map(({ workspace_id }) => {
    const own = byWorkspace.get(workspace_id) ?? []
    const keys = own.map((event): WaitingKey => [Number(event[atAt]), String(event[idAt])])
    const firstAt = keys.reduce((first, [at]) => Math.min(first, at), Number.POSITIVE_INFINITY)
    return [workspace_id, firstAt, name, keys.length, JSON.stringify(keys)]
  })
  await bulkInsert(transaction, kind, 'waiting_events', waitingColumns, rows)
  return rows.length > 0
}

/** Names a usage event within its workspace. */
export type WaitingKey = readonly [at: EpochMs, id: string]
