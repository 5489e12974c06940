import type { Kysely, Selectable } from 'kysely'
import type { EpochMs } from '../../domain/time.ts'
import type { Schema, SecretTable } from '../../store/schema.ts'
import { oldestFirst, type PageOf } from '../page.sql.ts'
import type { SecretRecord } from '../records.ts'

/** Live secrets of a workspace, oldest first, with one more than asked for where there is one. */
export async function readSecretPage(
  database: Kysely<Schema>,
  workspaceId: string,
  page: PageOf,
): Promise<SecretRecord[]> {
  const rows = await oldestFirst(liveSecrets(database, workspaceId), page).execute()
  return rows.map(toRecord)
}

/** A live secret, without its value; null where there is none. */
export async function readSecret(
  database: Kysely<Schema>,
  workspaceId: string,
  id: string,
): Promise<SecretRecord | null> {
  const row = await liveSecrets(database, workspaceId).where('id', '=', id).executeTakeFirst()
  return row ? toRecord(row) : null
}

/** Writes a secret under a new id, one that was deleted, or one that lives; what the file wrote is remembered. */
export async function writeSecret(
  database: Kysely<Schema>,
  workspaceId: string,
  { id, createdAt, updatedAt }: SecretRecord,
  sealedValue: string,
  revision: number,
): Promise<void> {
  const written = {
    sealed_value: sealedValue,
    created_at: createdAt,
    updated_at: updatedAt,
    deleted_at: null,
    revision,
  }
  await database
    .insertInto('secrets')
    .values({ workspace_id: workspaceId, id, ...written, config_hash: null })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'id']).doUpdateSet(written))
    .execute()
}

/** The row stays without its value, so that every instance sees it go. */
export async function burySecret(
  database: Kysely<Schema>,
  workspaceId: string,
  id: string,
  at: EpochMs,
  revision: number,
): Promise<void> {
  await database
    .updateTable('secrets')
    .set({ sealed_value: '', deleted_at: at, revision })
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .execute()
}

function liveSecrets(database: Kysely<Schema>, workspaceId: string) {
  return database
    .selectFrom('secrets')
    .select(['id', 'created_at', 'updated_at', 'config_hash'])
    .where('workspace_id', '=', workspaceId)
    .where('deleted_at', 'is', null)
}

type Row = Pick<Selectable<SecretTable>, 'id' | 'created_at' | 'updated_at' | 'config_hash'>

function toRecord({ id, created_at, updated_at, config_hash }: Row): SecretRecord {
  return { id, isInFile: config_hash !== null, createdAt: created_at, updatedAt: updated_at }
}
