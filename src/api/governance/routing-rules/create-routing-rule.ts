import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { governanceRoute } from '../route.ts'
import { RoutingRule, RuleWish } from './schemas.ts'
import { toRoutingRule } from './shape.ts'

export const createRoutingRule = governanceRoute({
  method: 'POST',
  path: '/api/governance/routing-rules',
  operationId: 'createRoutingRule',
  tag: 'Routing rules',
  summary: 'Creates a routing rule',
  description:
    'Of the rules of a virtual key, then its team’s, its customer’s and everybody’s, the first that matches a call counts. It never lets a call go where the virtual key may not.',
  body: RuleWish,
  returns: z.object({ message: z.string(), rule: RoutingRule }),
  refuses: {
    400: 'A body that is not valid, a condition that does not compile, or somebody who is not there',
    409: 'The name is taken',
  },

  async handle({ body, tenancy, operator }) {
    const rule = await tenancy.createRoutingRule(operator, body)
    return isFailure(rule)
      ? rule
      : { message: 'Routing rule created successfully', rule: toRoutingRule(rule) }
  },
})
