import type { z } from 'zod'
import type { ModelConfigFact } from '../../../tenancy/governance/facts.ts'
import { alignedOf, readCounted, shownLimits, stampsOf } from '../limits/shape.ts'
import type { GovernanceVisit } from '../route.ts'
import type { Visibility } from '../visibility.ts'
import type { ModelConfig } from './schemas.ts'

/** Model configs in their wire form, with what their limits count now. */
export async function showModelConfigs(
  { tenancy, counters, clock }: GovernanceVisit,
  configs: readonly ModelConfigFact[],
): Promise<z.output<typeof ModelConfig>[]> {
  const counted = await readCounted(counters, configs, clock())
  const { virtualKey } = tenancy.snapshot().governance
  return configs.map((config) => {
    const { id, scope, scopeId } = config
    const limits = shownLimits(config, { kind: 'model_config', id }, counted)
    const owner = scopeId === null ? null : virtualKey(scopeId)
    return {
      id,
      model_name: config.modelName,
      provider: config.provider,
      scope,
      scope_id: scopeId,
      ...(owner === null ? {} : { scope_name: owner.name }),
      ...limits.budgetId,
      ...limits.budget,
      ...limits.budgets,
      ...limits.rateLimitId,
      ...limits.rateLimit,
      calendar_aligned: alignedOf(config),
      ...stampsOf(config),
    }
  })
}

/** One of them. */
export async function answerModelConfig(visit: GovernanceVisit, config: ModelConfigFact) {
  const [shown] = await showModelConfigs(visit, [config])
  return { model_config: shown as z.output<typeof ModelConfig> }
}

/** Whether somebody may see a config: a virtual key sees its own. */
export function seesModelConfig({ key }: Visibility, { scope, scopeId }: ModelConfigFact): boolean {
  return key === null || (scope === 'virtual_key' && scopeId === key.id)
}
