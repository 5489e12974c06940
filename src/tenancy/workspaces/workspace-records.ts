import { type Failure, isFailure } from '../../domain/failure.ts'
import type { WorkspaceId } from '../../domain/ids.ts'
import type { EpochMs } from '../../domain/time.ts'
import { lockRow } from '../../store/lock-row.ts'
import type { Context } from '../context.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import type { WorkspaceRecord } from '../records.ts'
import { badOnboarding, defaultWorkspaceId, wholeSlugPrefixes } from '../rules/default-workspace.ts'
import { inLowerCase } from '../rules/host-name.ts'
import { ownedByAnother } from '../rules/owned-names.ts'
import type { Conflicts, Operator, Write, WriteFacts } from '../write.ts'
import {
  buryWorkspace,
  hasLiveGroups,
  insertWorkspace,
  readOwnerOf,
  readWorkspacePage,
  readWorkspaceRecord,
  updateWorkspaceRow,
} from './workspace-records.sql.ts'

export type NewWorkspace = Omit<WorkspaceRecord, 'isInFile' | 'createdAt'>

/** Members left out stay as they are; lists replace those that stand there. */
export type WorkspaceChange = Partial<Omit<NewWorkspace, 'id'>>

/** Workspaces as their operator handles them one by one. Members come in their legal form. */
export interface WorkspaceRecords {
  /** Null when the workspace lives, else why it cannot be had. */
  locateWorkspace(id: string): Failure | null
  /** Oldest first. */
  listWorkspaces(request: PageRequest): Promise<Page<WorkspaceRecord> | Failure>
  getWorkspace(id: string): Promise<WorkspaceRecord | Failure>
  /** One that is made under the id of a deleted one has that one's usage and audit for its past. */
  createWorkspace(operator: Operator, input: NewWorkspace): Promise<WorkspaceRecord | Failure>
  updateWorkspace(operator: Operator, id: string, change: WorkspaceChange): Promise<WorkspaceRecord | Failure>
  /** With everything in it. Never one that has groups, and never the one that is always there. */
  deleteWorkspace(operator: Operator, id: string): Promise<{ readonly deletedAt: EpochMs } | Failure>
  attachDomain(operator: Operator, id: string, domain: string): Promise<WorkspaceRecord | Failure>
  detachDomain(operator: Operator, id: string, domain: string): Promise<WorkspaceRecord | Failure>
}

const noWorkspace: Failure = { failure: 'not_found', what: 'workspace' }

const conflicts = {
  'workspaces(id)': { failure: 'conflict', message: 'id: taken by another workspace' },
  'slug_prefixes(prefix)': {
    failure: 'conflict',
    message: 'slug_prefixes: one belongs to another workspace',
  },
  'workspace_domains(domain)': { failure: 'conflict', message: 'domains: one belongs to another workspace' },
} as const

