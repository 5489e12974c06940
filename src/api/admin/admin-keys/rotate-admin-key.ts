import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { MintedKey, RotatedAdminKey, toMinted } from './schemas.ts'

export const rotateAdminKey = adminRoute({
  method: 'POST',
  path: '/api/admin/admin_keys/{key_id}/rotate',
  operationId: 'rotateAdminKey',
  tag: 'Admin keys',
  summary: 'Rotates an admin key',
  description: 'The old value is refused from the moment this has answered. The body may be left out.',
  body: RotatedAdminKey,
  bodyIsOptional: true,
  returns: MintedKey,
  refuses: { 400: 'A body that is not valid', 404: 'There is no such key', 409: 'The value is taken' },

  async handle({ params: { key_id = '' }, body: { value = null }, operator, tenancy }) {
    const minted = await tenancy.rotateAdminKey(operator, key_id, value)
    return isFailure(minted) ? minted : toMinted(minted)
  },
})
