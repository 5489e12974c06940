import type { Route } from '../route.ts'
import { createModelConfig } from './model-configs/create-model-config.ts'
import { deleteModelConfig } from './model-configs/delete-model-config.ts'
import { getModelConfig } from './model-configs/get-model-config.ts'
import { listModelConfigs } from './model-configs/list-model-configs.ts'
import { updateModelConfig } from './model-configs/update-model-config.ts'
import { createPricingOverride } from './pricing-overrides/create-pricing-override.ts'
import { deletePricingOverride } from './pricing-overrides/delete-pricing-override.ts'
import { getPricingOverride } from './pricing-overrides/get-pricing-override.ts'
import { listPricingOverrides } from './pricing-overrides/list-pricing-overrides.ts'
import { syncPrices } from './pricing-overrides/sync-prices.ts'
import { updatePricingOverride } from './pricing-overrides/update-pricing-override.ts'
import { deleteProviderLimits } from './providers/delete-provider-limits.ts'
import { listProviderLimits } from './providers/list-provider-limits.ts'
import { setProviderLimits } from './providers/set-provider-limits.ts'
import type { GovernanceVisit } from './route.ts'
import { routingRuleRoutes } from './routing-rules/routes.ts'

/** What holds for models and providers, whoever calls: limits, routes and prices. */
export const policyRoutes: readonly Route<GovernanceVisit>[] = [
  listModelConfigs,
  createModelConfig,
  getModelConfig,
  updateModelConfig,
  deleteModelConfig,
  listProviderLimits,
  setProviderLimits,
  deleteProviderLimits,
  ...routingRuleRoutes,
  listPricingOverrides,
  createPricingOverride,
  getPricingOverride,
  updatePricingOverride,
  deletePricingOverride,
  syncPrices,
]
