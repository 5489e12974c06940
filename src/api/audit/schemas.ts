import { z } from 'zod'
import { timestamp } from '../text.ts'

const Actor = z
  .object({
    type: z.enum(['API_KEY', 'BASETEN_SYSTEM']).describe('A key, or the gateway and its configuration.'),
    id: z.string().describe('Of the workspace key or admin key; else what part of the gateway it was.'),
    email: z.null(),
    api_key_prefix: z.null().describe('Of the keys that manage, no part is kept.'),
  })
  .meta({ id: 'AuditActor' })

export const AuditLogEntry = z
  .object({
    id: z.string(),
    created: timestamp,
    event_type: z.string().meta({ example: 'GATEWAY_ENDPOINT_UPDATED' }),
    event_data: z
      .looseObject({ event_type: z.string() })
      .meta({
        example: {
          event_type: 'GATEWAY_ENDPOINT_UPDATED',
          gateway_endpoint_id: 'ep_01',
          slug: 'aurora/lumen-3',
          previous_slug: 'aurora/lumen-2',
        },
      })
      .describe('What it was done to, by the type of event; never a secret.'),
    source: z.enum(['API', 'OTHER']),
    actor: Actor,
  })
  .meta({ id: 'AuditLogEntry' })
