import type { Database } from '../store/database.ts'
import type { KeyFact } from './facts.ts'
import { readGovernanceChanges } from './governance/load.sql.ts'
import type { Variable } from './governance/routing/variables.ts'
import { readChangedEndpoints } from './groups/endpoints.sql.ts'
import { type BatchEnd, readChangedNodes } from './groups/nodes.sql.ts'
import { readRevision } from './installation.sql.ts'
import { readChangedAdminKeys } from './keys/admin-keys.sql.ts'
import { keyBlock, type PackedKeys } from './keys/key-block.ts'
import { readChangedKeys, readPackedKeys } from './keys/keys.sql.ts'
import type { Keyring } from './sealing/keyring.ts'
import type { ChangedNode, Changes } from './snapshot.ts'
import {
  readChangedEnvironments,
  readChangedSecrets,
  readChangedWorkspaceKeys,
  readChangedWorkspaces,
} from './workspaces/workspaces.sql.ts'

const keysAtOnce = 10_000
const nodesAtOnce = 2_000

/**
 * What was written since a revision, by whatever instance; null when nothing was. Costs what has changed.
 *
 * The revision is read first, so a fact may already be newer than it; the next load brings it again.
 */
export async function loadChanges(
  database: Database,
  keyring: Keyring,
  variable: Variable,
  since: number,
): Promise<Changes | null> {
  const { read } = database
  const revision = await readRevision(read)
  if (revision === since) return null
  const [workspaces, workspaceKeys, adminKeys, endpoints, environments, secrets, nodes, keys, governance] =
    await Promise.all([
      readChangedWorkspaces(read, since),
      readChangedWorkspaceKeys(read, since),
      readChangedAdminKeys(read, since),
      readChangedEndpoints(read, since),
      readChangedEnvironments(read, keyring, since),
      readChangedSecrets(read, keyring, since),
      loadNodes(database, since),
      since === 0 ? loadAllKeys(read) : loadKeys(read, since),
      readGovernanceChanges(read, keyring, variable, since, revision),
    ])
  return {
    revision,
    workspaces,
    workspaceKeys,
    adminKeys,
    endpoints,
    environments,
    secrets,
    nodes,
    governance,
    ...keys,
  }
}

async function loadNodes(database: Database, since: number): Promise<ChangedNode[]> {
  const all: ChangedNode[] = []
  for (let after: BatchEnd | null = beginning(since); after !== null; ) {
    const { nodes, end } = await readChangedNodes(database, after, {
      limit: nodesAtOnce,
      withGone: since > 0,
    })
    for (const node of nodes) all.push(node)
    after = nodes.length < nodesAtOnce ? null : end
  }
  return all
}

async function loadKeys(read: Database['read'], since: number): Promise<Pick<Changes, 'keys'>> {
  const all: KeyFact[] = []
  for (let after: BatchEnd | null = beginning(since); after !== null; ) {
    const { keys, end } = await readChangedKeys(read, after, keysAtOnce)
    for (const key of keys) all.push(key)
    after = keys.length < keysAtOnce ? null : end
  }
  return { keys: all }
}

async function loadAllKeys(read: Database['read']): Promise<Pick<Changes, 'keys' | 'keyBlock'>> {
  const packs: PackedKeys[] = []
  for (let after: BatchEnd | null = beginning(0); after !== null; ) {
    const { packed, end } = await readPackedKeys(read, after, keysAtOnce)
    packs.push(packed)
    after = end
  }
  return { keys: [], keyBlock: keyBlock(packs) }
}

/** Before the first row of the next revision. */
function beginning(since: number): BatchEnd {
  return { revision: since + 1, id: '' }
}
