import { z } from 'zod'
import { fromMemory } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { answerVirtualKey, VirtualKey } from './answer-virtual-key.ts'

export const getVirtualKey = governanceRoute({
  method: 'GET',
  path: '/api/governance/virtual-keys/{vk_id}',
  operationId: 'getVirtualKey',
  tag: 'Virtual keys',
  summary: 'Gets a virtual key',
  description: 'With its limits, what it may use, and its team or customer.',
  query: z.object({ from_memory: fromMemory }),
  returns: z.object({ virtual_key: VirtualKey }),
  refuses: { 404: 'There is no such virtual key' },

  async handle({ params: { vk_id = '' }, ...visit }) {
    const world = visit.tenancy.snapshot().governance
    const key = visibleTo(visit.principal, world).virtualKey(vk_id) ? world.virtualKey(vk_id) : null
    return key === null ? { failure: 'not_found', what: 'virtual_key' } : answerVirtualKey(visit, key)
  },
})
