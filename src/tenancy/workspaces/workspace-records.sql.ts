import type { Kysely } from 'kysely'
import type { EpochMs } from '../../domain/time.ts'
import type { Schema, WorkspaceTable } from '../../store/schema.ts'
import { oldestFirst, type PageOf } from '../page.sql.ts'
import type { WorkspaceRecord } from '../records.ts'
import type { OwnedName } from '../rules/owned-names.ts'
import { readOwnedElsewhere, releaseNames } from './workspaces.sql.ts'

/** Live workspaces, oldest first, with one more than asked for where there is one. */
export async function readWorkspacePage(database: Kysely<Schema>, page: PageOf): Promise<WorkspaceRecord[]> {
  const rows = await oldestFirst(
    database.selectFrom('workspaces').selectAll().where('deleted_at', 'is', null),
    page,
  ).execute()
  return withNames(database, rows)
}

/** A live workspace; null where there is none. */
export async function readWorkspaceRecord(
  database: Kysely<Schema>,
  id: string,
): Promise<WorkspaceRecord | null> {
  const rows = await database
    .selectFrom('workspaces')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
  const [record] = await withNames(database, rows)
  return record ?? null
}

async function withNames(
  database: Kysely<Schema>,
  rows: readonly WorkspaceTable[],
): Promise<WorkspaceRecord[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const prefixes = await database
    .selectFrom('slug_prefixes')
    .selectAll()
    .where('workspace_id', 'in', ids)
    .orderBy('prefix')
    .execute()
  const domains = await database
    .selectFrom('workspace_domains')
    .selectAll()
    .where('workspace_id', 'in', ids)
    .orderBy('domain')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    onboarded: row.onboarded === 1,
    slugPrefixes: prefixes.filter((it) => it.workspace_id === row.id).map(({ prefix }) => prefix),
    domains: domains.filter((it) => it.workspace_id === row.id).map(({ domain }) => domain),
    registrationPublicKey: row.registration_public_key,
    isInFile: row.config_hash !== null,
    createdAt: row.created_at,
  }))
}

/** Which of these slug prefixes and domains a workspace outside of `except` owns. */
export async function readOwnerOf(
  database: Kysely<Schema>,
  { slugPrefixes, domains }: Pick<WorkspaceRecord, 'slugPrefixes' | 'domains'>,
  except: readonly string[],
): Promise<OwnedName | null> {
  const prefix = await readOwnedElsewhere(database, 'slug_prefixes', slugPrefixes, except)
  if (prefix) return { member: 'slug_prefixes', name: prefix.name, workspaceId: prefix.workspace_id }
  const domain = await readOwnedElsewhere(database, 'workspace_domains', domains, except)
  return domain && { member: 'domains', name: domain.name, workspaceId: domain.workspace_id }
}

/** Makes a workspace, also under the id of one that was deleted, and gives it prefixes and domains, all of which are free. */
export async function insertWorkspace(
  database: Kysely<Schema>,
  workspace: WorkspaceRecord,
  revision: number,
): Promise<void> {
  const { id, createdAt } = workspace
  const row = {
    ...columnsOf(workspace),
    created_at: createdAt,
    deleted_at: null,
    revision,
    config_hash: null,
  }
  const { numUpdatedRows } = await database
    .updateTable('workspaces')
    .set(row)
    .where('id', '=', id)
    .where('deleted_at', 'is not', null)
    .executeTakeFirst()
  if (numUpdatedRows === 0n)
    await database
      .insertInto('workspaces')
      .values({ id, ...row })
      .execute()
  await insertNames(database, workspace)
}

/** Writes a workspace as it shall be; what the file wrote of it is remembered. */
export async function updateWorkspaceRow(
  database: Kysely<Schema>,
  workspace: WorkspaceRecord,
  revision: number,
): Promise<void> {
  await releaseNames(database, [workspace.id])
  await database
    .updateTable('workspaces')
    .set({ ...columnsOf(workspace), revision })
    .where('id', '=', workspace.id)
    .execute()
  await insertNames(database, workspace)
}

export async function hasLiveGroups(database: Kysely<Schema>, workspaceId: string): Promise<boolean> {
  const row = await database
    .selectFrom('nodes')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('deleted_at', 'is', null)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Ends a workspace and all that it holds; rows stay without their secrets, so that every instance sees them go. */
export async function buryWorkspace(
  database: Kysely<Schema>,
  id: string,
  at: EpochMs,
  revision: number,
): Promise<void> {
  await releaseNames(database, [id])
  await database
    .updateTable('workspace_keys')
    .set({ revoked_at: at, revision })
    .where('workspace_id', '=', id)
    .where('revoked_at', 'is', null)
    .execute()
  await database
    .updateTable('endpoints')
    .set({ deleted_at: at, revision })
    .where('workspace_id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
  await database
    .updateTable('secrets')
    .set({ sealed_value: '', deleted_at: at, revision })
    .where('workspace_id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
  await database
    .updateTable('model_environments')
    .set({ sealed_api_key: null, deleted_at: at, revision })
    .where('workspace_id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
  await database
    .updateTable('webhooks')
    .set({ deleted_at: at, sealed_previous_secret: null, previous_secret_until: null, config_hash: null })
    .where('workspace_id', '=', id)
    .where('deleted_at', 'is', null)
    .execute()
  await database.updateTable('workspaces').set({ deleted_at: at, revision }).where('id', '=', id).execute()
}

function columnsOf({ name, onboarded, registrationPublicKey }: WorkspaceRecord) {
  return { name, onboarded: onboarded ? 1 : 0, registration_public_key: registrationPublicKey }
}

async function insertNames(
  database: Kysely<Schema>,
  { id, slugPrefixes, domains }: WorkspaceRecord,
): Promise<void> {
  const prefixRows = slugPrefixes.map((prefix) => ({ prefix, workspace_id: id }))
  const domainRows = domains.map((domain) => ({ domain, workspace_id: id }))
  if (prefixRows.length > 0) await database.insertInto('slug_prefixes').values(prefixRows).execute()
  if (domainRows.length > 0) await database.insertInto('workspace_domains').values(domainRows).execute()
}
