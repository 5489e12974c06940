import { z } from 'zod'
import { governanceRoute } from '../route.ts'
import { ProviderLimits } from './schemas.ts'
import { showProviderLimits } from './shape.ts'

export const listProviderLimits = governanceRoute({
  method: 'GET',
  path: '/api/governance/providers',
  operationId: 'listProviderLimits',
  tag: 'Providers',
  summary: 'Lists limits of providers',
  description: 'Those that have any, by name. A virtual key sees none: they are nobody’s.',
  returns: z.object({ providers: z.array(ProviderLimits), count: z.int() }),
  refuses: {},

  async handle(visit) {
    const { tables } = visit.tenancy.snapshot().governance
    const all = visit.principal.kind === 'administrator' ? [...tables.providerLimits.values()] : []
    all.sort((left, right) => (left.provider < right.provider ? -1 : 1))
    return { providers: await showProviderLimits(visit, all), count: all.length }
  },
})
