import { z } from 'zod'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { PricingOverride } from './schemas.ts'
import { toPricingOverride } from './shape.ts'

export const getPricingOverride = governanceRoute({
  method: 'GET',
  path: '/api/governance/pricing-overrides/{override_id}',
  operationId: 'getPricingOverride',
  tag: 'Pricing overrides',
  summary: 'Gets a pricing override',
  description: 'As it is stored.',
  returns: z.object({ pricing_override: PricingOverride }),
  refuses: { 404: 'There is no such override' },

  async handle({ params: { override_id = '' }, tenancy, principal }) {
    const world = tenancy.snapshot().governance
    const override = world.pricingOverride(override_id)
    const { key } = visibleTo(principal, world)
    const isSeen = override !== null && (key === null || override.virtualKeyId === key.id)
    return isSeen
      ? { pricing_override: toPricingOverride(override) }
      : { failure: 'not_found', what: 'pricing_override' }
  },
})
