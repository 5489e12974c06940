import { isFailure } from '../../../domain/failure.ts'
import { toRfc3339 } from '../../../domain/time.ts'
import { adminRoute } from '../route.ts'
import { DeletedWorkspace } from './schemas.ts'

export const deleteWorkspace = adminRoute({
  method: 'DELETE',
  path: '/api/admin/workspaces/{workspace_id}',
  operationId: 'deleteWorkspace',
  tag: 'Workspaces',
  summary: 'Deletes a workspace',
  description:
    'With its keys, endpoints, secrets and models. Its slug prefixes and domains are free at once.',
  returns: DeletedWorkspace,
  refuses: {
    404: 'There is no such workspace',
    409: 'The workspace has groups, or is the one that is always there',
  },

  async handle({ params: { workspace_id = '' }, operator, tenancy }) {
    const deleted = await tenancy.deleteWorkspace(operator, workspace_id)
    return isFailure(deleted) ? deleted : { id: workspace_id, deleted_at: toRfc3339(deleted.deletedAt) }
  },
})
