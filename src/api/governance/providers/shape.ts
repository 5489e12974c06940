import type { z } from 'zod'
import type { ProviderLimitsView } from '../../../tenancy/governance/limits/provider-limits.ts'
import { alignedOf, readCounted, shownLimits } from '../limits/shape.ts'
import type { GovernanceVisit } from '../route.ts'
import type { ProviderLimits } from './schemas.ts'

/** Limits of providers in their wire form, with what they count now. */
export async function showProviderLimits(
  { counters, clock }: GovernanceVisit,
  all: readonly ProviderLimitsView[],
): Promise<z.output<typeof ProviderLimits>[]> {
  const counted = await readCounted(counters, all, clock())
  return all.map((limits) => {
    const { provider } = limits
    const shown = shownLimits(limits, { kind: 'provider', id: provider }, counted)
    return {
      provider,
      ...shown.budgetId,
      ...shown.budget,
      ...shown.budgets,
      ...shown.rateLimitId,
      ...shown.rateLimit,
      calendar_aligned: alignedOf(limits),
    }
  })
}
