import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { Workspace } from './schemas.ts'
import { toWorkspace } from './shape.ts'

export const getWorkspace = adminRoute({
  method: 'GET',
  path: '/api/admin/workspaces/{workspace_id}',
  operationId: 'getWorkspace',
  tag: 'Workspaces',
  summary: 'Gets a workspace',
  description: 'By its id.',
  returns: Workspace,
  refuses: { 404: 'There is no such workspace' },

  async handle({ params: { workspace_id = '' }, tenancy }) {
    const workspace = await tenancy.getWorkspace(workspace_id)
    return isFailure(workspace) ? workspace : toWorkspace(workspace)
  },
})
