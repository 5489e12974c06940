import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { NewSecret, toSecret, WorkspaceSecret } from './schemas.ts'

export const createSecret = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/secrets',
  operationId: 'createSecret',
  tag: 'Secrets',
  summary: 'Creates a secret',
  description: 'The `secret_id` of a target names it.',
  body: NewSecret,
  returns: WorkspaceSecret,
  refuses: { 400: 'A body that is not valid', 404: 'There is no such workspace', 409: 'The id is taken' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, body, operator, tenancy }) {
    const created = await tenancy.createSecret(operator, workspace_id, body)
    return isFailure(created) ? created : toSecret(created)
  },
})
