import { z } from 'zod'
import { fromMemory } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { RoutingRule } from './schemas.ts'
import { ruleOwnersSeen, toRoutingRule } from './shape.ts'

export const getRoutingRule = governanceRoute({
  method: 'GET',
  path: '/api/governance/routing-rules/{rule_id}',
  operationId: 'getRoutingRule',
  tag: 'Routing rules',
  summary: 'Gets a routing rule',
  description: 'As it is stored.',
  query: z.object({ from_memory: fromMemory }),
  returns: z.object({ rule: RoutingRule }),
  refuses: { 404: 'There is no such rule' },

  async handle({ params: { rule_id = '' }, tenancy, principal }) {
    const world = tenancy.snapshot().governance
    const rule = world.routingRule(rule_id)
    const owners = ruleOwnersSeen(visibleTo(principal, world))
    const isSeen = owners?.some(({ scope, scopeId }) => scope === rule?.scope && scopeId === rule.scopeId)
    return rule === null || isSeen === false
      ? { failure: 'not_found', what: 'routing_rule' }
      : { rule: toRoutingRule(rule) }
  },
})
