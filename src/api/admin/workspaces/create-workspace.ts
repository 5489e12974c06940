import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { NewWorkspace, Workspace } from './schemas.ts'
import { toWorkspace } from './shape.ts'

export const createWorkspace = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces',
  operationId: 'createWorkspace',
  tag: 'Workspaces',
  summary: 'Creates a workspace',
  description: "Under the id of one that was deleted it takes over that one's usage and audit.",
  body: NewWorkspace,
  returns: Workspace,
  refuses: { 400: 'A body that is not valid', 409: 'An id, slug prefix or domain that is taken' },

  async handle({ body, operator, tenancy }) {
    const created = await tenancy.createWorkspace(operator, {
      id: body.id,
      name: body.name ?? body.id,
      onboarded: body.onboarded,
      slugPrefixes: body.slug_prefixes,
      domains: body.domains,
      registrationPublicKey: body.registration_public_key ?? null,
    })
    return isFailure(created) ? created : toWorkspace(created)
  },
})
