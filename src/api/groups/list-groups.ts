import { z } from 'zod'
import { pageOf, paging, toPage } from '../paging.ts'
import { route } from '../route.ts'
import { text } from '../text.ts'
import { Group } from './schemas.ts'
import { toGroup } from './shape.ts'

export const listGroups = route({
  method: 'GET',
  path: '/v1/gateway/groups',
  tag: 'Groups',
  summary: 'Lists groups',
  description:
    "The workspace's groups, oldest first. An external id is unique in a workspace, so filtering by it gives at most one.",
  query: z.object({
    external_entity_id: text(0, 10_000)
      .optional()
      .meta({ description: 'Exactly this `metadata.external_entity_id`.' }),
    ...paging,
  }),
  returns: pageOf(Group),
  refuses: { 400: 'A limit or cursor that is none of ours' },

  async handle({ filter, caller, tenancy }) {
    const { external_entity_id: externalId = null, limit, cursor = null } = filter
    return toPage(await tenancy.listGroups(caller.workspaceId, { externalId, limit, cursor }), toGroup)
  },
})
