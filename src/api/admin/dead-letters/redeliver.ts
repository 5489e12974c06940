import { isFailure } from '../../../domain/failure.ts'
import { Delivery } from '../deliveries/schemas.ts'
import { toDelivery } from '../deliveries/shape.ts'
import { adminRoute } from '../route.ts'

export const redeliverDeadLetter = adminRoute({
  method: 'POST',
  path: '/api/admin/dead-letters/{id}/redeliver',
  operationId: 'redeliverDeadLetter',
  tag: 'Dead letters',
  summary: 'Delivers a dead letter again',
  description: 'The same bytes, under a new delivery id and signature, to wherever the webhook leads now.',
  returns: Delivery,
  refuses: { 404: 'There is no such dead letter', 409: 'The workspace has no webhook' },

  async handle({ params: { id = '' }, operator, billing }) {
    const delivery = await billing.redeliver(operator, id)
    return isFailure(delivery) ? delivery : toDelivery(delivery)
  },
})
