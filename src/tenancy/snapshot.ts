import { timingSafeEqual } from 'node:crypto'
import type { NodeId, WorkspaceId } from '../domain/ids.ts'
import type {
  AdminKeyFact,
  EndpointFact,
  EnvironmentFact,
  KeyFact,
  NodeFact,
  SecretFact,
  WorkspaceFact,
  WorkspaceKeyFact,
} from './facts.ts'
import {
  advanceGovernance,
  emptyGovernanceWorld,
  type GovernanceChanges,
  type GovernanceWorld,
} from './governance/world.ts'
import { ownCounters } from './groups/compile.ts'
import { lineageOf } from './groups/inherit.ts'
import type { KeyBlock } from './keys/key-block.ts'
import { digestKey, type KeyTable, keyTable } from './keys/key-table.ts'
import { emptyShardedMap, type ShardedMap } from './sharded-map.ts'

/** One immutable view of everything the data plane reads. A call takes it once and never sees half a change. */
export interface Snapshot {
  /** Holds every write up to this one. */
  readonly revision: number
  readonly tables: Tables
  /** The key with this digest, live or revoked. */
  findKey(digest: Buffer): KeyFact | null
  findWorkspaceKey(digest: Buffer): WorkspaceKeyFact | null
  findAdminKey(digest: Buffer): AdminKeyFact | null
  workspace(id: WorkspaceId): WorkspaceFact | null
  /** By host name, in lower case and without a port. */
  workspaceByDomain(host: string): WorkspaceFact | null
  /** Live nodes only. */
  node(id: NodeId): NodeFact | null
  /** Live endpoints only, of any workspace: the caller compares `workspaceId`. */
  endpointBySlug(slug: string): EndpointFact | null
  /** All environments of a model, by name. */
  environments(workspaceId: WorkspaceId, modelId: string): readonly EnvironmentFact[]
  secret(workspaceId: WorkspaceId, id: string): SecretFact | null
  /** Differs whenever something in this tree has changed. */
  treeStamp(rootId: NodeId): number
  /** Customers, teams and virtual keys, and what they may use. */
  readonly governance: GovernanceWorld
}

/** What a snapshot is made of. Each table is kept as it is by writes that do not concern it. */
export interface Tables {
  readonly workspaces: ShardedMap<WorkspaceFact>
  readonly domains: ShardedMap<WorkspaceFact>
  readonly keys: KeyTable
  /** By `digestKey`, as the one below. */
  readonly workspaceKeys: ShardedMap<WorkspaceKeyFact>
  readonly adminKeys: ShardedMap<AdminKeyFact>
  readonly workspaceKeysById: ShardedMap<WorkspaceKeyFact>
  readonly adminKeysById: ShardedMap<AdminKeyFact>
  readonly nodes: ShardedMap<NodeFact>
  readonly trees: ShardedMap<number>
  readonly endpoints: ShardedMap<EndpointFact>
  readonly endpointsBySlug: ShardedMap<EndpointFact>
  readonly environments: ShardedMap<readonly EnvironmentFact[]>
  readonly secrets: ShardedMap<SecretFact>
}

/** What was written since an earlier revision: the facts as they are now. */
export interface Changes {
  readonly revision: number
  readonly workspaces: readonly Changed<WorkspaceFact>[]
  readonly workspaceKeys: readonly Changed<WorkspaceKeyFact>[]
  readonly adminKeys: readonly Changed<AdminKeyFact>[]
  /** In the order of their revisions. */
  readonly keys: readonly KeyFact[]
  /** All keys instead, where everything was loaded. */
  readonly keyBlock?: KeyBlock
  readonly nodes: readonly ChangedNode[]
  readonly endpoints: readonly Changed<EndpointFact>[]
  readonly environments: readonly ChangedEnvironment[]
  readonly secrets: readonly ChangedSecret[]
  readonly governance: GovernanceChanges
}

/** An entity that was written; `fact` is null when it is gone. */
export interface Changed<Fact> {
  readonly id: string
  readonly fact: Fact | null
}

export interface ChangedSecret extends Changed<SecretFact> {
  readonly workspaceId: WorkspaceId
}

export interface ChangedEnvironment extends Pick<EnvironmentFact, 'workspaceId' | 'modelId' | 'name'> {
  readonly fact: EnvironmentFact | null
}

export interface ChangedNode extends Changed<NodeFact> {
  readonly rootId: NodeId
}

export function emptySnapshot(): Snapshot {
  return snapshotOf(
    0,
    {
      workspaces: emptyShardedMap(),
      domains: emptyShardedMap(),
      keys: keyTable(null),
      workspaceKeys: emptyShardedMap(),
      adminKeys: emptyShardedMap(),
      workspaceKeysById: emptyShardedMap(),
      adminKeysById: emptyShardedMap(),
      nodes: emptyShardedMap(),
      trees: emptyShardedMap(),
      endpoints: emptyShardedMap(),
      endpointsBySlug: emptyShardedMap(),
      environments: emptyShardedMap(),
      secrets: emptyShardedMap(),
    },
    emptyGovernanceWorld(),
  )
}

