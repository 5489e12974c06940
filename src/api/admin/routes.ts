import type { Route } from '../route.ts'
import { getDeadLetter } from './dead-letters/get-dead-letter.ts'
import { listDeadLetters } from './dead-letters/list-dead-letters.ts'
import { redeliverDeadLetter } from './dead-letters/redeliver.ts'
import { redeliverDeadLetters } from './dead-letters/redeliver-all.ts'
import { listDeliveries } from './deliveries/list-deliveries.ts'
import type { AdminVisit } from './route.ts'
import { deleteWebhook } from './webhooks/delete-webhook.ts'
import { getWebhook } from './webhooks/get-webhook.ts'
import { pauseWebhook } from './webhooks/pause-webhook.ts'
import { putWebhook } from './webhooks/put-webhook.ts'
import { resumeWebhook } from './webhooks/resume-webhook.ts'
import { rotateWebhookSecret } from './webhooks/rotate-secret.ts'
import { getWorkspace } from './workspaces/get-workspace.ts'
import { listWorkspaces } from './workspaces/list-workspaces.ts'

/** Every route of the operator's API. Server and document are made from it. */
export const adminRoutes: readonly Route<AdminVisit>[] = [
  listWorkspaces,
  getWorkspace,
  getWebhook,
  putWebhook,
  deleteWebhook,
  rotateWebhookSecret,
  pauseWebhook,
  resumeWebhook,
  listDeliveries,
  listDeadLetters,
  // Before what could take its last step for an id.
  redeliverDeadLetters,
  getDeadLetter,
  redeliverDeadLetter,
]
