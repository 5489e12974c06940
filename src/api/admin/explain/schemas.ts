import { z } from 'zod'
import { timestamp } from '../../text.ts'

const opensAt = timestamp.nullable()

const Limit = z
  .object({
    type: z.enum(['REQUEST', 'TOKEN']),
    unit: z.enum(['SECOND', 'MINUTE', 'DAY']),
    strict: z.boolean(),
    ceiling: z.int(),
    used: z.int().describe('By calls that have ended; requests by all that were admitted.'),
    held: z.int().describe('For calls under way.'),
    window: z.object({
      kind: z.enum(['ROLLING', 'PERIOD']),
      seconds: z.number(),
      ends_at: timestamp.nullable().describe('End of the period; null where the window rolls.'),
    }),
    source_group: z.string().describe('The group that declares the limit.'),
    counter_group: z.string().describe('The group on whose counter it counts.'),
    refuses: z
      .boolean()
      .describe('No call passes now. A strict limit may still refuse a large one where this is false.'),
    only_held: z.boolean().describe('Only calls under way stand in the way.'),
    opens_at: opensAt.describe(
      'When it lets a call pass, if nothing else happens; null where it does now, or never.',
    ),
  })
  .meta({ id: 'ExplainedLimit' })

export const Explanation = z
  .object({
    verdict: z.object({
      admits: z.boolean(),
      status: z.int().describe('What a call would get now; 200 stands for whatever the upstream answers.'),
      reason: z.string(),
      opens_at: opensAt.describe(
        'When the last of the limits that refuse opens; null where it is not a matter of time.',
      ),
    }),
    key: z.object({
      prefix: z.string(),
      name: z.string().nullable(),
      workspace_id: z.string(),
      revoked: z.boolean(),
    }),
    group: z
      .object({
        id: z.string(),
        name: z.string().nullable(),
        external_entity_id: z.string(),
        limit_enforcement: z.enum(['INDEPENDENT', 'CASCADING']),
        lists_model: z.boolean(),
      })
      .nullable(),
    model: z.string(),
    endpoint: z.object({ id: z.string(), region: z.string(), provider: z.string() }).nullable(),
    upstream: z
      .object({
        base_url: z.string(),
        model: z.string(),
        region: z.string().nullable(),
        has_api_key: z.boolean(),
      })
      .nullable(),
    limits: z.array(Limit).describe('All that a call has to pass, in the order in which they are reported.'),
  })
  .meta({ id: 'Explanation' })
