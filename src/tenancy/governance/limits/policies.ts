import type { GovernanceContext } from '../context.ts'
import { type PriceSheets, priceSheetsOf } from '../prices/imported-prices.ts'
import { type PricingOverrides, pricingOverridesOf } from '../prices/pricing-overrides.ts'
import { type RoutingRules, routingRulesOf } from '../routing/routing-rules.ts'
import { type ModelConfigs, modelConfigsOf } from './model-configs.ts'
import { type ProviderLimits, providerLimitsOf } from './provider-limits.ts'

/** What holds for models and providers, whoever calls: limits, routes and prices. */
export interface Policies extends ModelConfigs, ProviderLimits, RoutingRules, PricingOverrides, PriceSheets {}

export function policiesOf(context: GovernanceContext): Policies {
  return {
    ...modelConfigsOf(context),
    ...providerLimitsOf(context),
    ...routingRulesOf(context),
    ...pricingOverridesOf(context),
    ...priceSheetsOf(context),
  }
}
