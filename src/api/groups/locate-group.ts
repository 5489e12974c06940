import type { Failure } from '../../domain/failure.ts'
import type { RouteRequest } from '../route.ts'

/** Why the group that a path names cannot be had: never was, gone, or another workspace's. Null when it can. */
export function locateGroup({ tenancy, caller, params }: RouteRequest): Promise<Failure | null> {
  return tenancy.locateGroup(caller.workspaceId, params.group_id ?? '')
}
