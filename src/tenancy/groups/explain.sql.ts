import type { Kysely } from 'kysely'
import type { NodeId, WorkspaceId } from '../../domain/ids.ts'
import type { Schema } from '../../store/schema.ts'
import type { ExplainedKey } from '../records.ts'

/** At most two keys with a prefix, live and revoked: in one workspace, or, where that is null, in any of them. */
export async function readKeysByPrefix(
  database: Kysely<Schema>,
  prefix: string,
  workspaceId: string | null,
): Promise<ExplainedKey[]> {
  // By way of the workspaces, because the index of prefixes is one of each workspace.
  const rows = await database
    .selectFrom('workspaces')
    .innerJoin('keys', 'keys.workspace_id', 'workspaces.id')
    .select(['keys.id', 'keys.workspace_id', 'keys.node_id', 'keys.prefix', 'keys.name', 'keys.revoked_at'])
    .where('keys.style', '=', 'federated')
    .where('keys.prefix', '=', prefix)
    .$if(workspaceId !== null, (query) => query.where('workspaces.id', '=', workspaceId ?? ''))
    .orderBy('keys.workspace_id')
    .limit(2)
    .execute()
  return rows.map((row) => ({
    prefix: row.prefix,
    name: row.name,
    workspaceId: row.workspace_id as WorkspaceId,
    nodeId: row.node_id as NodeId | null,
    isRevoked: row.revoked_at !== null,
  }))
}
