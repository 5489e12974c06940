import { isFailure } from '../../../domain/failure.ts'
import type { WorkspaceId } from '../../../domain/ids.ts'
import { adminRoute } from '../route.ts'
import { Redelivery, RedeliveryWish } from './schemas.ts'

export const redeliverDeadLetters = adminRoute({
  method: 'POST',
  path: '/api/admin/dead-letters/redeliver',
  operationId: 'redeliverDeadLetters',
  tag: 'Dead letters',
  summary: 'Delivers the dead letters of a workspace again',
  description:
    'The oldest first, one after the other, beside what is new. At most 10,000 are queued by one call.',
  body: RedeliveryWish,
  returns: Redelivery,
  refuses: { 400: 'No workspace', 404: 'There is no such workspace', 409: 'The workspace has no webhook' },

  async handle({ body: { workspace_id }, operator, tenancy, billing }) {
    const workspace = await tenancy.getWorkspace(workspace_id)
    if (isFailure(workspace)) return workspace
    const redelivery = await billing.redeliverAll(operator, workspace.id as WorkspaceId)
    return isFailure(redelivery) ? redelivery : { queued: redelivery.queued, has_more: redelivery.hasMore }
  },
})