export function workspaceRecordsOf(
  { read, write, keyring }: Context,
  isLive: (id: WorkspaceId) => boolean,
): WorkspaceRecords {
  const changeWorkspace = workspaceWriter(write)
  const update = (
    operator: Operator,
    id: string,
    action: string,
    details: Readonly<Record<string, unknown>>,
    changeOf: (workspace: WorkspaceRecord) => WorkspaceChange | Failure,
  ) =>
    changeWorkspace<WorkspaceRecord>(
      operator,
      id,
      async (it, workspace) => {
        const change = changeOf(workspace)
        if (isFailure(change)) return change
        const updated = inLegalForm({ ...workspace, ...change })
        const broken = badDefault(updated) ?? (await ownedElsewhere(it, updated))
        if (broken) return broken
        const { revision } = await it.begin()
        await updateWorkspaceRow(it.transaction, updated, revision)
        await it.audit(action, id, { workspace_id: id, ...details })
        return updated
      },
      conflicts,
    )

  return {
    locateWorkspace: (id) => (isLive(id as WorkspaceId) ? null : noWorkspace),

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

    createWorkspace({ actor }, input) {
      const { id } = input
      return write(
        { workspaceId: id as WorkspaceId, actor },
        async (it) => {
          await lockRow(it.transaction, it.kind, 'workspaces', id)
          if ((await readWorkspaceRecord(it.transaction, id)) !== null) return conflicts['workspaces(id)']
          const wish = inLegalForm({ ...input, isInFile: false, createdAt: 0 })
          const taken = badDefault(wish) ?? (await ownedElsewhere(it, wish))
          if (taken) return taken
          const { revision, at } = await it.begin()
          const created = { ...wish, createdAt: at }
          await insertWorkspace(it.transaction, created, revision)
          await it.audit('WORKSPACE_CREATED', id, { workspace_id: id })
          return created
        },
        conflicts,
      )
    },

    updateWorkspace(operator, id, change) {
      const changed = Object.keys(change)
      return update(operator, id, 'WORKSPACE_UPDATED', { changed }, () => change)
    },

    deleteWorkspace({ actor }, id) {
      return write({ workspaceId: id as WorkspaceId, actor }, async (it) => {
        if (id === defaultWorkspaceId) return inTheWay(`The workspace ${id} is always there.`)
        const workspace = await lockWorkspace(it, id)
        if (isFailure(workspace)) return workspace
        if (await hasLiveGroups(it.transaction, id))
          return inTheWay('The workspace has groups: delete those first.')
        const { revision, at } = await it.begin()
        await buryWorkspace(it.transaction, id, at, revision)
        await it.audit('WORKSPACE_DELETED', id, { workspace_id: id })
        return { deletedAt: at }
      })
    },

    attachDomain(operator, id, domain) {
      const attached = inLowerCase(domain)
      return update(operator, id, 'WORKSPACE_DOMAIN_ATTACHED', { domain: attached }, ({ domains }) =>
        domains.includes(attached)
          ? inTheWay(`domain: ${attached} is this workspace's already`)
          : { domains: [...domains, attached] },
      )
    },

    detachDomain(operator, id, domain) {
      const detached = inLowerCase(domain)
      return update(operator, id, 'WORKSPACE_DOMAIN_DETACHED', { domain: detached }, ({ domains }) =>
        domains.includes(detached)
          ? { domains: domains.filter((kept) => kept !== detached) }
          : { failure: 'not_found', what: 'domain' },
      )
    },
  }
}

/** Writes to a workspace that is there, and that no other write of the operator's changes meanwhile. */
export function workspaceWriter(write: WriteFacts) {
  return <Answer>(
    { actor }: Operator,
    id: string,
    work: (it: Write, workspace: WorkspaceRecord) => Promise<Answer | Failure>,
    conflicts?: Conflicts,
  ): Promise<Answer | Failure> =>
    write<Answer>(
      { workspaceId: id as WorkspaceId, actor },
      async (it) => {
        const workspace = await lockWorkspace(it, id)
        return isFailure(workspace) ? workspace : work(it, workspace)
      },
      conflicts,
    )
}

/** A workspace as no other write of its operator can change it before this one ends. */
export async function lockWorkspace(
  { transaction, kind }: Write,
  id: string,
): Promise<WorkspaceRecord | Failure> {
  await lockRow(transaction, kind, 'workspaces', id)
  return (await readWorkspaceRecord(transaction, id)) ?? noWorkspace
}

export function inTheWay(message: string): Failure {
  return { failure: 'conflict', message }
}

/** As it is kept: domains in lower case, lists in order, and the prefixes that it cannot lose. */
function inLegalForm(workspace: WorkspaceRecord): WorkspaceRecord {
  const { id, slugPrefixes, domains } = workspace
  return {
    ...workspace,
    slugPrefixes: [...wholeSlugPrefixes(id, slugPrefixes)].sort(),
    domains: domains.map(inLowerCase).sort(),
  }
}

function badDefault({ id, onboarded }: WorkspaceRecord): Failure | null {
  const bad = badOnboarding(id, onboarded)
  return bad === null ? null : { failure: 'invalid', message: `onboarded: ${bad}` }
}

async function ownedElsewhere({ transaction }: Write, workspace: WorkspaceRecord): Promise<Failure | null> {
  return ownedByAnother(await readOwnerOf(transaction, workspace, [workspace.id]))
}
