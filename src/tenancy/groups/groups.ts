import { type Failure, isFailure } from '../../domain/failure.ts'
import type { NodeId, WorkspaceId } from '../../domain/ids.ts'
import type { EpochMs } from '../../domain/time.ts'
import { lockRow } from '../../store/lock-row.ts'
import type { Context } from '../context.ts'
import type { Enforcement, ModelFact, NodeFact } from '../facts.ts'
import { type Page, type PageRequest, readPage } from '../page.ts'
import { childWithinAncestors } from '../rules/child-within-ancestors.ts'
import { distinctLimits } from '../rules/distinct-limits.ts'
import { oneModePerTree, withinDepth } from '../rules/place-in-tree.ts'
import { lockWorkspace } from '../workspaces/workspace-records.ts'
import type { Caller, Write } from '../write.ts'
import type { Lineage } from './inherit.ts'
import {
  deleteSubtree,
  insertNode,
  readDeclaredBelow,
  readGroupOwner,
  readGroupPage,
  readLineages,
  replaceModels,
  updateNode,
} from './nodes.sql.ts'

export interface NewGroup {
  readonly name: string | null
  readonly externalId: string
  readonly models: readonly ModelFact[]
  readonly parentId: string | null
  /** Null takes the parent's mode, INDEPENDENT for a root. */
  readonly enforcement: Enforcement | null
}

/** Members left out stay as they are. `models` replaces all models and all limits. */
export interface GroupChange {
  readonly name?: string | null
  readonly models?: readonly ModelFact[]
}

/** Groups come with their ancestors, because their limits do. A group of another workspace is `forbidden`. */
export interface Groups {
  /** Null when the group is the workspace's own and lives; else why it cannot be had. */
  locateGroup(workspaceId: WorkspaceId, id: string): Promise<Failure | null>
  getGroup(workspaceId: WorkspaceId, id: string): Promise<Lineage | Failure>
  /** Oldest first. `externalId` gives the one group that has it, or none. */
  listGroups(
    workspaceId: WorkspaceId,
    request: PageRequest & { readonly externalId: string | null },
  ): Promise<Page<Lineage> | Failure>
  createGroup(caller: Caller, input: NewGroup): Promise<Lineage | Failure>
  updateGroup(caller: Caller, id: string, change: GroupChange): Promise<Lineage | Failure>
  /** Deletes the group and everything below it; their keys are revoked and their outside names free again. */
  deleteGroup(
    caller: Caller,
    id: string,
  ): Promise<{ readonly node: NodeFact; readonly deletedAt: EpochMs } | Failure>
}

const noGroup: Failure = { failure: 'not_found', what: 'group' }

const conflicts = {
  'nodes(workspace_id, external_id)': {
    failure: 'invalid',
    message: 'metadata.external_entity_id is taken by another group of this workspace',
  },
} as const

