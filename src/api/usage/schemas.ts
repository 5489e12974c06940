import { z } from 'zod'
import { timestamp } from '../text.ts'

const Usage = z
  .object({
    type: z.enum(['TOKEN', 'REQUEST']),
    unit: z.enum(['DAY']),
    threshold: z.int().describe('As it holds for the group, inherited or its own.'),
    current_usage: z
      .int()
      .nullable()
      .describe('Units counted since midnight UTC; null until something was counted.'),
    reset_at: timestamp.nullable().describe('The next midnight UTC; null until something was counted.'),
  })
  .meta({ id: 'Usage' })

export const GroupUsage = z
  .object({
    customer_id: z.string().describe("The group's `metadata.external_entity_id`."),
    usage: z
      .record(z.string(), z.array(Usage))
      .describe('By slug; slugs without a usage limit are left out.'),
  })
  .meta({ id: 'GroupUsage' })
