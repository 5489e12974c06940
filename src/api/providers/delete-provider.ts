import { isFailure } from '../../domain/failure.ts'
import { setupRoute } from '../setup/route.ts'
import { Provider } from './schemas.ts'
import { toProvider } from './shape.ts'

export const deleteProvider = setupRoute({
  method: 'DELETE',
  path: '/api/providers/{provider}',
  operationId: 'deleteProvider',
  tag: 'Provider setup',
  summary: 'Deletes a provider',
  description:
    'With its keys, limits and prices. What virtual keys may use of it stays, for a provider of this name that comes again. Gives the provider as it was.',
  returns: Provider,
  refuses: { 404: 'There is no such provider' },

  async handle({ params: { provider = '' }, operator, tenancy }) {
    const deleted = await tenancy.deleteProvider(operator, provider)
    return isFailure(deleted) ? deleted : toProvider(deleted)
  },
})
