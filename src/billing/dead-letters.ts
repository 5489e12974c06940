import type { Failure } from '../domain/failure.ts'
import type { NewUlid, WorkspaceId } from '../domain/ids.ts'
import type { Clock } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import type { DeliveryTable } from '../store/schema.ts'
import { insertAudit } from '../tenancy/installation.sql.ts'
import { type Page, type PageRequest, readPage } from '../tenancy/page.ts'
import type { Keyring } from '../tenancy/sealing/keyring.ts'
import { readWebhook } from '../tenancy/workspaces/webhooks.sql.ts'
import type { Operator } from '../tenancy/write.ts'
import {
  type DeliveryRow,
  queueDeadLetter,
  queueDeadLetters,
  readDeadLetterPage,
  readDelivery,
  readDeliveryPage,
} from './dead-letters.sql.ts'

export interface DeliveryListing extends PageRequest {
  /** Null: of all workspaces. */
  readonly workspaceId: string | null
}

/** Deliveries and dead letters as operators see them. */
export interface DeadLetters {
  /** In the order in which they were made. */
  listDeliveries(request: DeliveryListing): Promise<Page<DeliveryRow> | Failure>
  /** In the order in which they died. */
  listDeadLetters(request: DeliveryListing): Promise<Page<DeliveryRow> | Failure>
  /** A dead letter with what it would have brought, one that is queued to be delivered again included. */
  getDeadLetter(id: string): Promise<DeliveryTable | Failure>
  /**
   * Has a dead letter delivered again: the same bytes, under a new delivery id and signature. One after the other is
   * delivered, beside what is new.
   */
  redeliver(operator: Operator, id: string): Promise<DeliveryRow | Failure>
  /** The same for the oldest dead letters of a workspace, so many at a time. */
  redeliverAll(
    operator: Operator,
    workspaceId: WorkspaceId,
  ): Promise<{ readonly queued: number; readonly hasMore: boolean } | Failure>
}

const noDeadLetter: Failure = { failure: 'not_found', what: 'delivery' }
const noReceiver: Failure = { failure: 'conflict', message: 'This workspace has no webhook to deliver to.' }
/** One statement's worth: the writer is held for some tens of milliseconds. */
const queuedAtOnce = 10_000

export function deadLettersOf(
  database: Database,
  keyring: Keyring,
  clock: Clock,
  newUlid: NewUlid,
): DeadLetters {
  const { read } = database

  async function hasReceiver(workspaceId: string): Promise<boolean> {
    const webhook = await readWebhook(read, workspaceId)
    return webhook !== null && webhook.deleted_at === null
  }

  function auditOf({ actor }: Operator, workspaceId: string, target: string, details: object) {
    const at = clock()
    const action = 'DEAD_LETTERS_REDELIVERED'
    return { id: newUlid(at), at, workspaceId, actor, action, target, details: { ...details } }
  }

  async function getDeadLetter(id: string): Promise<DeliveryTable | Failure> {
    const delivery = await readDelivery(read, id)
    return delivery !== null && ['dead', 'queued'].includes(delivery.state) ? delivery : noDeadLetter
  }

  return {
    listDeliveries({ workspaceId, limit, cursor }) {
      return readPage(
        keyring,
        ['deliveries', workspaceId],
        { limit, cursor },
        (after) => readDeliveryPage(read, { workspaceId, after, limit }),
        (row) => ({ createdAt: row.created_at, id: row.id }),
      )
    },

    listDeadLetters({ workspaceId, limit, cursor }) {
      return readPage(
        keyring,
        ['dead_letters', workspaceId],
        { limit, cursor },
        (after) => readDeadLetterPage(read, { workspaceId, after, limit }),
        (row) => ({ createdAt: row.settled_at ?? 0, id: row.id }),
      )
    },

    getDeadLetter,

    async redeliver(operator, id) {
      const delivery = await getDeadLetter(id)
      if ('failure' in delivery) return delivery
      if (!(await hasReceiver(delivery.workspace_id))) return noReceiver
      await database.transaction(async (transaction) => {
        if (!(await queueDeadLetter(transaction, id))) return
        await insertAudit(transaction, auditOf(operator, delivery.workspace_id, id, {}))
      })
      return { ...delivery, state: 'queued' }
    },

    async redeliverAll(operator, workspaceId) {
      if (!(await hasReceiver(workspaceId))) return noReceiver
      const queued = await database.transaction(async (transaction) => {
        const count = await queueDeadLetters(transaction, workspaceId, clock(), queuedAtOnce)
        if (count > 0) {
          await insertAudit(transaction, auditOf(operator, workspaceId, workspaceId, { deliveries: count }))
        }
        return count
      })
      return { queued, hasMore: queued === queuedAtOnce }
    },
  }
}
