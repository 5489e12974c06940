import { isFailure } from '../../domain/failure.ts'
import { locateKey } from '../providers/locate.ts'
import { ProviderKey } from '../providers/schemas.ts'
import { toProviderKey } from '../providers/shape.ts'
import { setupRoute } from '../setup/route.ts'

export const getProviderKey = setupRoute({
  method: 'GET',
  path: '/api/providers/{provider}/keys/{key_id}',
  operationId: 'getProviderKey',
  tag: 'Provider setup',
  summary: 'Gets a key to a provider',
  description: 'Without its secrets.',
  returns: ProviderKey,
  refuses: { 404: 'There is no such provider or key' },

  async handle({ params, tenancy }) {
    const key = locateKey(tenancy, params)
    return isFailure(key) ? key : toProviderKey(key)
  },
})
