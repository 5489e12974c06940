import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { callerIn, locateWorkspace } from './locate.ts'
import { Webhook } from './schemas.ts'
import { toWebhook } from './shape.ts'

export const deleteWebhook = adminRoute({
  method: 'DELETE',
  path: '/api/admin/workspaces/{workspace_id}/webhook',
  operationId: 'deleteWebhook',
  tag: 'Webhooks',
  summary: 'Deletes a webhook',
  description:
    'No more events are posted. What waits becomes dead letters, which another webhook can be given.',
  returns: Webhook,
  refuses: { 404: 'There is no such workspace, or it has no webhook' },
  locate: locateWorkspace,

  async handle(request) {
    const answer = await request.tenancy.deleteWebhook(callerIn(request))
    return isFailure(answer) ? answer : toWebhook(answer)
  },
})
