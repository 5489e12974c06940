import { z } from 'zod'
import { text } from '../../text.ts'
import { Delivery } from '../deliveries/schemas.ts'

export const DeadLetter = Delivery.extend({
  body: z.string().describe('To the byte what would be posted.'),
}).meta({ id: 'DeadLetter' })

export const RedeliveryWish = z
  .strictObject({ workspace_id: text(1, 255).describe('Whose dead letters.') })
  .meta({ id: 'RedeliveryWish' })

export const Redelivery = z
  .object({
    queued: z.int().describe('How many will be delivered again, one after the other.'),
    has_more: z.boolean().describe('There may be more: ask again.'),
  })
  .meta({ id: 'Redelivery' })
