import { NewProvider } from '../../config/providers.ts'
import { isFailure } from '../../domain/failure.ts'
import type { ProviderSettings } from '../../tenancy/governance/facts.ts'
import { setupRoute } from '../setup/route.ts'
import { badKeyAddress, badProviderAddress } from './addresses.ts'
import { Provider } from './schemas.ts'
import { toProvider } from './shape.ts'

export const createProvider = setupRoute({
  method: 'POST',
  path: '/api/providers',
  operationId: 'createProvider',
  tag: 'Provider setup',
  summary: 'Creates a provider',
  description: 'Of a known name, or a custom one. Keys may come along, or be added later.',
  body: NewProvider,
  returns: Provider,
  refuses: {
    400: 'A body that is not valid',
    409: 'There is one of this name, or a key of one of these names',
  },

  async handle({ body: { provider, keys = [], ...sections }, operator, tenancy, egress }) {
    const owner = { settings: sections as ProviderSettings }
    const fault =
      badProviderAddress(egress, null, sections) ??
      keys.map((key) => badKeyAddress(egress, owner, key)).find((found) => found !== null)
    if (fault) return fault
    const created = await tenancy.createProvider(operator, provider, sections, keys)
    return isFailure(created) ? created : toProvider(created)
  },
})
