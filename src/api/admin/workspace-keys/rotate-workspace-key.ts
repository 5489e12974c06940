import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { MintedKey, RotatedKey, toMinted } from './schemas.ts'

export const rotateWorkspaceKey = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/api_keys/{key_id}/rotate',
  operationId: 'rotateWorkspaceKey',
  tag: 'Workspace keys',
  summary: 'Rotates a key of a workspace',
  description: 'The old value is refused from the moment this has answered. The body may be left out.',
  body: RotatedKey,
  bodyIsOptional: true,
  returns: MintedKey,
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such workspace or key',
    409: 'The value is taken',
  },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '', key_id = '' }, body: { value = null }, operator, tenancy }) {
    const minted = await tenancy.rotateWorkspaceKey(operator, workspace_id, key_id, value)
    return isFailure(minted) ? minted : toMinted(minted)
  },
})
