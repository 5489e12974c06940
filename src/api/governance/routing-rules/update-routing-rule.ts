import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { RoutingRule, RuleWish } from './schemas.ts'
import { toRoutingRule } from './shape.ts'

export const updateRoutingRule = governanceRoute({
  method: 'PUT',
  path: '/api/governance/routing-rules/{rule_id}',
  operationId: 'updateRoutingRule',
  tag: 'Routing rules',
  summary: 'Updates a routing rule',
  description:
    'Members that are left out stay as they are, null brings a default back. The rule that comes of it is judged as a whole.',
  body: RuleWish,
  returns: z.object({ message: z.string(), rule: RoutingRule }),
  refuses: {
    400: 'A body that is not valid, a condition that does not compile, or somebody who is not there',
    404: 'There is no such rule',
    409: 'The name is taken',
  },

  async handle({ params: { rule_id = '' }, body, tenancy, operator }) {
    const rule = await tenancy.updateRoutingRule(operator, rule_id, body)
    return isFailure(rule)
      ? rule
      : { message: 'Routing rule updated successfully', rule: toRoutingRule(rule) }
  },
})
