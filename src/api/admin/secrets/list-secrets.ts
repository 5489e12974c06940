import { z } from 'zod'
import { pageOf, paging, toPage } from '../../paging.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { toSecret, WorkspaceSecret } from './schemas.ts'

export const listSecrets = adminRoute({
  method: 'GET',
  path: '/api/admin/workspaces/{workspace_id}/secrets',
  operationId: 'listSecrets',
  tag: 'Secrets',
  summary: "Lists a workspace's secrets",
  description: "Providers' credentials that its endpoints may name, oldest first, without their values.",
  query: z.object(paging),
  returns: pageOf(WorkspaceSecret),
  refuses: { 400: 'A limit or cursor that is none of ours', 404: 'There is no such workspace' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, filter: { limit, cursor = null }, tenancy }) {
    return toPage(await tenancy.listSecrets(workspace_id, { limit, cursor }), toSecret)
  },
})
