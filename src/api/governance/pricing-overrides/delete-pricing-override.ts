import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'

export const deletePricingOverride = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/pricing-overrides/{override_id}',
  operationId: 'deletePricingOverride',
  tag: 'Pricing overrides',
  summary: 'Deletes a pricing override',
  description: 'What calls have cost by it stays.',
  returns: z.object({ message: z.string() }),
  refuses: { 404: 'There is no such override' },

  async handle({ params: { override_id = '' }, tenancy, operator }) {
    const deleted = await tenancy.deletePricingOverride(operator, override_id)
    return isFailure(deleted) ? deleted : { message: 'Pricing override deleted successfully' }
  },
})
