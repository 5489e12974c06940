import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { WorkspaceId } from '../../../domain/ids.ts'
import type { Caller } from '../../../tenancy/write.ts'
import type { AdminRequest } from '../route.ts'

/** Finds the workspace that a path names. */
export async function locateWorkspace({ tenancy, params }: AdminRequest): Promise<Failure | null> {
  const workspace = await tenancy.getWorkspace(params.workspace_id ?? '')
  return isFailure(workspace) ? workspace : null
}

/** The operator, acting in that workspace. */
export function callerIn({ operator, params }: AdminRequest): Caller {
  return { workspaceId: (params.workspace_id ?? '') as WorkspaceId, actor: operator.actor }
}
