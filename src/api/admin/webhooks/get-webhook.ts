import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { callerIn, locateWorkspace } from './locate.ts'
import { Webhook } from './schemas.ts'
import { toWebhook } from './shape.ts'

export const getWebhook = adminRoute({
  method: 'GET',
  path: '/api/admin/workspaces/{workspace_id}/webhook',
  operationId: 'getWebhook',
  tag: 'Webhooks',
  summary: 'Gets a webhook',
  description: 'Where the usage events of the workspace are posted. Its secret is never shown.',
  returns: Webhook,
  refuses: { 404: 'There is no such workspace, or it has no webhook' },
  locate: locateWorkspace,

  async handle(request) {
    const answer = await request.tenancy.getWebhook(callerIn(request).workspaceId)
    return isFailure(answer) ? answer : toWebhook(answer)
  },
})
