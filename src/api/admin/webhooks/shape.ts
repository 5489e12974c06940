import type { z } from 'zod'
import { toRfc3339 } from '../../../domain/time.ts'
import type { WebhookFact, WrittenWebhook as Written } from '../../../tenancy/workspaces/webhooks.ts'
import type { Webhook, WrittenWebhook } from './schemas.ts'

export function toWebhook(webhook: WebhookFact): z.output<typeof Webhook> {
  const until = webhook.previousSecretUntil
  return {
    workspace_id: webhook.workspaceId,
    url: webhook.url,
    paused: webhook.paused,
    previous_secret_valid_until: until === null ? null : toRfc3339(until),
    created_at: toRfc3339(webhook.createdAt),
    updated_at: toRfc3339(webhook.updatedAt),
  }
}

export function toWritten({ webhook, secret }: Written): z.output<typeof WrittenWebhook> {
  return { ...toWebhook(webhook), secret }
}
