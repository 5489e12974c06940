import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { answerVirtualKey, VirtualKey } from './answer-virtual-key.ts'
import { fromVirtualKey, VirtualKeyChange } from './requests.ts'

export const updateVirtualKey = governanceRoute({
  method: 'PUT',
  path: '/api/governance/virtual-keys/{vk_id}',
  operationId: 'updateVirtualKey',
  tag: 'Virtual keys',
  summary: 'Updates a virtual key',
  description:
    'Members that are left out stay as they are, within the configs that it keeps too. Configs are kept by their `id`, else by their provider or client; those that are not named go, with their limits. Limits that stay keep what they have counted. The value changes by rotation only.',
  body: VirtualKeyChange,
  returns: z.object({ message: z.string(), virtual_key: VirtualKey }),
  refuses: {
    400: 'A body that is not valid, or that names what there is not',
    404: 'There is no such virtual key',
    409: 'The name is taken',
  },

  async handle({ params: { vk_id = '' }, body, ...visit }) {
    const key = await visit.tenancy.updateVirtualKey(visit.operator, vk_id, fromVirtualKey(body))
    if (isFailure(key)) return key
    return { message: 'Virtual key updated successfully', ...(await answerVirtualKey(visit, key)) }
  },
})
