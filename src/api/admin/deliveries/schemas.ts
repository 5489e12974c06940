import { z } from 'zod'
import { paging } from '../../paging.ts'
import { text, timestamp } from '../../text.ts'

export const Delivery = z
  .object({
    id: z.string(),
    workspace_id: z.string(),
    request_id: z.string().describe('As the receiver has it in `X-Baseten-Request-ID`.'),
    state: z
      .enum(['pending', 'delivered', 'dead', 'queued'])
      .describe('`queued`: dead, and to be delivered again.'),
    events: z.int().describe('How many.'),
    attempts: z.int().describe('Of the last time that it was tried, once that has ended.'),
    last_status: z.int().nullable().describe('What the receiver answered last; null where it did not.'),
    problem: z.string().nullable(),
    created_at: timestamp,
    settled_at: timestamp.nullable().describe('When it was delivered, or given up.'),
  })
  .meta({ id: 'Delivery' })

export const DeliveryFilter = z.object({
  workspace_id: text(1, 255).optional().meta({ description: 'Of this workspace only.' }),
  ...paging,
})
