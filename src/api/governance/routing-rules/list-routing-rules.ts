import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { fromMemory, numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { RoutingRule } from './schemas.ts'
import { ruleOwnersSeen, toRoutingRule } from './shape.ts'

export const listRoutingRules = governanceRoute({
  method: 'GET',
  path: '/api/governance/routing-rules',
  operationId: 'listRoutingRules',
  tag: 'Routing rules',
  summary: 'Lists routing rules',
  description: 'By priority, then newest first. All of them, unless `limit`, `offset` or `search` is given.',
  query: z.object({
    scope: z.string().optional().describe('Of this scope only.'),
    scope_id: z.string().optional().describe('For this virtual key, team or customer only.'),
    from_memory: fromMemory,
    search: z.string().optional().describe('Part of the name, whatever the case of letters from A to Z.'),
    ...numberedPaging,
  }),
  returns: z.object({ rules: z.array(RoutingRule), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, tenancy, principal }) {
    const read = readPaging(filter, (filter.search ?? '') !== '')
    if (isFailure(read)) return read
    const paging = filter.from_memory ? null : read.paging
    const { rules, total } = await tenancy.listRoutingRules(
      {
        scope: filter.scope || null,
        scopeId: filter.scope_id || null,
        search: (!filter.from_memory && filter.search) || null,
        owners: ruleOwnersSeen(visibleTo(principal, tenancy.snapshot().governance)),
      },
      paging,
    )
    return { rules: rules.map(toRoutingRule), ...numbersOf(rules.length, total, paging) }
  },
})
