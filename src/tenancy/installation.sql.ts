import type { Kysely, Transaction } from 'kysely'
import type { EpochMs } from '../domain/time.ts'
import type { Schema } from '../store/schema.ts'

/** The revision of the last management write. All facts of earlier ones are committed. */
export async function readRevision(database: Kysely<Schema>): Promise<number> {
  const row = await database.selectFrom('installation').select('revision').executeTakeFirstOrThrow()
  return row.revision
}

/**
 * Moves the revision by one and gives the new one. From here to the end of the transaction no other write can do
 * the same, so revisions are committed in their order.
 */
export async function moveRevision(transaction: Transaction<Schema>): Promise<number> {
  const row = await transaction
    .updateTable('installation')
    .set(({ eb }) => ({ revision: eb('revision', '+', 1) }))
    .where('id', '=', 1)
    .returning('revision')
    .executeTakeFirstOrThrow()
  return row.revision
}

/** Writes a setting unless there is one, and gives what stands there now. */
export async function keepSetting(
  transaction: Transaction<Schema>,
  key: string,
  value: string,
): Promise<string> {
  await transaction
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  const row = await transaction
    .selectFrom('settings')
    .select('value')
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return row.value
}

/** What was done, to be read by people: never a secret. */
export interface AuditRow {
  readonly id: string
  readonly at: EpochMs
  readonly workspaceId: string | null
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly details: Readonly<Record<string, unknown>>
}

export async function insertAudit(transaction: Transaction<Schema>, row: AuditRow): Promise<void> {
  await transaction
    .insertInto('audit_log')
    .values({
      id: row.id,
      at: row.at,
      workspace_id: row.workspaceId,
      actor: row.actor,
      action: row.action,
      target: row.target,
      details: JSON.stringify(row.details),
    })
    .execute()
}
