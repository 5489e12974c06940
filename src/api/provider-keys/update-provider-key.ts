import { ProviderKeyChange } from '../../config/providers.ts'
import { isFailure } from '../../domain/failure.ts'
import { badKeyAddress } from '../providers/addresses.ts'
import { findKey, locateProvider } from '../providers/locate.ts'
import { ProviderKey } from '../providers/schemas.ts'
import { toProviderKey } from '../providers/shape.ts'
import { setupRoute } from '../setup/route.ts'

export const updateProviderKey = setupRoute({
  method: 'PUT',
  path: '/api/providers/{provider}/keys/{key_id}',
  operationId: 'updateProviderKey',
  tag: 'Provider setup',
  summary: 'Changes a key to a provider',
  description: 'What is left out stays as it is, and so does a secret that comes as it is shown.',
  body: ProviderKeyChange,
  returns: ProviderKey,
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such provider or key',
    409: 'Another key has this name',
  },
  locate: findKey,

  async handle({ params: { provider = '', key_id = '' }, body, operator, tenancy, egress }) {
    const owner = locateProvider(tenancy, { provider })
    if (isFailure(owner)) return owner
    const fault = badKeyAddress(egress, owner, body)
    if (fault !== null) return fault
    const updated = await tenancy.updateProviderKey(operator, provider, key_id, body)
    return isFailure(updated) ? updated : toProviderKey(updated)
  },
})
