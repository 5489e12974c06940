import { z } from 'zod'
import { type Failure, isFailure } from '../../../domain/failure.ts'
import type { Paging } from '../../../tenancy/governance/numbered-page.sql.ts'
import { virtualKeyOrders } from '../../../tenancy/governance/owners/virtual-key-list.sql.ts'
import type { KeySort } from '../../../tenancy/governance/owners/virtual-key-list.ts'
import { flag, fromMemory, numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { expand } from '../tree.ts'
import { visibleTo } from '../visibility.ts'
import { VirtualKey, virtualKeyShape } from './answer-virtual-key.ts'
import { readKeyTree } from './tree.ts'

const mostExported = 10_000

const Query = z.object({
  from_memory: fromMemory,
  ...numberedPaging,
  search: z.string().optional().describe('Part of the name, whatever the case of letters from A to Z.'),
  customer_id: z.string().optional().describe('Keys of the customer itself. With `team_id`: of either.'),
  team_id: z.string().optional().describe('Keys of the team. With `customer_id`: of either.'),
  sort_by: z
    .string()
    .optional()
    .meta({
      enum: [...virtualKeyOrders],
      description:
        'By when they were made, where it is left out. `budget_spent`: what their own budgets count now.',
    }),
  order: z
    .string()
    .optional()
    .meta({ enum: ['asc', 'desc'], description: 'Of `sort_by`; anything but `desc` is ascending.' }),
  export: flag.meta({ description: `As many as ${mostExported} in one answer.` }),
  expand,
})

type Filter = z.output<typeof Query>

export const listVirtualKeys = governanceRoute({
  method: 'GET',
  path: '/api/governance/virtual-keys',
  operationId: 'listVirtualKeys',
  tag: 'Virtual keys',
  summary: 'Lists virtual keys',
  description:
    'Oldest first, with their limits, what they may use, and their teams or customers. All of them, unless a parameter pages, filters or sorts.',
  query: Query,
  returns: z.object({ virtual_keys: z.array(VirtualKey), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, ...visit }) {
    const { tenancy, principal } = visit
    const paging = readKeyPaging(filter)
    if (isFailure(paging)) return paging
    const sort = readSort(filter)
    if (isFailure(sort)) return sort
    const { keys, total } = await tenancy.listVirtualKeys(
      {
        teamId: filter.team_id || null,
        customerId: filter.customer_id || null,
        search: (!filter.from_memory && filter.search) || null,
        ids: visibleTo(principal, tenancy.snapshot().governance).keyIds,
      },
      sort,
      paging.paging,
    )
    const tree = await readKeyTree(visit, keys, { expansion: filter.expand, isList: true })
    return { virtual_keys: keys.map(virtualKeyShape(tree)), ...numbersOf(keys.length, total, paging.paging) }
  },
})

function readKeyPaging(filter: Filter): { readonly paging: Paging } | Failure {
  const { search, customer_id, team_id, sort_by, order } = filter
  const isPaged = [search, customer_id, team_id, sort_by, order].some(Boolean)
  const bounds = filter.export ? { usual: mostExported, most: mostExported } : undefined
  const read = readPaging(filter, isPaged || filter.export, bounds)
  return filter.from_memory && !isFailure(read) ? { paging: null } : read
}

function readSort({ from_memory, sort_by, order }: Filter): KeySort | Failure {
  const by = virtualKeyOrders.find((known) => known === sort_by)
  if (by === undefined && sort_by) return { failure: 'invalid', message: 'Invalid sort_by parameter' }
  if (from_memory) return { by: 'created_at', isDescending: false }
  return { by: by ?? 'created_at', isDescending: order === 'desc' }
}
