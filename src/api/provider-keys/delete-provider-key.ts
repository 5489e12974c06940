import { isFailure } from '../../domain/failure.ts'
import { findKey } from '../providers/locate.ts'
import { ProviderKey } from '../providers/schemas.ts'
import { toProviderKey } from '../providers/shape.ts'
import { setupRoute } from '../setup/route.ts'

export const deleteProviderKey = setupRoute({
  method: 'DELETE',
  path: '/api/providers/{provider}/keys/{key_id}',
  operationId: 'deleteProviderKey',
  tag: 'Provider setup',
  summary: 'Deletes a key to a provider',
  description: 'Gives the key as it was, without its secrets.',
  returns: ProviderKey,
  refuses: { 404: 'There is no such provider or key' },
  locate: findKey,

  async handle({ params: { provider = '', key_id = '' }, operator, tenancy }) {
    const deleted = await tenancy.deleteProviderKey(operator, provider, key_id)
    return isFailure(deleted) ? deleted : toProviderKey(deleted)
  },
})
