import { z } from 'zod'
import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { Page } from '../tenancy/page.ts'

/** The query parameter `limit`: `usual` where it is left out, at most `most`. */
export function pageSize(usual: number, most: number) {
  const wrong = `must be an integer from 1 to ${most}`
  return z
    .string()
    .regex(/^\d{1,4}$/, wrong)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= most, wrong)
    .default(usual)
    .meta({ type: 'integer', minimum: 1, maximum: most, default: usual, description: 'Items of one page.' })
}

/** What a list takes. */
export const paging = {
  limit: pageSize(100, 1000),
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
