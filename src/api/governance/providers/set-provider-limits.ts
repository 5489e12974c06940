import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { fromLimits } from '../limits/schemas.ts'
import { governanceRoute } from '../route.ts'
import { ProviderLimits, ProviderLimitsChange } from './schemas.ts'
import { showProviderLimits } from './shape.ts'

export const setProviderLimits = governanceRoute({
  method: 'PUT',
  path: '/api/governance/providers/{provider_name}',
  operationId: 'setProviderLimits',
  tag: 'Providers',
  summary: 'Sets limits of a provider',
  description:
    'Members that are left out stay as they are; limits that stay keep what they have counted. `{}` as budget or rate limit takes it away.',
  body: ProviderLimitsChange,
  returns: z.object({ message: z.string(), provider: ProviderLimits }),
  refuses: { 400: 'A body that is not valid', 404: 'There is no such provider' },

  async handle({ params: { provider_name = '' }, body, ...visit }) {
    const limits = await visit.tenancy.setProviderLimits(visit.operator, provider_name, fromLimits(body))
    if (isFailure(limits)) return limits
    const [provider] = await showProviderLimits(visit, [limits])
    return {
      message: 'Provider governance updated successfully',
      provider: provider as z.output<typeof ProviderLimits>,
    }
  },
})
