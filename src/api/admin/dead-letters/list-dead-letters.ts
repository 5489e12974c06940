import { pageOf, toPage } from '../../paging.ts'
import { Delivery, DeliveryFilter } from '../deliveries/schemas.ts'
import { toDelivery } from '../deliveries/shape.ts'
import { adminRoute } from '../route.ts'

export const listDeadLetters = adminRoute({
  method: 'GET',
  path: '/api/admin/dead-letters',
  operationId: 'listDeadLetters',
  tag: 'Dead letters',
  summary: 'Lists dead letters',
  description:
    'Deliveries that failed for good, in the order in which they did. Those queued to be delivered again are not listed.',
  query: DeliveryFilter,
  returns: pageOf(Delivery),
  refuses: { 400: 'A limit or cursor that is none of ours' },

  async handle({ filter: { workspace_id: workspaceId = null, limit, cursor = null }, billing }) {
    return toPage(await billing.listDeadLetters({ workspaceId, limit, cursor }), toDelivery)
  },
})
