import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { fromMemory, numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { Customer } from '../schemas.ts'
import { partyShapes } from '../shape.ts'
import { expand, readTree } from '../tree.ts'
import { visibleTo } from '../visibility.ts'

export const listCustomers = governanceRoute({
  method: 'GET',
  path: '/api/governance/customers',
  operationId: 'listCustomers',
  tag: 'Customers',
  summary: 'Lists customers',
  description:
    'Oldest first, with their limits, teams and virtual keys. All of them, unless `limit`, `offset` or `search` is given.',
  query: z.object({
    from_memory: fromMemory,
    search: z.string().optional().describe('Part of the name, whatever the case of letters from A to Z.'),
    ...numberedPaging,
    expand,
  }),
  returns: z.object({ customers: z.array(Customer), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, ...visit }) {
    const { tenancy, principal } = visit
    const read = readPaging(filter, (filter.search ?? '') !== '')
    if (isFailure(read)) return read
    const visible = visibleTo(principal, tenancy.snapshot().governance)
    const paging = filter.from_memory ? null : read.paging
    const search = (!filter.from_memory && filter.search) || null
    const { customers, total } = await tenancy.listCustomers({ search, ids: visible.customerIds }, paging)
    const tree = await readTree(visit, { customers, expansion: filter.expand, isList: true })
    const shapes = partyShapes(tree)
    return { customers: customers.map(shapes.customer), ...numbersOf(customers.length, total, paging) }
  },
})
