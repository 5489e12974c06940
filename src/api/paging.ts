import { z } from 'zod'
import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { Page } from '../tenancy/page.ts'

/** What every list takes. */
export const paging = {
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be an integer from 1 to 1000')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 1000, 'must be an integer from 1 to 1000')
    .default(100)
    .meta({ type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'Items of one page.' }),
  cursor: z
    .string()
    .optional()
    .meta({ description: 'As the page before gave it, with the same filters. Left out on the first call.' }),
}

/** A page of `item`. `cursor` is null exactly when `has_more` is false. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    pagination: z.object({
      has_more: z.boolean(),
      cursor: z.string().nullable().describe('For the next page; null on the last one.'),
    }),
  })
}

/** A page in its wire form, each item shaped by `shape`. */
export function toPage<Row, Item>(page: Page<Row> | Failure, shape: (row: Row) => Item) {
  if (isFailure(page)) return page
  return {
    items: page.items.map(shape),
    pagination: { has_more: page.next !== null, cursor: page.next },
  }
}
