import { z } from 'zod'
import { timestamp } from '../../text.ts'

export const Webhook = z
  .object({
    workspace_id: z.string(),
    url: z.string(),
    paused: z.boolean().describe('Events wait.'),
    previous_secret_valid_until: timestamp
      .nullable()
      .describe('Until when the secret before the last rotation signs too; null where none does.'),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Webhook' })

export const WrittenWebhook = Webhook.extend({
  secret: z
    .string()
    .nullable()
    .describe('The signing secret where it was made now, shown here and never again; else null.'),
}).meta({ id: 'WrittenWebhook' })

const secret = z
  .string()
  .nullish()
  .meta({ allowed: 'a text of 1 to 512 characters' })
  .describe('What signs. Left out: a new webhook and a rotation get a random one.')

export const WebhookWish = z
  .strictObject({
    url: z
      .string()
      .meta({ allowed: 'an https URL, or http to localhost' })
      .describe('Where events are posted: https, or http to localhost where the gateway may reach that.'),
    secret,
  })
  .meta({ id: 'WebhookWish' })

export const SecretWish = z.strictObject({ secret }).meta({ id: 'WebhookSecretWish' })
