import { z } from 'zod'
import { text, timestamp } from '../text.ts'

const type = z.enum(['TOKEN', 'REQUEST'])
const threshold = z
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .describe('Most units per window; 0 lets nothing through.')
const strict = z
  .boolean()
  .nullish()
  .describe('Never overrun, not even by calls in flight: tokens are held at their worst case.')
const sourceGroup = z.string().describe('The group that declares the limit.')

const RateLimit = z
  .object({ type, unit: z.enum(['SECOND', 'MINUTE']), threshold, strict })
  .meta({ id: 'RateLimit', description: 'A ceiling over a rolling second or minute.' })
const UsageLimit = z
  .object({ type, unit: z.enum(['DAY']), threshold, strict })
  .meta({ id: 'UsageLimit', description: 'A ceiling over a UTC day.' })

const slug = text(1, 255).describe('The slug of an endpoint of the workspace; it need not exist yet.')

/** What a group may call, as it is sent: limits left out are none. */
const GroupModelInput = z
  .object({ slug, rate_limits: z.array(RateLimit).nullish(), usage_limits: z.array(UsageLimit).nullish() })
  .meta({ id: 'GroupModelInput' })
export type GroupModelInput = z.output<typeof GroupModelInput>

const GroupModel = z
  .object({ slug: z.string(), rate_limits: z.array(RateLimit), usage_limits: z.array(UsageLimit) })
  .meta({ id: 'GroupModel' })

const EffectiveGroupModel = z
  .object({
    slug: z.string(),
    rate_limits: z.array(
      RateLimit.extend({ source_group: sourceGroup }).meta({
        id: 'EffectiveRateLimit',
        description: 'As it holds.',
      }),
    ),
    usage_limits: z.array(
      UsageLimit.extend({ source_group: sourceGroup }).meta({
        id: 'EffectiveUsageLimit',
        description: 'As it holds.',
      }),
    ),
  })
  .meta({ id: 'EffectiveGroupModel' })

const Metadata = z
  .object({
    name: z.string().nullable(),
    external_entity_id: z.string(),
  })
  .meta({ id: 'GroupMetadata' })

const LimitEnforcement = z.enum(['INDEPENDENT', 'CASCADING']).meta({
  id: 'LimitEnforcement',
  description: 'INDEPENDENT: each group counts for itself. CASCADING: a call counts for every ancestor too.',
})

export const Group = z
  .object({
    id: z.string(),
    metadata: Metadata,
    models: z.array(GroupModel).describe('As declared on this group. Exactly these slugs may be called.'),
    effective_models: z
      .array(EffectiveGroupModel)
      .describe('The limits that hold, inherited ones included. Computed.'),
    hierarchy: z.object({
      limit_enforcement: LimitEnforcement,
      parent_group_id: z.string().nullable(),
    }),
    created_at: timestamp,
  })
  .meta({
    id: 'Group',
    example: {
      id: 'g_01KB2Q9V7M3C4D5E6F7G8H9J0K',
      metadata: { name: 'Northwind / research', external_entity_id: 'nw-research' },
      models: [
        {
          slug: 'aurora/lumen-2',
          rate_limits: [{ type: 'TOKEN', unit: 'MINUTE', threshold: 60_000 }],
          usage_limits: [],
        },
      ],
      effective_models: [
        {
          slug: 'aurora/lumen-2',
          rate_limits: [
            {
              type: 'TOKEN',
              unit: 'MINUTE',
              threshold: 60_000,
              source_group: 'g_01KB2Q9V7M3C4D5E6F7G8H9J0K',
            },
          ],
          usage_limits: [],
        },
      ],
      hierarchy: { limit_enforcement: 'INDEPENDENT', parent_group_id: null },
      created_at: '2026-11-02T08:20:00Z',
    },
  })

export const NewGroup = z
  .object({
    metadata: z.object({
      name: text(0, 255).nullish(),
      external_entity_id: text(1, 255).describe('Unique among the live groups of the workspace.'),
    }),
    models: z.array(GroupModelInput).min(1, 'must list at least one model'),
    hierarchy: z.object({
      limit_enforcement: LimitEnforcement.nullish().describe(
        "Left out: the parent's, INDEPENDENT for a root. One mode holds for a whole tree.",
      ),
      parent_group_id: z.string().nullish().describe('Null or left out: the group is a root.'),
    }),
  })
  .meta({
    id: 'NewGroup',
    example: {
      metadata: { name: 'Northwind / research', external_entity_id: 'nw-research' },
      models: [
        {
          slug: 'aurora/lumen-2',
          rate_limits: [{ type: 'TOKEN', unit: 'MINUTE', threshold: 60_000 }],
          usage_limits: [{ type: 'TOKEN', unit: 'DAY', threshold: 5_000_000 }],
        },
      ],
      hierarchy: { limit_enforcement: 'CASCADING' },
    },
  })

const immutable = z
  .unknown()
  .refine((value) => value === undefined, 'cannot be changed')
  .optional()
  .meta({ readOnly: true, description: 'Refused: it cannot be changed.' })

export const GroupPatch = z
  .object({
    metadata: z
      .object({
        name: text(0, 255).nullable().optional().describe('Null clears the name.'),
        external_entity_id: immutable,
      })
      .nullish(),
    models: z
      .array(GroupModelInput)
      .nullish()
      .describe('Replaces all models and all their limits; an empty list clears them.'),
    hierarchy: immutable,
  })
  .refine(
    ({ metadata, models }) => metadata?.name !== undefined || Array.isArray(models),
    'needs metadata.name or models',
  )
  .meta({ id: 'GroupPatch', example: { metadata: { name: 'Northwind' } } })

export const DeletedGroup = z
  .object({ id: z.string(), metadata: Metadata, deleted_at: timestamp })
  .meta({ id: 'DeletedGroup' })
