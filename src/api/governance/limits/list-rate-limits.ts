import { z } from 'zod'
import { isFailure } from '../../../domain/failure.ts'
import { fromMemory, numbered, numberedPaging, numbersOf, readPaging } from '../paging.ts'
import { governanceRoute } from '../route.ts'
import { visibleTo } from '../visibility.ts'
import { RateLimit } from './schemas.ts'
import { readCounted, toRateLimit } from './shape.ts'

export const listRateLimits = governanceRoute({
  method: 'GET',
  path: '/api/governance/rate-limits',
  operationId: 'listRateLimits',
  tag: 'Limits',
  summary: 'Lists rate limits',
  description: 'Of all owners, oldest first. All of them, unless `limit` or `offset` is given.',
  query: z.object({ from_memory: fromMemory, ...numberedPaging }),
  returns: z.object({ rate_limits: z.array(RateLimit), ...numbered }),
  refuses: { 400: 'A parameter that is not valid' },

  async handle({ filter, tenancy, principal, counters, clock }) {
    const read = readPaging(filter)
    if (isFailure(read)) return read
    const paging = filter.from_memory ? null : read.paging
    const { key } = visibleTo(principal, tenancy.snapshot().governance)
    const { items, total } = await tenancy.listRateLimits(key, paging)
    const shown = items.map(({ limit }) => ({ budgets: [], rateLimit: limit }))
    const counted = await readCounted(counters, shown, clock())
    return {
      rate_limits: items.map(({ limit }) => toRateLimit(limit, counted)),
      ...numbersOf(items.length, total, paging),
    }
  },
})
