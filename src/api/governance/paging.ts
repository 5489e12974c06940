import { z } from 'zod'
import type { Failure } from '../../domain/failure.ts'
import { isFailure } from '../../domain/failure.ts'
import type { Paging } from '../../tenancy/governance/numbered-page.sql.ts'

const usualLimit = 25
const mostLimit = 100

/** How long a page is where nobody says it, and how long it may be. */
interface Bounds {
  readonly usual: number
  readonly most: number
}

const ofPages: Bounds = { usual: usualLimit, most: mostLimit }

/** The query of a list that pages by numbers, as callers send it. */
export const numberedPaging = {
  limit: z
    .string()
    .optional()
    .meta({
      type: 'integer',
      description: `Items of one page: ${usualLimit} where it is 0, at most ${mostLimit}.`,
    }),
  offset: z.string().optional().meta({ type: 'integer', description: 'Items before the page.' }),
}

/** Only the exact text `true` is true. */
export const flag = z
  .string()
  .optional()
  .transform((text) => text === 'true')
  .meta({ type: 'boolean', default: false })

export const fromMemory = flag.meta({
  description:
    'Answers from memory, whose counts are as of now, without paging or search. The counts are so anyway.',
})

interface Asked {
  readonly limit?: string | undefined
  readonly offset?: string | undefined
}

/** Which part of a list is asked for; all of it where nothing says otherwise. `isPaged` by something else than numbers. */
export function readPaging(
  { limit = '', offset = '' }: Asked,
  isPaged = false,
  { usual, most }: Bounds = ofPages,
): { readonly paging: Paging } | Failure {
  const rows = readCount('limit', limit)
  if (isFailure(rows)) return rows
  const before = readCount('offset', offset)
  if (isFailure(before)) return before
  if (limit === '' && offset === '' && !isPaged) return { paging: null }
  return { paging: { limit: Math.min(rows.count || usual, most), offset: before.count } }
}

function readCount(name: 'limit' | 'offset', text: string): { readonly count: number } | Failure {
  const count = Number(text)
  if (!/^(?:[+-]?\d+)?$/.test(text) || !Number.isSafeInteger(count)) {
    return { failure: 'invalid', message: `Invalid ${name} parameter: must be a number` }
  }
  if (count < 0) return { failure: 'invalid', message: `Invalid ${name} parameter: must be non-negative` }
  return { count }
}

/** What a list says of itself beside its items. */
export const numbered = {
  count: z.int().describe('Items of this answer.'),
  total_count: z.int().describe('Items of all pages.'),
  limit: z.int(),
  offset: z.int(),
}

export function numbersOf(count: number, total: number, paging: Paging) {
  return { count, total_count: total, limit: paging?.limit ?? count, offset: paging?.offset ?? 0 }
}
