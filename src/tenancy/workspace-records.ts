import type { Failure } from '../domain/failure.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Context } from './context.ts'
import { type Page, type PageRequest, readPage } from './page.ts'
import { readWorkspacePage, readWorkspaceRecord } from './workspace-records.sql.ts'

/** A workspace as its operator sees it. */
export interface WorkspaceRecord {
  readonly id: string
  readonly name: string
  readonly onboarded: boolean
  readonly slugPrefixes: readonly string[]
  /** Host names in lower case and without a port. */
  readonly domains: readonly string[]
  /** The configuration file has written it, and writes it again once its entry there is another. */
  readonly isInFile: boolean
  readonly createdAt: EpochMs
}

/** Workspaces as their operator handles them one by one. */
export interface WorkspaceRecords {
  /** Oldest first. */
  listWorkspaces(request: PageRequest): Promise<Page<WorkspaceRecord> | Failure>
  getWorkspace(id: string): Promise<WorkspaceRecord | Failure>
}

const noWorkspace: Failure = { failure: 'not_found', what: 'workspace' }

export function workspaceRecordsOf({ read, keyring }: Context): WorkspaceRecords {
  return {
    listWorkspaces({ limit, cursor }) {
      return readPage(
        keyring,
        ['workspaces'],
        { limit, cursor },
        (after) => readWorkspacePage(read, { limit, after }),
        (workspace) => workspace,
      )
    },

    async getWorkspace(id) {
      return (await readWorkspaceRecord(read, id)) ?? noWorkspace
    },
  }
}
