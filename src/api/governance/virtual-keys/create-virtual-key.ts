import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { answerVirtualKey, VirtualKey } from './answer-virtual-key.ts'
import { fromVirtualKey, NewVirtualKey } from './requests.ts'

export const createVirtualKey = governanceRoute({
  method: 'POST',
  path: '/api/governance/virtual-keys',
  operationId: 'createVirtualKey',
  tag: 'Virtual keys',
  summary: 'Creates a virtual key',
  description:
    'Its value is made here, and good as soon as this has answered. Nothing may be used that is not allowed: without `provider_configs` no provider, without `mcp_configs` no tool.',
  body: NewVirtualKey,
  returns: z.object({ message: z.string(), virtual_key: VirtualKey }),
  refuses: {
    400: 'A body that is not valid, or that names what there is not',
    409: 'The name is taken',
  },

  async handle({ body, ...visit }) {
    const key = await visit.tenancy.createVirtualKey(visit.operator, fromVirtualKey(body))
    if (isFailure(key)) return key
    return { message: 'Virtual key created successfully', ...(await answerVirtualKey(visit, key)) }
  },
})
