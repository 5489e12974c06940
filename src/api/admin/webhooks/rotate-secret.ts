import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { callerIn, locateWorkspace } from './locate.ts'
import { SecretWish, WrittenWebhook } from './schemas.ts'
import { toWritten } from './shape.ts'

export const rotateWebhookSecret = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/webhook/rotate_secret',
  operationId: 'rotateWebhookSecret',
  tag: 'Webhooks',
  summary: 'Rotates the signing secret',
  description:
    'The new secret signs at once, and the old one beside it for a day (a setting), so that receivers can follow.',
  body: SecretWish,
  bodyIsOptional: true,
  returns: WrittenWebhook,
  refuses: { 400: 'A secret that will not do', 404: 'There is no such workspace, or it has no webhook' },
  locate: locateWorkspace,

  async handle(request) {
    const answer = await request.tenancy.rotateWebhookSecret(callerIn(request), request.body.secret ?? null)
    return isFailure(answer) ? answer : toWritten(answer)
  },
})
