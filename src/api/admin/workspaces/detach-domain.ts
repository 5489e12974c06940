import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from './locate-workspace.ts'
import { Workspace } from './schemas.ts'
import { toWorkspace } from './shape.ts'

export const detachDomain = adminRoute({
  method: 'DELETE',
  path: '/api/admin/workspaces/{workspace_id}/domains/{domain}',
  operationId: 'detachDomain',
  tag: 'Workspaces',
  summary: 'Detaches a domain',
  description: 'It is free at once.',
  returns: Workspace,
  refuses: { 404: 'There is no such workspace, or it has no such domain' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', domain = '' }, operator, tenancy }) {
    const updated = await tenancy.detachDomain(operator, workspace_id, domain)
    return isFailure(updated) ? updated : toWorkspace(updated)
  },
})
