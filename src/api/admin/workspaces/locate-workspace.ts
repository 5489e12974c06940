import type { Failure } from '../../../domain/failure.ts'
import type { AdminRequest } from '../route.ts'

/** Looks for the workspace that the path names. */
export async function locateWorkspace({ params, tenancy }: AdminRequest): Promise<Failure | null> {
  return tenancy.locateWorkspace(params.workspace_id ?? '')
}
