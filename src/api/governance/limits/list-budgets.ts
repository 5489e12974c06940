import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { fromMemory, numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { Budget } from './schemas.ts'
import { readCounted, toBudget } from './shape.ts'

export const listBudgets = governanceRoute({
  method: 'GET',
  path: '/api/governance/budgets',
  operationId: 'listBudgets',
  tag: 'Limits',
  summary: 'Lists budgets',
  description: 'Of all owners, oldest first. All of them, unless `limit` or `offset` is given.',
  query: z.object({ from_memory: fromMemory, ...numberedPaging }),
  returns: z.object({ budgets: z.array(Budget), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, tenancy, principal, counters, clock }) {
    const read = readPaging(filter)
    if (isFailure(read)) return read
    const paging = filter.from_memory ? null : read.paging
    const { key } = visibleTo(principal, tenancy.snapshot().governance)
    const { items, total } = await tenancy.listBudgets(key, paging)
    const shown = items.map(({ limit }) => ({ budgets: [limit], rateLimit: null }))
    const counted = await readCounted(counters, shown, clock())
    return {
      budgets: items.map(({ limit, owner }) => toBudget(limit, owner, counted)),
      ...numbersOf(items.length, total, paging),
    }
  },
})
