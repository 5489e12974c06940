import { isFailure } from '../domain/failure.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import { authenticate } from './authenticate.ts'
import { dressManagement } from './failures.ts'
import type { WorkspaceVisit } from './route.ts'
import type { Door } from './serve.ts'

/** The door of the workspaces' own API: workspace keys, and admin keys that act in a workspace. */
export function workspaceDoor(tenancy: Tenancy): Door<WorkspaceVisit> {
  return {
    admit(header) {
      const caller = authenticate(tenancy, header('authorization'), header('x-tollgate-workspace'))
      return isFailure(caller) ? caller : { caller, tenancy }
    },
    dress: dressManagement,
  }
}
