import { z } from 'zod'
import { ruleScopes } from '../../../rules/rule.ts'
import { text } from '../../text.ts'
import { stampMembers } from '../limits/schemas.ts'

const Target = z
  .object({
    provider: text(0, 255).nullish().describe('Left out: the one that the call has.'),
    model: text(0, 512).nullish().describe('Left out: the one that the call has.'),
    key_id: text(0, 255).nullish().describe("The provider's key to use, and no other."),
    weight: z.number().nullish().describe('Above 0. Those of all targets add up to 1.'),
  })
  .meta({ id: 'RuleTargetWish' })

const Fallback = z.union([
  text(0, 1024),
  z.object({
    provider: text(0, 255).nullish(),
    model: text(0, 512).nullish(),
    key_id: text(0, 255).nullish(),
  }),
])

/** A rule as it is sent. What it lacks is told in the words that clients know. */
export const RuleWish = z
  .object({
    name: text(0, 255).nullish().describe('Unique within its scope.'),
    description: text(0, 10_000).nullish(),
    enabled: z.boolean().nullish().meta({ default: true }),
    chain_rule: z
      .boolean()
      .nullish()
      .meta({ default: false, description: 'Whether the rules are asked again about where it leads.' }),
    cel_expression: text(0, 100_000).nullish().describe('Which calls it is for, in CEL. Empty: all of them.'),
    targets: z.array(Target).max(1000).nullish().describe('Where it sends them: one of these, by weight.'),
    provider: text(0, 255).nullish().describe('The older form of one target of weight 1, as is `model`.'),
    model: text(0, 512).nullish(),
    fallbacks: z
      .array(Fallback)
      .max(1000)
      .nullish()
      .describe('`provider/model`, or `provider/` for the model that was asked for.'),
    scope: text(0, 255)
      .nullish()
      .meta({ enum: [...ruleScopes], default: 'global' }),
    scope_id: text(0, 255).nullish().describe('Whose calls, in a scope other than `global`.'),
    priority: z
      .int()
      .nullish()
      .meta({ default: 0, description: 'Lower ones are tried first, within a scope.' }),
    query: z
      .record(z.string(), z.unknown())
      .nullish()
      .describe('What the rule was drawn with; kept as it is.'),
  })
  .meta({
    id: 'RoutingRuleWish',
    example: {
      name: 'Gold customers',
      cel_expression: 'headers["x-tier"] == "gold"',
      targets: [{ provider: 'openai', model: 'gpt-4o', weight: 1 }],
      fallbacks: ['azure/gpt-4o'],
    },
  })

export const RoutingRule = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    enabled: z.boolean(),
    chain_rule: z.boolean(),
    cel_expression: z.string(),
    targets: z
      .array(
        z
          .object({
            provider: z.string().optional(),
            model: z.string().optional(),
            key_id: z.string().optional(),
            weight: z.number(),
          })
          .meta({ id: 'RuleTarget' }),
      )
      .describe('Heaviest first.'),
    fallbacks: z
      .array(z.union([z.string(), z.record(z.string(), z.unknown())]))
      .describe('As they were written.'),
    scope: z.enum(ruleScopes),
    scope_id: z.string().nullable(),
    priority: z.int(),
    query: z.record(z.string(), z.unknown()).nullable(),
    ...stampMembers,
  })
  .meta({ id: 'RoutingRule', description: 'Sends calls elsewhere than they asked.' })
