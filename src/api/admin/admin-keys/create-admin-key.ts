import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { MintedKey, NewAdminKey, toMinted } from './schemas.ts'

export const createAdminKey = adminRoute({
  method: 'POST',
  path: '/api/admin/admin_keys',
  operationId: 'createAdminKey',
  tag: 'Admin keys',
  summary: 'Creates an admin key',
  description: 'For another operator, or in place of one that will be revoked.',
  body: NewAdminKey,
  returns: MintedKey,
  refuses: { 400: 'A body that is not valid', 409: 'The name or the value is taken' },

  async handle({ body: { name, value = null }, operator, tenancy }) {
    const minted = await tenancy.mintAdminKey(operator, { name, value })
    return isFailure(minted) ? minted : toMinted(minted)
  },
})
