import { z } from 'zod'
import { isFailure } from '../../domain/failure.ts'
import { locateProvider } from '../providers/locate.ts'
import { ProviderKey } from '../providers/schemas.ts'
import { toProviderKey } from '../providers/shape.ts'
import { setupRoute } from '../setup/route.ts'

export const listProviderKeys = setupRoute({
  method: 'GET',
  path: '/api/providers/{provider}/keys',
  operationId: 'listProviderKeys',
  tag: 'Provider setup',
  summary: 'Lists the keys to a provider',
  description: 'Oldest first, without secrets.',
  returns: z.object({ keys: z.array(ProviderKey), total: z.int() }),
  refuses: { 404: 'There is no such provider' },

  async handle({ params, tenancy }) {
    const provider = locateProvider(tenancy, params)
    if (isFailure(provider)) return provider
    return { keys: provider.keys.map(toProviderKey), total: provider.keys.length }
  },
})
