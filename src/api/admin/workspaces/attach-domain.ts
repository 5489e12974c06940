import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from './locate-workspace.ts'
import { NewDomain, Workspace } from './schemas.ts'
import { toWorkspace } from './shape.ts'

export const attachDomain = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/domains',
  operationId: 'attachDomain',
  tag: 'Workspaces',
  summary: 'Attaches a domain',
  description: "A host name of the workspace's own, kept in lower case.",
  body: NewDomain,
  returns: Workspace,
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such workspace',
    409: 'The domain belongs to a workspace already',
  },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, body, operator, tenancy }) {
    const updated = await tenancy.attachDomain(operator, workspace_id, body.domain)
    return isFailure(updated) ? updated : toWorkspace(updated)
  },
})
