import { z } from 'zod'
import { KeyOfProvider } from '../providers/schemas.ts'
import { toKeyOfProvider } from '../providers/shape.ts'
import { setupRoute } from '../setup/route.ts'

export const listAllKeys = setupRoute({
  method: 'GET',
  path: '/api/keys',
  operationId: 'listAllProviderKeys',
  tag: 'Provider setup',
  summary: 'Lists the keys to all providers',
  description: 'Without secrets.',
  returns: z.array(KeyOfProvider),
  refuses: {},

  async handle({ tenancy }) {
    const { providers } = tenancy.snapshot().governance
    return providers.flatMap((provider) => provider.keys.map((key) => toKeyOfProvider(key, provider)))
  },
})
