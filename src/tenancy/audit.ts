import { type Failure, isFailure } from '../domain/failure.ts'
import type { WorkspaceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import { readAuditPage } from './audit.sql.ts'
import type { Context } from './context.ts'
import { type Page, type PageRequest, readPage } from './page.ts'

/** What somebody did in a workspace. */
export interface AuditEntry {
  readonly id: string
  readonly at: EpochMs
  /** A kind and an id, such as `workspace_key:wk_…`, or a part of the gateway. */
  readonly actor: string
  readonly action: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface Audit {
  /** Newest first. What the operator does to the installation is in no workspace's list. */
  listAudit(workspaceId: WorkspaceId, request: PageRequest): Promise<Page<AuditEntry> | Failure>
}

export function auditOf({ read, keyring }: Context): Audit {
  return {
    async listAudit(workspaceId, { limit, cursor }) {
      const page = await readPage(
        keyring,
        ['audit', workspaceId],
        { limit, cursor },
        (after) => readAuditPage(read, workspaceId, { limit, after }),
        ({ id, at }) => ({ id, createdAt: at }),
      )
      if (isFailure(page)) return page
      const items = page.items.map(({ id, at, actor, action, details }) => ({
        id,
        at,
        actor,
        action,
        details: JSON.parse(details) as AuditEntry['details'],
      }))
      return { items, next: page.next }
    },
  }
}
