import { isFailure } from '../../domain/failure.ts'
import { toRfc3339 } from '../../domain/time.ts'
import { route } from '../route.ts'
import { DeletedGroup } from './schemas.ts'
import { toMetadata } from './shape.ts'

export const deleteGroup = route({
  method: 'DELETE',
  path: '/v1/gateway/groups/{group_id}',
  tag: 'Groups',
  summary: 'Deletes a group',
  description:
    'And every group below it. Their keys are revoked for good, and their external ids may be used again.',
  returns: DeletedGroup,
  refuses: { 403: "The group is another workspace's", 404: 'There is no such group, or it was deleted' },

  async handle({ params: { group_id = '' }, caller, tenancy }) {
    const deleted = await tenancy.deleteGroup(caller, group_id)
    if (isFailure(deleted)) return deleted
    const { node, deletedAt } = deleted
    return { id: node.id, metadata: toMetadata(node), deleted_at: toRfc3339(deletedAt) }
  },
})
