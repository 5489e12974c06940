import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'

export const deleteRoutingRule = governanceRoute({
  method: 'DELETE',
  path: '/api/governance/routing-rules/{rule_id}',
  operationId: 'deleteRoutingRule',
  tag: 'Routing rules',
  summary: 'Deletes a routing rule',
  description: 'No call is routed by it any more.',
  returns: z.object({ message: z.string() }),
  refuses: { 404: 'There is no such rule' },

  async handle({ params: { rule_id = '' }, tenancy, operator }) {
    const deleted = await tenancy.deleteRoutingRule(operator, rule_id)
    return isFailure(deleted) ? deleted : { message: 'Routing rule deleted successfully' }
  },
})
