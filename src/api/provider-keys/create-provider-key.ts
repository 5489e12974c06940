import { NewProviderKey } from '../../config/providers.ts'
import { isFailure } from '../../domain/failure.ts'
import { badKeyAddress } from '../providers/addresses.ts'
import { findProvider, locateProvider } from '../providers/locate.ts'
import { ProviderKey } from '../providers/schemas.ts'
import { toProviderKey } from '../providers/shape.ts'
import { setupRoute } from '../setup/route.ts'

export const createProviderKey = setupRoute({
  method: 'POST',
  path: '/api/providers/{provider}/keys',
  operationId: 'createProviderKey',
  tag: 'Provider setup',
  summary: 'Creates a key to a provider',
  description:
    'Its secrets are sealed. With `env.NAME` for a value it is disabled as long as that is not set.',
  body: NewProviderKey,
  returns: ProviderKey,
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such provider',
    409: 'A key has this name, or this id',
  },
  locate: findProvider,

  async handle({ params: { provider = '' }, body, operator, tenancy, egress }) {
    const owner = locateProvider(tenancy, { provider })
    if (isFailure(owner)) return owner
    const fault = badKeyAddress(egress, owner, body)
    if (fault !== null) return fault
    const created = await tenancy.createProviderKey(operator, provider, body)
    return isFailure(created) ? created : toProviderKey(created)
  },
})
