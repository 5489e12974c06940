import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { fromPricingOverride, PricingOverride, PricingOverrideWish } from './schemas.ts'
import { toPricingOverride } from './shape.ts'

export const createPricingOverride = governanceRoute({
  method: 'POST',
  path: '/api/governance/pricing-overrides',
  operationId: 'createPricingOverride',
  tag: 'Pricing overrides',
  summary: 'Creates a pricing override',
  description:
    'A call is priced by the override of the narrowest scope that has one for it; in a scope the exact name counts before the longest wildcard, and of two alike the older one. Holds from the next call on.',
  body: PricingOverrideWish,
  status: 201,
  returns: z.object({ message: z.string(), pricing_override: PricingOverride }),
  refuses: { 400: 'A body that is not valid, or that names what there is not' },

  async handle({ body, tenancy, operator }) {
    const input = fromPricingOverride(body)
    if (isFailure(input)) return input
    const override = await tenancy.createPricingOverride(operator, input)
    if (isFailure(override)) return override
    return {
      message: 'Pricing override created successfully',
      pricing_override: toPricingOverride(override),
    }
  },
})
