import { pageOf, toPage } from '../../paging.ts'
import { adminRoute } from '../route.ts'
import { Delivery, DeliveryFilter } from './schemas.ts'
import { toDelivery } from './shape.ts'

export const listDeliveries = adminRoute({
  method: 'GET',
  path: '/api/admin/deliveries',
  operationId: 'listDeliveries',
  tag: 'Deliveries',
  summary: 'Lists deliveries',
  description: 'In the order in which they were made, for as long as they are kept.',
  query: DeliveryFilter,
  returns: pageOf(Delivery),
  refuses: { 400: 'A limit or cursor that is none of ours' },

  async handle({ filter: { workspace_id: workspaceId = null, limit, cursor = null }, billing }) {
    return toPage(await billing.listDeliveries({ workspaceId, limit, cursor }), toDelivery)
  },
})
