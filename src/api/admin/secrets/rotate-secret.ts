import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { RotatedSecret, toSecret, WorkspaceSecret } from './schemas.ts'

export const rotateSecret = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/secrets/{secret_id}/rotate',
  operationId: 'rotateSecret',
  tag: 'Secrets',
  summary: 'Rotates a secret',
  description: 'Calls carry the new value from the moment this has answered.',
  body: RotatedSecret,
  returns: WorkspaceSecret,
  refuses: { 400: 'A body that is not valid', 404: 'There is no such workspace or secret' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', secret_id = '' }, body, operator, tenancy }) {
    const rotated = await tenancy.rotateSecret(operator, workspace_id, secret_id, body.value)
    return isFailure(rotated) ? rotated : toSecret(rotated)
  },
})
