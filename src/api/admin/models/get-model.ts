import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { Model } from './schemas.ts'
import { toModel } from './shape.ts'

export const getModel = adminRoute({
  method: 'GET',
  path: '/api/admin/workspaces/{workspace_id}/models/{model_id}',
  operationId: 'getModel',
  tag: 'Models',
  summary: 'Gets a model',
  description: 'With its environments, without their keys.',
  returns: Model,
  refuses: { 404: 'There is no such workspace or model' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', model_id = '' }, tenancy }) {
    const model = await tenancy.getModel(workspace_id, model_id)
    return isFailure(model) ? model : toModel(model)
  },
})
