import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { AdminKey, toAdminKey } from './schemas.ts'

export const revokeAdminKey = adminRoute({
  method: 'DELETE',
  path: '/api/admin/admin_keys/{key_id}',
  operationId: 'revokeAdminKey',
  tag: 'Admin keys',
  summary: 'Revokes an admin key',
  description: 'For good, even where the configuration file still names it. The last one cannot be revoked.',
  returns: AdminKey,
  refuses: { 404: 'There is no such key', 409: 'It is the last one' },

  async handle({ params: { key_id = '' }, operator, tenancy }) {
    const revoked = await tenancy.revokeAdminKey(operator.actor, key_id)
    return isFailure(revoked) ? revoked : toAdminKey(revoked)
  },
})
