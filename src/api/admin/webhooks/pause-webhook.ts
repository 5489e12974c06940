import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { callerIn, locateWorkspace } from './locate.ts'
import { Webhook } from './schemas.ts'
import { toWebhook } from './shape.ts'

export const pauseWebhook = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/webhook/pause',
  operationId: 'pauseWebhook',
  tag: 'Webhooks',
  summary: 'Pauses a webhook',
  description: 'Events wait, however long, until it is resumed.',
  returns: Webhook,
  refuses: { 404: 'There is no such workspace, or it has no webhook' },
  locate: locateWorkspace,

  async handle(request) {
    const answer = await request.tenancy.pauseWebhook(callerIn(request), true)
    return isFailure(answer) ? answer : toWebhook(answer)
  },
})
