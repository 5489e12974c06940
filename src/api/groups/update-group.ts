import { isFailure } from '../../domain/failure.ts'
import { route } from '../route.ts'
import { locateGroup } from './locate-group.ts'
import { Group, GroupPatch } from './schemas.ts'
import { fromModels, toGroup } from './shape.ts'

export const updateGroup = route({
  method: 'PATCH',
  path: '/v1/gateway/groups/{group_id}',
  tag: 'Groups',
  summary: 'Updates a group',
  description:
    'Renames a group, replaces its models and limits, or both. Takes effect on the next call, on descendants too.',
  body: GroupPatch,
  returns: Group,
  refuses: {
    400: 'A body that is not valid or names what cannot be changed, or a limit above an ancestor or below a descendant',
    403: "The group is another workspace's",
    404: 'There is no such group, or it was deleted',
  },
  locate: locateGroup,

  async handle({ params: { group_id = '' }, body: { metadata, models }, caller, tenancy }) {
    const lineage = await tenancy.updateGroup(caller, group_id, {
      ...(metadata?.name === undefined ? {} : { name: metadata.name }),
      ...(models ? { models: fromModels(models) } : {}),
    })
    return isFailure(lineage) ? lineage : toGroup(lineage)
  },
})
