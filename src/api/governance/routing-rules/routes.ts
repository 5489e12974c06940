import type { Route } from '../../route.ts'
import type { GovernanceVisit } from '../route.ts'
import { createRoutingRule } from './create-routing-rule.ts'
import { deleteRoutingRule } from './delete-routing-rule.ts'
import { getRoutingRule } from './get-routing-rule.ts'
import { listRoutingRules } from './list-routing-rules.ts'
import { updateRoutingRule } from './update-routing-rule.ts'

const own: readonly Route<GovernanceVisit>[] = [
  listRoutingRules,
  createRoutingRule,
  getRoutingRule,
  updateRoutingRule,
  deleteRoutingRule,
]

/** The routes of routing rules, under both paths that clients know. */
export const routingRuleRoutes: readonly Route<GovernanceVisit>[] = [
  ...own,
  ...own.map((route) => ({
    ...route,
    path: route.path.replace('/api/governance/routing-rules', '/api/routing/rules'),
    operationId: route.operationId?.replace('Routing', '') ?? null,
    description: `Another path for the same: ${route.description}`,
  })),
]
