import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { callerIn, locateWorkspace } from './locate.ts'
import { WebhookWish, WrittenWebhook } from './schemas.ts'
import { toWritten } from './shape.ts'

export const putWebhook = adminRoute({
  method: 'PUT',
  path: '/api/admin/workspaces/{workspace_id}/webhook',
  operationId: 'putWebhook',
  tag: 'Webhooks',
  summary: 'Sets a webhook',
  description:
    'Usage events are posted from here on. Another secret than before begins beside the old one, as a rotation does.',
  body: WebhookWish,
  returns: WrittenWebhook,
  refuses: { 400: 'An address or a secret that will not do', 404: 'There is no such workspace' },
  locate: locateWorkspace,

  async handle(request) {
    const answer = await request.tenancy.putWebhook(callerIn(request), {
      url: request.body.url,
      secret: request.body.secret ?? null,
    })
    return isFailure(answer) ? answer : toWritten(answer)
  },
})
