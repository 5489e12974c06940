import { z } from 'zod'
import { setupRoute } from '../setup/route.ts'
import { Provider } from './schemas.ts'
import { toProvider } from './shape.ts'

export const listProviders = setupRoute({
  method: 'GET',
  path: '/api/providers',
  operationId: 'listProviders',
  tag: 'Provider setup',
  summary: 'Lists providers',
  description: 'All of them, oldest first, without secrets.',
  returns: z.object({ providers: z.array(Provider), total: z.int() }),
  refuses: {},

  async handle({ tenancy }) {
    const { providers } = tenancy.snapshot().governance
    return { providers: providers.map(toProvider), total: providers.length }
  },
})
