import { z } from 'zod'
import { pageOf, paging, toPage } from '../paging.ts'
import { route } from '../route.ts'
import { Endpoint } from './schemas.ts'
import { toEndpoint } from './shape.ts'

export const listEndpoints = route({
  method: 'GET',
  path: '/v1/gateway/endpoints',
  tag: 'Endpoints',
  summary: 'Lists endpoints',
  description: "The workspace's endpoints, oldest first.",
  query: z.object(paging),
  returns: pageOf(Endpoint),
  refuses: { 400: 'A limit or cursor that is none of ours' },

  async handle({ filter: { limit, cursor = null }, caller, tenancy }) {
    return toPage(await tenancy.listEndpoints(caller.workspaceId, { limit, cursor }), toEndpoint)
  },
})
