import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { toSecret, WorkspaceSecret } from './schemas.ts'

export const deleteSecret = adminRoute({
  method: 'DELETE',
  path: '/api/admin/workspaces/{workspace_id}/secrets/{secret_id}',
  operationId: 'deleteSecret',
  tag: 'Secrets',
  summary: 'Deletes a secret',
  description: 'Gives the secret as it was, without its value.',
  returns: WorkspaceSecret,
  refuses: { 404: 'There is no such workspace or secret', 409: 'An endpoint names it' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', secret_id = '' }, operator, tenancy }) {
    const deleted = await tenancy.deleteSecret(operator, workspace_id, secret_id)
    return isFailure(deleted) ? deleted : toSecret(deleted)
  },
})
