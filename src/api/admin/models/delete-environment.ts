import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { DeletedEnvironment } from './schemas.ts'
import { toDeletedEnvironment } from './shape.ts'

export const deleteEnvironment = adminRoute({
  method: 'DELETE',
  path: '/api/admin/workspaces/{workspace_id}/models/{model_id}/environments/{environment_name}',
  operationId: 'deleteEnvironment',
  tag: 'Models',
  summary: 'Deletes an environment',
  description: 'With its last environment a model goes. Gives the environment as it was.',
  returns: DeletedEnvironment,
  refuses: { 404: 'There is no such workspace, model or environment', 409: 'An endpoint names it' },
  locate: locateWorkspace,

  async handle({ params, operator, tenancy }) {
    const { workspace_id = '', model_id = '', environment_name = '' } = params
    const deleted = await tenancy.deleteEnvironment(operator, workspace_id, model_id, environment_name)
    return isFailure(deleted) ? deleted : toDeletedEnvironment(deleted)
  },
})
