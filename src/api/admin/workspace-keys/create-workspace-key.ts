import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { locateWorkspace } from '../workspaces/locate-workspace.ts'
import { MintedKey, NewWorkspaceKey, toMinted } from './schemas.ts'

export const createWorkspaceKey = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/api_keys',
  operationId: 'createWorkspaceKey',
  tag: 'Workspace keys',
  summary: 'Creates a key of a workspace',
  description: 'For the lab, to manage its groups, keys and endpoints with.',
  body: NewWorkspaceKey,
  returns: MintedKey,
  refuses: {
    400: 'A body that is not valid',
    404: 'There is no such workspace',
    409: 'The name or the value is taken',
  },
  locate: locateWorkspace,

  async handle({ params: { workspace_id = '' }, body: { name, type, value = null }, operator, tenancy }) {
    const minted = await tenancy.mintWorkspaceKey(operator, workspace_id, { name, type, value })
    return isFailure(minted) ? minted : toMinted(minted)
  },
})
