import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'

export const deleteProviderLimits = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/providers/{provider_name}',
  operationId: 'deleteProviderLimits',
  tag: 'Providers',
  summary: 'Deletes the limits of a provider',
  description: 'Also where it has none.',
  returns: z.object({ message: z.string() }),
  refuses: { 404: 'There is no such provider' },

  async handle({ params: { provider_name = '' }, tenancy, operator }) {
    const failure = await tenancy.deleteProviderLimits(operator, provider_name)
    return isFailure(failure) ? failure : { message: 'Provider governance deleted successfully' }
  },
})
