import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'

export const deleteVirtualKey = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/virtual-keys/{vk_id}',
  operationId: 'deleteVirtualKey',
  tag: 'Virtual keys',
  summary: 'Deletes a virtual key',
  description:
    'Its limits go with it, and so do the limits of models, the routing rules and the prices that are for it alone.',
  returns: z.object({ message: z.string() }),
  refuses: { 404: 'There is no such virtual key' },

  async handle({ params: { vk_id = '' }, tenancy, operator }) {
    const deleted = await tenancy.deleteVirtualKey(operator, vk_id)
    return isFailure(deleted) ? deleted : { message: 'Virtual key deleted successfully' }
  },
})
