import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { answerVirtualKey, VirtualKey } from './answer-virtual-key.ts'

export const rotateVirtualKey = governanceRoute({
  method: 'POST',
  path: '/api/governance/virtual-keys/{vk_id}/rotate',
  operationId: 'rotateVirtualKey',
  tag: 'Virtual keys',
  summary: 'Gives a virtual key another value',
  description:
    'Everything else stays as it is. The old value is good for as long as `vk_rotation_cooldown` of the client configuration says; a value that was still good from the rotation before is not.',
  returns: z.object({ message: z.string(), virtual_key: VirtualKey }),
  refuses: { 404: 'There is no such virtual key' },

  async handle({ params: { vk_id = '' }, ...visit }) {
    const key = await visit.tenancy.rotateVirtualKey(visit.operator, vk_id)
    if (isFailure(key)) return key
    return { message: 'Virtual key rotated successfully', ...(await answerVirtualKey(visit, key)) }
  },
})
