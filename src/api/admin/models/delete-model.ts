import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { Model } from './schemas.ts'
import { toModel } from './shape.ts'

export const deleteModel = adminRoute({
  method: 'DELETE',
  path: '/api/admin/workspaces/{workspace_id}/models/{model_id}',
  operationId: 'deleteModel',
  tag: 'Models',
  summary: 'Deletes a model',
  description: 'Gives the model as it was.',
  returns: Model,
  refuses: { 404: 'There is no such workspace or model', 409: 'An endpoint names it' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', model_id = '' }, operator, tenancy }) {
    const deleted = await tenancy.deleteModel(operator, workspace_id, model_id)
    return isFailure(deleted) ? deleted : toModel(deleted)
  },
})
