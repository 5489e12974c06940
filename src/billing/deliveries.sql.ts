import type { Kysely } from 'kysely'
import type { EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import type { DeliveryTable, Schema, WebhookTable } from '../store/schema.ts'

/** A workspace's webhook, and what there is to do for it. */
export interface Work {
  readonly webhook: WebhookTable
  /** The instant of the oldest event that is in no delivery yet; null where there is none. */
  readonly firstAt: EpochMs | null
  readonly hasPending: boolean
  readonly hasQueued: boolean
}

/** All workspaces for which there is something to do. Some steps in indexes for each webhook. */
export async function readWork(database: Kysely<Schema>): Promise<readonly Work[]> {
  const rows = await database
    .selectFrom('webhooks as webhook')
    .selectAll('webhook')
    .select(({ selectFrom }) => [
      selectFrom('waiting_events')
        .select((waiting) => waiting.fn.min('first_at').as('first_at'))
        .whereRef('workspace_id', '=', 'webhook.workspace_id')
        .as('first_at'),
      ...(['pending', 'queued'] as const).map((state) =>
        selectFrom('deliveries')
          .select('id')
          .whereRef('workspace_id', '=', 'webhook.workspace_id')
          .where('state', '=', state)
          .limit(1)
          .as(state),
      ),
    ])
    .execute()
  return rows
    .map(({ first_at, pending, queued, ...webhook }) => ({
      webhook,
      firstAt: first_at,
      hasPending: pending !== null,
      hasQueued: queued !== null,
    }))
    .filter(({ firstAt, hasPending, hasQueued }) => firstAt !== null || hasPending || hasQueued)
}

/** A delivery that can be made: it has what it posts. */
export type Postable = Pick<DeliveryTable, 'id' | 'workspace_id' | 'request_id'> & {
  readonly body: string
  readonly signature: string
}

/** Deliveries of a workspace that nobody has brought to an end, except for those that are being made here. */
export async function readPending(
  database: Kysely<Schema>,
  workspaceId: string,
  except: readonly string[],
  limit: number,
): Promise<readonly Postable[]> {
  const rows = await database
    .selectFrom('deliveries')
    .select(['id', 'workspace_id', 'request_id', 'body', 'signature'])
    .where('workspace_id', '=', workspaceId)
    .where('state', '=', 'pending')
    .$if(except.length > 0, (query) => query.where('id', 'not in', except))
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, body: row.body ?? '', signature: row.signature ?? '' }))
}

/** The delivery of a workspace that was queued to be made again and has waited longest. */
export async function readQueued(
  database: Kysely<Schema>,
  workspaceId: string,
): Promise<{ readonly id: string; readonly body: string } | null> {
  const row = await database
    .selectFrom('deliveries')
    .select(['id', 'body'])
    .where('workspace_id', '=', workspaceId)
    .where('state', '=', 'queued')
    .orderBy('settled_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : { id: row.id, body: row.body ?? '' }
}

/** Makes a queued delivery one to be made, under new names. False: somebody else did. */
export function beginAgain(
  database: Database,
  id: string,
  { requestId, signature }: { readonly requestId: string; readonly signature: string },
): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const begun = await transaction
      .updateTable('deliveries')
      .set({ state: 'pending', request_id: requestId, signature })
      .where('id', '=', id)
      .where('state', '=', 'queued')
      .executeTakeFirst()
    return begun.numUpdatedRows === 1n
  })
}

/** Keeps a delivery's new signature, where its secret is no longer valid. */
export function signAgain(database: Database, id: string, signature: string): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction.updateTable('deliveries').set({ signature }).where('id', '=', id).execute()
  })
}

export interface Settled {
  readonly state: 'delivered' | 'dead'
  readonly at: EpochMs
  readonly attempts: number
  readonly status: number | null
  readonly problem: string | null
}

/** Keeps how a delivery ended, unless somebody else has brought it to its end. */
export function settleDelivery(
  database: Database,
  { id, request_id }: Pick<DeliveryTable, 'id' | 'request_id'>,
  { state, at, attempts, status, problem }: Settled,
): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction
      .updateTable('deliveries')
      .set({
        state,
        settled_at: at,
        attempts,
        last_status: status,
        problem,
        ...(state === 'delivered' && { body: null }),
      })
      .where('id', '=', id)
      .where('request_id', '=', request_id)
      .where('state', '=', 'pending')
      .execute()
  })
}

/** Makes dead letters of all that was still to be delivered for a workspace, except for what is being made here. How many. */
export function buryDeliveries(
  database: Database,
  workspaceId: string,
  except: readonly string[],
  at: EpochMs,
  problem: string,
): Promise<number> {
  return database.transaction(async (transaction) => {
    const buried = await transaction
      .updateTable('deliveries')
      .set({ state: 'dead', settled_at: at, problem })
      .where('workspace_id', '=', workspaceId)
      .where('state', 'in', ['pending', 'queued'])
      .$if(except.length > 0, (query) => query.where('id', 'not in', except))
      .executeTakeFirst()
    return Number(buried.numUpdatedRows)
  })
}

const rowsAtOnce = 1000

/** Deletes some deliveries that ended before an instant. True: there are more. */
export function sweepDeliveries(
  database: Database,
  state: 'delivered' | 'dead',
  before: EpochMs,
): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const old = transaction
      .selectFrom('deliveries')
      .select('id')
      .where('state', '=', state)
      .where('settled_at', '<', before)
      .limit(rowsAtOnce)
    const deleted = await transaction.deleteFrom('deliveries').where('id', 'in', old).executeTakeFirst()
    return deleted.numDeletedRows === BigInt(rowsAtOnce)
  })
}

/** How much there is on hand, over all workspaces. */
export interface OnHand {
  readonly waitingEvents: number
  readonly oldestWaitingAt: EpochMs | null
  readonly deadLetters: number
}

export async function readOnHand(database: Kysely<Schema>): Promise<OnHand> {
  const waiting = await database
    .selectFrom('waiting_events')
    .select(({ fn }) => [fn.sum<number | null>('events').as('events'), fn.min('first_at').as('at')])
    .executeTakeFirstOrThrow()
  const pending = await database
    .selectFrom('deliveries')
    .select(({ fn }) => [fn.sum<number | null>('events').as('events'), fn.min('created_at').as('at')])
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow()
  const dead = await database
    .selectFrom('deliveries')
    .select(({ fn }) => fn.countAll<number>().as('deliveries'))
    .where('state', 'in', ['dead', 'queued'])
    .executeTakeFirstOrThrow()
  const instants = [waiting.at, pending.at].filter((at): at is number => at !== null)
  return {
    waitingEvents: Number(waiting.events ?? 0) + Number(pending.events ?? 0),
    oldestWaitingAt: instants.length === 0 ? null : Math.min(...instants),
    deadLetters: Number(dead.deliveries),
  }
}
