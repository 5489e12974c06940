import { z } from 'zod'
import { pageOf, paging, toPage } from '../../paging.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { Model } from './schemas.ts'
import { toModel } from './shape.ts'

export const listModels = adminRoute({
  method: 'GET',
  path: '/api/admin/workspaces/{workspace_id}/models',
  operationId: 'listModels',
  tag: 'Models',
  summary: "Lists a workspace's models",
  description: 'What a BASETEN target may name, in the order of their ids.',
  query: z.object(paging),
  returns: pageOf(Model),
  refuses: { 400: 'A limit or cursor that is none of ours', 404: 'There is no such workspace' },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, filter: { limit, cursor = null }, tenancy }) {
    return toPage(await tenancy.listModels(workspace_id, { limit, cursor }), toModel)
  },
})
