import { isFailure } from '../../../domain/failure.ts'
import { toDelivery } from '../deliveries/shape.ts'
import { adminRoute } from '../route.ts'
import { DeadLetter } from './schemas.ts'

export const getDeadLetter = adminRoute({
  method: 'GET',
  path: '/api/admin/dead-letters/{id}',
  operationId: 'getDeadLetter',
  tag: 'Dead letters',
  summary: 'Gets a dead letter',
  description: 'With the body that its receiver did not take.',
  returns: DeadLetter,
  refuses: { 404: 'There is no such dead letter' },

  async handle({ params: { id = '' }, billing }) {
    const letter = await billing.getDeadLetter(id)
    return isFailure(letter) ? letter : { ...toDelivery(letter), body: letter.body ?? '' }
  },
})