/** The next snapshot. Costs what has changed, whatever the size of the rest. */
export function advance(snapshot: Snapshot, changes: Changes): Snapshot {
  const { tables } = snapshot
  const workspaces = new Map(changes.workspaces.map(({ id, fact }) => [id, fact]))
  const workspaceKeys = new Map(changes.workspaceKeys.map(({ id, fact }) => [id, fact]))
  const adminKeys = new Map(changes.adminKeys.map(({ id, fact }) => [id, fact]))
  const endpoints = new Map(changes.endpoints.map(({ id, fact }) => [id, fact]))
  return snapshotOf(
    changes.revision,
    {
      workspaces: tables.workspaces.with(workspaces),
      domains: tables.domains.with(
        reindexed(tables.domains, tables.workspaces, workspaces, ({ domains }) => domains),
      ),
      keys: (changes.keyBlock ? keyTable(changes.keyBlock) : tables.keys).with(changes.keys),
      workspaceKeysById: tables.workspaceKeysById.with(workspaceKeys),
      workspaceKeys: tables.workspaceKeys.with(
        reindexed(tables.workspaceKeys, tables.workspaceKeysById, workspaceKeys, byDigest),
      ),
      adminKeysById: tables.adminKeysById.with(adminKeys),
      adminKeys: tables.adminKeys.with(
        reindexed(tables.adminKeys, tables.adminKeysById, adminKeys, byDigest),
      ),
      nodes: tables.nodes.with(new Map(changes.nodes.map(({ id, fact }) => [id, fact]))),
      trees: tables.trees.with(treeStamps(changes)),
      endpoints: tables.endpoints.with(endpoints),
      endpointsBySlug: tables.endpointsBySlug.with(
        reindexed(tables.endpointsBySlug, tables.endpoints, endpoints, ({ slug }) => [slug]),
      ),
      environments: tables.environments.with(mergedEnvironments(tables.environments, changes.environments)),
      secrets: tables.secrets.with(
        new Map(changes.secrets.map(({ workspaceId, id, fact }) => [pairKey(workspaceId, id), fact])),
      ),
    },
    advanceGovernance(snapshot.governance, changes.governance),
  )
}

/** Names of the counters that lost their owner between two snapshots. */
export function countersGone(before: Snapshot, changes: Changes): string[] {
  return changes.nodes.flatMap(({ id, fact }) => {
    const gone = fact === null ? before.node(id as NodeId) : null
    const lineage = gone && lineageOf(gone, before.node)
    return lineage ? ownCounters(lineage) : []
  })
}

function snapshotOf(revision: number, tables: Tables, governance: GovernanceWorld): Snapshot {
  return {
    revision,
    tables,
    findKey: tables.keys.find,
    findWorkspaceKey: (digest) => sameDigest(tables.workspaceKeys.get(digestKey(digest)), digest),
    findAdminKey: (digest) => sameDigest(tables.adminKeys.get(digestKey(digest)), digest),
    workspace: (id) => tables.workspaces.get(id) ?? null,
    workspaceByDomain: (host) => tables.domains.get(host) ?? null,
    node: (id) => tables.nodes.get(id) ?? null,
    endpointBySlug: (slug) => tables.endpointsBySlug.get(slug) ?? null,
    environments: (workspaceId, modelId) => tables.environments.get(pairKey(workspaceId, modelId)) ?? [],
    secret: (workspaceId, id) => tables.secrets.get(pairKey(workspaceId, id)) ?? null,
    treeStamp: (rootId) => tables.trees.get(rootId) ?? 0,
    governance,
  }
}

function sameDigest<Fact extends { readonly digest: Buffer }>(
  fact: Fact | undefined,
  digest: Buffer,
): Fact | null {
  return fact !== undefined && timingSafeEqual(fact.digest, digest) ? fact : null
}

/** Workspace ids have no spaces, so two pairs never make one key. */
function pairKey(workspaceId: WorkspaceId, id: string): string {
  return `${workspaceId} ${id}`
}

function byDigest({ digest }: { readonly digest: Buffer }): string[] {
  return [digestKey(digest)]
}

/**
 * Changes of a second index, whose names may move with each write: the names an entity had go, unless another
 * entity has them already, and the names it has now come.
 */
function reindexed<Fact extends { readonly id: string }>(
  index: ShardedMap<Fact>,
  before: ShardedMap<Fact>,
  changes: ReadonlyMap<string, Fact | null>,
  namesOf: (fact: Fact) => readonly string[],
): Map<string, Fact | null> {
  const next = new Map<string, Fact | null>()
  for (const id of changes.keys()) {
    const old = before.get(id)
    for (const name of old ? namesOf(old) : []) if (index.get(name)?.id === id) next.set(name, null)
  }
  for (const fact of changes.values()) {
    for (const name of fact ? namesOf(fact) : []) next.set(name, fact)
  }
  return next
}

/** A tree whose root is gone needs no stamp. */
function treeStamps(changes: Changes): Map<string, number | null> {
  const stamps = new Map<string, number | null>()
  for (const { rootId } of changes.nodes) stamps.set(rootId, changes.revision)
  for (const { id, rootId, fact } of changes.nodes)
    if (fact === null && id === rootId) stamps.set(rootId, null)
  return stamps
}

/** A model whose last environment is gone is gone too. */
function mergedEnvironments(
  before: ShardedMap<readonly EnvironmentFact[]>,
  changes: readonly ChangedEnvironment[],
): Map<string, readonly EnvironmentFact[] | null> {
  const merged = new Map<string, readonly EnvironmentFact[]>()
  for (const { workspaceId, modelId, name, fact } of changes) {
    const key = pairKey(workspaceId, modelId)
    const others = (merged.get(key) ?? before.get(key) ?? []).filter((known) => known.name !== name)
    merged.set(key, fact === null ? others : [...others, fact].sort((a, b) => (a.name < b.name ? -1 : 1)))
  }
  return new Map(
    [...merged].map(([key, environments]) => [key, environments.length > 0 ? environments : null]),
  )
}