export function groupsOf({ read, write, keyring, newUlid }: Context): Groups {
  const locateGroup = async (workspaceId: WorkspaceId, id: string) =>
    foreignOrGone(await readGroupOwner(read, id), workspaceId)

  return {
    locateGroup,

    async getGroup(workspaceId, id) {
      const lineage = (await readLineages(read, [id])).get(id)
      return (
        foreignOrGone(lineage && { workspace_id: lineage[0].workspaceId }, workspaceId) ?? lineage ?? noGroup
      )
    },

    async listGroups(workspaceId, { externalId, limit, cursor }) {
      const page = await readPage(
        keyring,
        ['groups', workspaceId, externalId],
        { limit, cursor },
        (after) => readGroupPage(read, workspaceId, { externalId, limit, after }),
        ({ id, created_at }) => ({ id, createdAt: created_at }),
      )
      if (isFailure(page)) return page
      const lineages = await readLineages(
        read,
        page.items.map(({ id }) => id),
      )
      return { items: page.items.flatMap(({ id }) => asList(lineages.get(id))), next: page.next }
    },

    createGroup(caller, input) {
      return write(
        caller,
        async (it) => {
          const broken = distinctLimits(input.models)
          if (broken) return broken
          const home = input.parentId === null ? await lockWorkspace(it, caller.workspaceId) : null
          if (isFailure(home)) return home
          const above = input.parentId === null ? null : await lockLineage(it, caller, input.parentId)
          if (isFailure(above)) return { failure: 'not_found', what: 'parent' }
          const parent = above?.[0] ?? null
          const enforcement = input.enforcement ?? parent?.enforcement ?? 'INDEPENDENT'
          const misplaced =
            withinDepth(parent) ??
            oneModePerTree(parent, input.enforcement) ??
            (enforcement === 'CASCADING' ? childWithinAncestors(input.models, above ?? [], []) : null)
          if (misplaced) return misplaced

          const { revision, at } = await it.begin()
          const id = `g_${newUlid(at)}` as NodeId
          const node: NodeFact = {
            id,
            workspaceId: caller.workspaceId,
            kind: 'group',
            parentId: parent?.id ?? null,
            rootId: parent?.rootId ?? id,
            depth: (parent?.depth ?? 0) + 1,
            name: input.name,
            externalId: input.externalId,
            enforcement,
            models: input.models,
            createdAt: at,
            updatedAt: at,
          }
          await insertNode(it.transaction, node, revision)
          await replaceModels(it.transaction, id, node.models, revision, () => newUlid(at))
          await it.audit('GATEWAY_GROUP_CREATED', id, {
            gateway_group_id: id,
            external_entity_id: node.externalId,
          })
          return [node, ...(above ?? [])]
        },
        conflicts,
      )
    },

    updateGroup(caller, id, change) {
      return write(caller, async (it) => {
        const broken = change.models ? distinctLimits(change.models) : null
        if (broken) return broken
        const lineage = await lockLineage(it, caller, id)
        if (isFailure(lineage)) return lineage
        const [node, ...ancestors] = lineage
        if (change.models && node.enforcement === 'CASCADING') {
          const below = await readDeclaredBelow(it.transaction, node.id)
          const exceeds = childWithinAncestors(change.models, ancestors, below)
          if (exceeds) return exceeds
        }

        const { revision, at } = await it.begin()
        const updated: NodeFact = {
          ...node,
          name: change.name === undefined ? node.name : change.name,
          models: change.models ?? node.models,
          updatedAt: Math.max(at, node.updatedAt + 1),
        }
        await updateNode(it.transaction, updated, revision)
        if (change.models)
          await replaceModels(it.transaction, node.id, change.models, revision, () => newUlid(at))
        await it.audit('GATEWAY_GROUP_UPDATED', id, { gateway_group_id: id, changed: Object.keys(change) })
        return [updated, ...ancestors]
      })
    },

    deleteGroup(caller, id) {
      return write(caller, async (it) => {
        const lineage = await lockLineage(it, caller, id)
        if (isFailure(lineage)) return lineage
        const [node] = lineage
        const { revision, at } = await it.begin()
        await deleteSubtree(it.transaction, node.id, at, revision)
        await it.audit('GATEWAY_GROUP_DELETED', id, {
          gateway_group_id: id,
          external_entity_id: node.externalId,
        })
        return { node, deletedAt: at }
      })
    },
  }
}

/**
 * A group and its ancestors, as no other write can change them before this one ends: the root's row is locked
 * first, and what is checked is read after.
 */
export async function lockLineage(
  { transaction, kind }: Write,
  { workspaceId }: Caller,
  id: string,
): Promise<Lineage | Failure> {
  const owner = await readGroupOwner(transaction, id)
  const missing = foreignOrGone(owner, workspaceId)
  if (missing || owner === null) return missing ?? noGroup
  await lockRow(transaction, kind, 'nodes', owner.root_id)
  return (await readLineages(transaction, [id])).get(id) ?? noGroup
}

function foreignOrGone(
  owner: { readonly workspace_id: string } | null | undefined,
  workspaceId: WorkspaceId,
): Failure | null {
  if (!owner) return noGroup
  if (owner.workspace_id !== workspaceId) return { failure: 'forbidden', what: 'workspace', name: 'group' }
  return null
}

function asList<Item>(item: Item | undefined): Item[] {
  return item === undefined ? [] : [item]
}
