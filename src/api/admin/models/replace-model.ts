import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { Model, ReplacedModel } from './schemas.ts'
import { badName, fromEnvironments, toModel } from './shape.ts'

export const replaceModel = adminRoute({
  method: 'PUT',
  path: '/api/admin/workspaces/{workspace_id}/models/{model_id}',
  operationId: 'replaceModel',
  tag: 'Models',
  summary: 'Replaces a model, or creates it',
  description: 'Whole: environments that are left out go, and so do keys.',
  body: ReplacedModel,
  returns: Model,
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such workspace',
    409: 'An endpoint names an environment that would go',
  },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', model_id = '' }, body, operator, tenancy }) {
    const bad = badName('id', model_id)
    if (bad) return bad
    const wish = { id: model_id, environments: fromEnvironments(body.environments) }
    const replaced = await tenancy.replaceModel(operator, workspace_id, wish)
    return isFailure(replaced) ? replaced : toModel(replaced)
  },
})
