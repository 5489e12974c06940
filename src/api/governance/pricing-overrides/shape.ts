import type { z } from 'zod'
import type { PricingOverrideFact } from '../../../tenancy/governance/facts.ts'
import { stampsOf } from '../limits/shape.ts'
import type { PricingOverride } from './schemas.ts'

/** An override in its wire form. */
export function toPricingOverride(override: PricingOverrideFact): z.output<typeof PricingOverride> {
  const { virtualKeyId, providerId, providerKeyId } = override
  const prices = Object.entries(override.patch)
  return {
    id: override.id,
    name: override.name,
    scope_kind: override.scopeKind,
    ...(virtualKeyId === null ? {} : { virtual_key_id: virtualKeyId }),
    ...(providerId === null ? {} : { provider_id: providerId }),
    ...(providerKeyId === null ? {} : { provider_key_id: providerKeyId }),
    match_type: override.matchType,
    pattern: override.pattern,
    request_types: [...override.requestTypes],
    patch: Object.fromEntries(prices.map(([field, price]) => [field, Number(price)])),
    // The stored digits are those of a JSON number.
    pricing_patch: `{${prices.map(([field, price]) => `"${field}":${price}`).join(',')}}`,
    ...stampsOf(override),
  }
}
