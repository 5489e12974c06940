import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from './locate-workspace.ts'
import { Workspace, WorkspacePatch } from './schemas.ts'
import { toWorkspace } from './shape.ts'

export const updateWorkspace = adminRoute({
  method: 'PATCH',
  path: '/api/admin/workspaces/{workspace_id}',
  operationId: 'updateWorkspace',
  tag: 'Workspaces',
  summary: 'Changes a workspace',
  description: 'Members left out stay as they are; lists replace those that stand there.',
  body: WorkspacePatch,
  returns: Workspace,
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such workspace',
    409: 'A slug prefix or domain that is taken',
  },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, body, operator, tenancy }) {
    const { name, onboarded, slug_prefixes, domains, registration_public_key } = body
    const updated = await tenancy.updateWorkspace(operator, workspace_id, {
      ...(name !== undefined && { name }),
      ...(onboarded !== undefined && { onboarded }),
      ...(slug_prefixes !== undefined && { slugPrefixes: slug_prefixes }),
      ...(domains !== undefined && { domains }),
      ...(registration_public_key !== undefined && { registrationPublicKey: registration_public_key }),
    })
    return isFailure(updated) ? updated : toWorkspace(updated)
  },
})
