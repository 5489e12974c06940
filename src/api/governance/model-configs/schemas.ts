import { z } from 'zod'
import type { ModelConfigInput } from '../../../tenancy/governance/limits/model-configs.ts'
import { text } from '../../text.ts'
import { fromLimits, limitChangeMembers, limitMembers, shownLimits, stampMembers } from '../limits/schemas.ts'

const ownMembers = {
  model_name: text(0, 512)
    .nullish()
    .describe('As the provider knows it, in whatever case; `*`: every model.'),
  provider: text(0, 255).nullish().describe('Null or empty: whoever serves it.'),
  scope: text(0, 255).nullish().meta({ description: '`global` or `virtual_key`.', default: 'global' }),
  scope_id: text(0, 255).nullish().describe('The virtual key, in that scope.'),
}

export const NewModelConfig = z.object({ ...ownMembers, ...limitMembers }).meta({
  id: 'NewModelConfig',
  example: {
    model_name: 'gpt-4o',
    provider: 'openai',
    rate_limit: { request_max_limit: 600, request_reset_duration: '1m' },
  },
})

export const ModelConfigChange = z
  .object({ ...ownMembers, ...limitChangeMembers })
  .meta({ id: 'ModelConfigChange', example: { budgets: [{ max_limit: 100, reset_duration: '1M' }] } })

export const ModelConfig = z
  .object({
    id: z.string(),
    model_name: z.string(),
    provider: z.string().nullable(),
    scope: z.enum(['global', 'virtual_key']),
    scope_id: z.string().nullable(),
    scope_name: z.string().optional().describe("The virtual key's name."),
    ...shownLimits,
    calendar_aligned: z.boolean().describe('All its budgets are.'),
    ...stampMembers,
  })
  .meta({ id: 'ModelConfig', description: 'Limits of a model, everywhere or for one virtual key.' })

/** A model config as it is sent, as the wish that it is. */
export function fromModelConfig(body: z.output<typeof ModelConfigChange>): ModelConfigInput {
  const { model_name, provider, scope, scope_id } = body
  return {
    modelName: model_name ?? undefined,
    provider,
    scope,
    scopeId: scope_id,
    limits: fromLimits(body),
  }
}
