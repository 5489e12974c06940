import { isFailure } from '../../domain/failure.ts'
import { route } from '../route.ts'
import { Group } from './schemas.ts'
import { toGroup } from './shape.ts'

export const getGroup = route({
  method: 'GET',
  path: '/v1/gateway/groups/{group_id}',
  tag: 'Groups',
  summary: 'Gets a group',
  description: 'By its id. To find one by its external id, list the groups with that filter.',
  returns: Group,
  refuses: { 403: "The group is another workspace's", 404: 'There is no such group, or it was deleted' },

  async handle({ params: { group_id = '' }, caller, tenancy }) {
    const lineage = await tenancy.getGroup(caller.workspaceId, group_id)
    return isFailure(lineage) ? lineage : toGroup(lineage)
  },
})
