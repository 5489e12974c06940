import type { Kysely } from 'kysely'
import type { Schema, WorkspaceTable } from '../store/schema.ts'
import type { Position } from './cursor.ts'
import type { WorkspaceRecord } from './workspace-records.ts'

/** Live workspaces, oldest first, with one more than asked for where there is one. */
export async function readWorkspacePage(
  database: Kysely<Schema>,
  { limit, after }: { limit: number; after: Position | null },
): Promise<WorkspaceRecord[]> {
  const rows = await database
    .selectFrom('workspaces')
    .selectAll()
    .where('deleted_at', 'is', null)
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('created_at', 'id'), '>', tuple(after?.createdAt ?? 0, after?.id ?? '')),
      ),
    )
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit + 1)
    .execute()
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
    isInFile: row.config_hash !== null,
    createdAt: row.created_at,
  }))
}
