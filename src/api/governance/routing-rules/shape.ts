import type { z } from 'zod'
import type { RoutingRuleFact } from '../../../tenancy/governance/facts.ts'
import type { RuleOwner } from '../../../tenancy/governance/routing/routing-rules.ts'
import { stampsOf } from '../limits/shape.ts'
import type { Visibility } from '../visibility.ts'
import type { RoutingRule } from './schemas.ts'

/** A rule in its wire form. */
export function toRoutingRule(rule: RoutingRuleFact): z.output<typeof RoutingRule> {
  return {
    id: rule.id,
    name: rule.name,
    description: rule.description,
    enabled: rule.enabled,
    chain_rule: rule.chainRule,
    cel_expression: rule.celExpression,
    targets: rule.targets.map(({ provider, model, keyId, weight }) => ({
      ...(provider === null ? {} : { provider }),
      ...(model === null ? {} : { model }),
      ...(keyId === null ? {} : { key_id: keyId }),
      weight,
    })),
    fallbacks: rule.fallbacks.map((fallback) => (typeof fallback === 'string' ? fallback : { ...fallback })),
    scope: rule.scope,
    scope_id: rule.scopeId,
    priority: rule.priority,
    query: rule.query,
    ...stampsOf(rule),
  }
}

/** Whose rules somebody may see; null: all. A virtual key does not see those for everybody. */
export function ruleOwnersSeen({ key, teamIds, customerIds }: Visibility): readonly RuleOwner[] | null {
  if (key === null) return null
  return [
    { scope: 'virtual_key', scopeId: key.id },
    ...(teamIds ?? []).map((scopeId) => ({ scope: 'team', scopeId }) as const),
    ...(customerIds ?? []).map((scopeId) => ({ scope: 'customer', scopeId }) as const),
  ]
}
