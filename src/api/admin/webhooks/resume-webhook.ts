import { isFailure } from '../../../domain/failure.ts'
import { adminRoute } from '../route.ts'
import { callerIn, locateWorkspace } from './locate.ts'
import { Webhook } from './schemas.ts'
import { toWebhook } from './shape.ts'

export const resumeWebhook = adminRoute({
  method: 'POST',
  path: '/api/admin/workspaces/{workspace_id}/webhook/resume',
  operationId: 'resumeWebhook',
  tag: 'Webhooks',
  summary: 'Resumes a webhook',
  description: 'What has waited is delivered.',
  returns: Webhook,
  refuses: { 404: 'There is no such workspace, or it has no webhook' },
  locate: locateWorkspace,

  async handle(request) {
    const answer = await request.tenancy.pauseWebhook(callerIn(request), false)
    return isFailure(answer) ? answer : toWebhook(answer)
  },
})
