import type { Kysely, Transaction } from 'kysely'
import type { EpochMs } from '../domain/time.ts'
import type { DeliveryTable, Schema } from '../store/schema.ts'
import { oldestFirst, type PageOf } from '../tenancy/page.sql.ts'

/** A delivery without what it posts. */
export type DeliveryRow = Omit<DeliveryTable, 'body' | 'signature'>

const listed = [
  'id',
  'workspace_id',
  'request_id',
  'state',
  'created_at',
  'settled_at',
  'events',
  'attempts',
  'last_status',
  'problem',
] as const

interface Listing extends PageOf {
  /** Null: of all. */
  readonly workspaceId: string | null
}

/** Deliveries in the order in which they were made, one more than the limit where there is one. */
export function readDeliveryPage(
  database: Kysely<Schema>,
  { workspaceId, ...page }: Listing,
): Promise<readonly DeliveryRow[]> {
  return oldestFirst(
    database
      .selectFrom('deliveries')
      .select(listed)
      .$if(workspaceId !== null, (query) => query.where('workspace_id', '=', workspaceId ?? '')),
    page,
  ).execute()
}

/** Dead letters in the order in which they died, one more than the limit where there is one. */
export function readDeadLetterPage(
  database: Kysely<Schema>,
  { workspaceId, ...page }: Listing,
): Promise<readonly DeliveryRow[]> {
  return oldestFirst(
    database
      .selectFrom('deliveries')
      .select(listed)
      .where('state', '=', 'dead')
      .$if(workspaceId !== null, (query) => query.where('workspace_id', '=', workspaceId ?? '')),
    page,
    'settled_at',
  ).execute()
}

export async function readDelivery(database: Kysely<Schema>, id: string): Promise<DeliveryTable | null> {
  const row = await database.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirst()
  return row ?? null
}

/** Has a dead letter delivered again. False: it is none. */
export async function queueDeadLetter(transaction: Transaction<Schema>, id: string): Promise<boolean> {
  const queued = await transaction
    .updateTable('deliveries')
    .set({ state: 'queued' })
    .where('id', '=', id)
    .where('state', '=', 'dead')
    .executeTakeFirst()
  return queued.numUpdatedRows === 1n
}

/** The same for the oldest dead letters of a workspace that died by an instant; how many it were. */
export async function queueDeadLetters(
  transaction: Transaction<Schema>,
  workspaceId: string,
  diedBy: EpochMs,
  most: number,
): Promise<number> {
  const oldest = transaction
    .selectFrom('deliveries')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('state', '=', 'dead')
    .where('settled_at', '<=', diedBy)
    .orderBy('settled_at')
    .orderBy('id')
    .limit(most)
  const queued = await transaction
    .updateTable('deliveries')
    .set({ state: 'queued' })
    .where('id', 'in', oldest)
    .where('state', '=', 'dead')
    .executeTakeFirst()
  return Number(queued.numUpdatedRows)
}
