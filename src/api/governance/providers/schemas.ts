import { z } from 'zod'
import { limitChangeMembers, shownLimits } from '../limits/schemas.ts'

export const ProviderLimitsChange = z.object(limitChangeMembers).meta({
  id: 'ProviderLimitsChange',
  example: { budgets: [{ max_limit: 2000, reset_duration: '1M', calendar_aligned: true }] },
})

export const ProviderLimits = z
  .object({
    provider: z.string(),
    ...shownLimits,
    calendar_aligned: z.boolean().describe('All its budgets are.'),
  })
  .meta({ id: 'ProviderLimits', description: 'Limits of a provider, whoever calls it.' })
