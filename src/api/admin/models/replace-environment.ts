import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { Model, NewEnvironment } from './schemas.ts'
import { badName, fromEnvironment, toModel } from './shape.ts'

export const replaceEnvironment = adminRoute({
  method: 'PUT',
  path: '/api/admin/workspaces/{workspace_id}/models/{model_id}/environments/{environment_name}',
  operationId: 'replaceEnvironment',
  tag: 'Models',
  summary: 'Replaces an environment, or creates it',
  description: 'Whole: a key that is left out goes. The other environments stay.',
  body: NewEnvironment,
  returns: Model,
  refuses: { 400: 'A body that is not valid', 404: 'There is no such workspace' },
  locate: locateWorkspace,

  async handle({ params, body, operator, tenancy }) {
    const { workspace_id = '', model_id = '', environment_name = '' } = params
    const bad = badName('id', model_id) ?? badName('environment_name', environment_name)
    if (bad) return bad
    const wish = fromEnvironment(environment_name, body)
    const replaced = await tenancy.replaceEnvironment(operator, workspace_id, model_id, wish)
    return isFailure(replaced) ? replaced : toModel(replaced)
  },
})
