import { z } from 'zod'
import { locateGroup } from '../groups/locate-group.ts'
import { pageOf, paging, toPage } from '../paging.ts'
import { route } from '../route.ts'
import { ApiKey } from './schemas.ts'

export const listKeys = route({
  method: 'GET',
  path: '/v1/gateway/groups/{group_id}/api_keys',
  tag: 'API keys',
  summary: "Lists a group's API keys",
  description: 'Oldest first. Revoked keys are not listed.',
  query: z.object(paging),
  returns: pageOf(ApiKey),
  refuses: {
    400: 'A limit or cursor that is none of ours',
    403: "The group is another workspace's",
    404: 'There is no such group, or it was deleted',
  },
  locate: locateGroup,

  async handle({ params: { group_id = '' }, filter: { limit, cursor = null }, caller, tenancy }) {
    const page = await tenancy.listKeys(caller.workspaceId, group_id, { limit, cursor })
    return toPage(page, ({ prefix, name }) => ({ prefix, name }))
  },
})
