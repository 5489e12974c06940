import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { fromPricingOverride, PricingOverride, PricingOverrideWish } from './schemas.ts'
import { toPricingOverride } from './shape.ts'

export const updatePricingOverride = governanceRoute({
  method: 'PUT',
  path: '/api/governance/pricing-overrides/{override_id}',
  operationId: 'updatePricingOverride',
  tag: 'Pricing overrides',
  summary: 'Updates a pricing override',
  description:
    'Members that are left out stay as they are, but for the ids of another `scope_kind`. `patch` replaces the whole of it; null takes an id away.',
  body: PricingOverrideWish,
  returns: z.object({ message: z.string(), pricing_override: PricingOverride }),
  refuses: {
    400: 'A body that is not valid, or that names what there is not',
    404: 'There is no such override',
  },

  async handle({ params: { override_id = '' }, body, tenancy, operator }) {
    const input = fromPricingOverride(body)
    if (isFailure(input)) return input
    const override = await tenancy.updatePricingOverride(operator, override_id, input)
    if (isFailure(override)) return override
    return {
      message: 'Pricing override updated successfully',
      pricing_override: toPricingOverride(override),
    }
  },
})
