import { type Failure, isFailure } from '../domain/failure.ts'
import type { KeyFact } from '../tenancy/facts.ts'
import type { PlanCache } from '../tenancy/groups/plan-cache.ts'
import { resolveTarget } from '../tenancy/groups/resolve-target.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'
import type { Target } from './call.ts'

const noSuchModel: Failure = { failure: 'not_found', what: 'model' }

/**
 * Finds where a federated key's model leads. A slug outside the key's group and a slug without an endpoint in the
 * key's workspace get the same answer, so that nobody learns which slugs exist elsewhere.
 */
export function route(key: KeyFact, model: string, world: Snapshot, plans: PlanCache): Target | Failure {
  const node = key.nodeId === null ? null : world.node(key.nodeId)
  if (node === null) return { failure: 'unauthenticated', reason: 'revoked' }
  const entry = plans.find(world, node, model)
  if (entry === null) return noSuchModel
  const endpoint = world.endpointBySlug(model)
  if (endpoint === null || endpoint.workspaceId !== key.workspaceId) return noSuchModel
  const upstream = resolveTarget(world, endpoint)
  if (isFailure(upstream)) return upstream
  return { upstream, node, entry }
}
