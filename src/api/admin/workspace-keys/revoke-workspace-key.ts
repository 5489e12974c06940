import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { toKey, WorkspaceKey } from './schemas.ts'

export const revokeWorkspaceKey = adminRoute({
  method: 'DELETE',
  path: '/api/admin/workspaces/{workspace_id}/api_keys/{key_id}',
  operationId: 'revokeWorkspaceKey',
  tag: 'Workspace keys',
  summary: 'Revokes a key of a workspace',
  description: 'For good, even where the configuration file still names it. Gives the key as it was.',
  returns: WorkspaceKey,
  refuses: { 404: 'There is no such workspace or key' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', key_id = '' }, operator, tenancy }) {
    const revoked = await tenancy.revokeWorkspaceKey(operator, workspace_id, key_id)
    return isFailure(revoked) ? revoked : toKey(revoked)
  },
})
