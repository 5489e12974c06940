import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { Model, NewModel } from './schemas.ts'
import { fromEnvironments, toModel } from './shape.ts'

export const createModel = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/models',
  operationId: 'createModel',
  tag: 'Models',
  summary: 'Creates a model',
  description:
    'Addresses that come in here are called only where `network.allow_private` or the public network has them.',
  body: NewModel,
  returns: Model,
  refuses: { 400: 'A body that is not valid', 404: 'There is no such workspace', 409: 'The id is taken' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, body: { id, environments }, operator, tenancy }) {
    const wish = { id, environments: fromEnvironments(environments) }
    const created = await tenancy.createModel(operator, workspace_id, wish)
    return isFailure(created) ? created : toModel(created)
  },
})
