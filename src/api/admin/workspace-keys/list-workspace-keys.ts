import { z } from 'zod'
import { pageOf, paging, toPage } from '../../paging.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { toKey, WorkspaceKey } from './schemas.ts'

export const listWorkspaceKeys = adminRoute({
  method: 'GET',
  path: '/api/admin/workspaces/{workspace_id}/api_keys',
  operationId: 'listWorkspaceKeys',
  tag: 'Workspace keys',
  summary: "Lists a workspace's keys",
  description: 'Keys that manage the workspace, oldest first. Revoked ones are not listed.',
  query: z.object(paging),
  returns: pageOf(WorkspaceKey),
  refuses: { 400: 'A limit or cursor that is none of ours', 404: 'There is no such workspace' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, filter: { limit, cursor = null }, tenancy }) {
    return toPage(await tenancy.listWorkspaceKeys(workspace_id, { limit, cursor }), toKey)
  },
})
