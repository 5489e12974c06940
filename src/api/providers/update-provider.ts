import { ProviderChange } from '../../config/providers.ts'
import { isFailure } from '../../domain/failure.ts'
import { setupRoute } from '../setup/route.ts'
import { badProviderAddress } from './addresses.ts'
import { findProvider } from './locate.ts'
import { Provider } from './schemas.ts'
import { toProvider } from './shape.ts'

export const updateProvider = setupRoute({
  method: 'PUT',
  path: '/api/providers/{provider}',
  operationId: 'updateProvider',
  tag: 'Provider setup',
  summary: 'Changes a provider',
  description:
    'All but its keys. What is left out stays as it is, within sections too; null brings the default back.',
  body: ProviderChange,
  returns: Provider,
  refuses: { 400: 'A body that is not valid', 404: 'There is no such provider' },
  locate: findProvider,

  async handle({ params: { provider = '' }, body, operator, tenancy, egress }) {
    const fault = badProviderAddress(egress, tenancy.snapshot().governance.provider(provider), body)
    if (fault !== null) return fault
    const updated = await tenancy.updateProvider(operator, provider, body)
    return isFailure(updated) ? updated : toProvider(updated)
  },
})
