import type { Kysely, Selectable } from 'kysely'
import type { EndpointId, WorkspaceId } from '../../domain/ids.ts'
import type { EpochMs } from '../../domain/time.ts'
import type { EndpointTable, Schema } from '../../store/schema.ts'
import type { EndpointFact, Region } from '../facts.ts'
import { oldestFirst, type PageOf } from '../page.sql.ts'
import type { Changed } from '../snapshot.ts'

/** Endpoints written after a revision; the first load, after revision 0, leaves out what is gone. */
export async function readChangedEndpoints(
  database: Kysely<Schema>,
  since: number,
): Promise<Changed<EndpointFact>[]> {
  const rows = await database
    .selectFrom('endpoints')
    .selectAll()
    .where('revision', '>', since)
    .$if(since === 0, (query) => query.where('deleted_at', 'is', null))
    .execute()
  return rows.map((row) => ({ id: row.id, fact: row.deleted_at === null ? toEndpoint(row) : null }))
}

/** A live endpoint of any workspace. */
export async function readEndpoint(database: Kysely<Schema>, id: string): Promise<EndpointFact | null> {
  const row = await database
    .selectFrom('endpoints')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row ? toEndpoint(row) : null
}

/** Live endpoints of a workspace, oldest first, with one more than asked for where there is one. */
export async function readEndpointPage(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  page: PageOf,
): Promise<EndpointFact[]> {
  const rows = await oldestFirst(
    database
      .selectFrom('endpoints')
      .selectAll()
      .where('workspace_id', '=', workspaceId)
      .where('deleted_at', 'is', null),
    page,
  ).execute()
  return rows.map(toEndpoint)
}

/** All live endpoints of a workspace, for rules that look at every target. */
export async function readLiveEndpoints(
  database: Kysely<Schema>,
  workspaceId: string,
): Promise<EndpointFact[]> {
  const rows = await database
    .selectFrom('endpoints')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(toEndpoint)
}

export async function insertEndpoint(
  database: Kysely<Schema>,
  endpoint: EndpointFact,
  revision: number,
): Promise<void> {
  await database
    .insertInto('endpoints')
    .values({
      id: endpoint.id,
      workspace_id: endpoint.workspaceId,
      slug: endpoint.slug,
      region: endpoint.region,
      targets: JSON.stringify(endpoint.targets),
      created_at: endpoint.createdAt,
      updated_at: endpoint.updatedAt,
      deleted_at: null,
      revision,
    })
    .execute()
}

export async function updateEndpoint(
  database: Kysely<Schema>,
  { id, slug, targets, updatedAt }: EndpointFact,
  revision: number,
): Promise<void> {
  await database
    .updateTable('endpoints')
    .set({ slug, targets: JSON.stringify(targets), updated_at: updatedAt, revision })
    .where('id', '=', id)
    .execute()
}

export async function deleteEndpoint(
  database: Kysely<Schema>,
  id: EndpointId,
  at: EpochMs,
  revision: number,
): Promise<void> {
  await database.updateTable('endpoints').set({ deleted_at: at, revision }).where('id', '=', id).execute()
}

function toEndpoint(row: Selectable<EndpointTable>): EndpointFact {
  return {
    id: row.id as EndpointId,
    workspaceId: row.workspace_id as WorkspaceId,
    slug: row.slug,
    region: row.region as Region,
    targets: JSON.parse(row.targets) as EndpointFact['targets'],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
