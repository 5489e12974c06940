import type { Kysely } from 'kysely'
import type { Schema, WebhookTable } from '../../store/schema.ts'
import type { Place } from '../sealing/sealing.ts'

/** The current secret and the one before it belong to different places, so that one cannot stand for the other. */
export function webhookPlace(workspaceId: string, secret: 'current' | 'previous'): Place {
  return ['webhooks', workspaceId, secret]
}

/** A webhook's row, deleted ones included. */
export async function readWebhook(
  database: Kysely<Schema>,
  workspaceId: string,
): Promise<WebhookTable | null> {
  const row = await database
    .selectFrom('webhooks')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .executeTakeFirst()
  return row ?? null
}

export async function upsertWebhook(database: Kysely<Schema>, row: WebhookTable): Promise<void> {
  const { workspace_id, created_at, ...written } = row
  await database
    .insertInto('webhooks')
    .values(row)
    .onConflict((conflict) => conflict.column('workspace_id').doUpdateSet({ ...written, created_at }))
    .execute()
}

export async function updateWebhook(
  database: Kysely<Schema>,
  workspaceId: string,
  change: Partial<WebhookTable>,
): Promise<void> {
  await database.updateTable('webhooks').set(change).where('workspace_id', '=', workspaceId).execute()
}
