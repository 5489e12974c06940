import type { Kysely } from 'kysely'
import type { WorkspaceId } from '../domain/ids.ts'
import type { AuditTable, Schema } from '../store/schema.ts'
import type { PageOf } from './page.sql.ts'

/** Audit rows of a workspace, newest first, with one more than asked for where there is one. */
export function readAuditPage(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  { limit, after }: PageOf,
): Promise<AuditTable[]> {
  return database
    .selectFrom('audit_log')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('at', 'id'), '<', tuple(after?.createdAt ?? 0, after?.id ?? '')),
      ),
    )
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
}
