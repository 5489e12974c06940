import type { Kysely, Selectable } from 'kysely'
import type { EpochMs } from '../../domain/time.ts'
import type { Schema, WorkspaceKeyTable } from '../../store/schema.ts'
import type { WorkspaceKeyType } from '../facts.ts'
import { oldestFirst, type PageOf } from '../page.sql.ts'
import type { WorkspaceKeyRecord } from '../records.ts'

/** Live keys of a workspace, oldest first, with one more than asked for where there is one. */
export async function readWorkspaceKeyPage(
  database: Kysely<Schema>,
  workspaceId: string,
  page: PageOf,
): Promise<WorkspaceKeyRecord[]> {
  const rows = await oldestFirst(liveKeys(database, workspaceId), page).execute()
  return rows.map(toRecord)
}

/** A live key of a workspace; null where there is none. */
export async function readWorkspaceKey(
  database: Kysely<Schema>,
  workspaceId: string,
  id: string,
): Promise<WorkspaceKeyRecord | null> {
  const row = await liveKeys(database, workspaceId).where('id', '=', id).executeTakeFirst()
  return row ? toRecord(row) : null
}

export async function isKeyNameTaken(
  database: Kysely<Schema>,
  workspaceId: string,
  name: string,
): Promise<boolean> {
  return (await liveKeys(database, workspaceId).where('name', '=', name).executeTakeFirst()) !== undefined
}

/** Throws a unique violation where the value is that of another workspace key. */
export async function insertWorkspaceKey(
  database: Kysely<Schema>,
  workspaceId: string,
  { id, name, type, createdAt }: WorkspaceKeyRecord,
  digest: string,
  revision: number,
): Promise<void> {
  await database
    .insertInto('workspace_keys')
    .values({
      id,
      workspace_id: workspaceId,
      name,
      type,
      digest,
      created_at: createdAt,
      revoked_at: null,
      revision,
      config_hash: null,
    })
    .execute()
}

/** Throws as the above. What the file wrote is remembered. */
export async function updateWorkspaceKeyDigest(
  database: Kysely<Schema>,
  id: string,
  digest: string,
  revision: number,
): Promise<void> {
  await database.updateTable('workspace_keys').set({ digest, revision }).where('id', '=', id).execute()
}

export async function revokeWorkspaceKeyRow(
  database: Kysely<Schema>,
  id: string,
  at: EpochMs,
  revision: number,
): Promise<void> {
  await database
    .updateTable('workspace_keys')
    .set({ revoked_at: at, revision })
    .where('id', '=', id)
    .execute()
}

function liveKeys(database: Kysely<Schema>, workspaceId: string) {
  return database
    .selectFrom('workspace_keys')
    .select(['id', 'name', 'type', 'created_at', 'config_hash'])
    .where('workspace_id', '=', workspaceId)
    .where('revoked_at', 'is', null)
}

type Row = Pick<Selectable<WorkspaceKeyTable>, 'id' | 'name' | 'type' | 'created_at' | 'config_hash'>

function toRecord({ id, name, type, created_at, config_hash }: Row): WorkspaceKeyRecord {
  return {
    id,
    name,
    type: type as WorkspaceKeyType,
    isInFile: config_hash !== null,
    createdAt: created_at,
  }
}
