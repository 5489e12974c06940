import type { EndpointId, NodeId, WorkspaceId } from '../domain/ids.ts'
import type { EndpointFact, LimitFact, NodeFact, TargetFact } from './facts.ts'
import { noGovernanceChanges } from './governance/world.ts'
import { advance, type Changes, emptySnapshot, type Snapshot } from './snapshot.ts'

export const workspaceId = 'w' as WorkspaceId

/** A group of the tests; a child stands in the tree of its parent, in its mode. */
export function group(id: string, over: Partial<NodeFact> = {}, parent: NodeFact | null = null): NodeFact {
  return {
    id: id as NodeId,
    workspaceId,
    kind: 'group',
    parentId: parent?.id ?? null,
    rootId: parent?.rootId ?? (id as NodeId),
    depth: (parent?.depth ?? 0) + 1,
    name: null,
    externalId: id,
    enforcement: parent?.enforcement ?? 'INDEPENDENT',
    models: [],
    createdAt: 0,
    updatedAt: 0,
    ...over,
  }
}

/** `token/minute`, `request/second`, `token/day`, … with a threshold. */
export function limit(tuple: string, threshold: number, strict = false): LimitFact {
  const [metric, unit] = tuple.split('/') as [LimitFact['metric'], LimitFact['unit']]
  return { family: unit === 'day' ? 'usage' : 'rate', metric, unit, threshold, strict }
}

export function endpoint(id: string, slug: string, target: TargetFact): EndpointFact {
  const region = 'UNRESTRICTED'
  return { id: id as EndpointId, workspaceId, slug, region, targets: [target], createdAt: 0, updatedAt: 0 }
}

/** The snapshot after one more write. */
export function written(snapshot: Snapshot, changes: Partial<Changes>): Snapshot {
  return advance(snapshot, { ...nothing, revision: snapshot.revision + 1, ...changes })
}

export function withNodes(nodes: readonly NodeFact[], snapshot: Snapshot = emptySnapshot()): Snapshot {
  return written(snapshot, { nodes: nodes.map((fact) => ({ id: fact.id, rootId: fact.rootId, fact })) })
}

const nothing: Changes = {
  revision: 0,
  workspaces: [],
  workspaceKeys: [],
  adminKeys: [],
  keys: [],
  nodes: [],
  endpoints: [],
  environments: [],
  secrets: [],
  governance: noGovernanceChanges,
}
