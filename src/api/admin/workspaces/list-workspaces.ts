import { z } from 'zod'
import { pageOf, paging, toPage } from '../../paging.ts'
import { adminRoute } from '../route.ts'
import { Workspace } from './schemas.ts'
import { toWorkspace } from './shape.ts'

export const listWorkspaces = adminRoute({
  method: 'GET',
  path: '/api/admin/workspaces',
  operationId: 'listWorkspaces',
  tag: 'Workspaces',
  summary: 'Lists workspaces',
  description: 'Oldest first. `default` is always there.',
  query: z.object(paging),
  returns: pageOf(Workspace),
  refuses: { 400: 'A limit or cursor that is none of ours' },

  async handle({ filter: { limit, cursor = null }, tenancy }) {
    return toPage(await tenancy.listWorkspaces({ limit, cursor }), toWorkspace)
  },
})
