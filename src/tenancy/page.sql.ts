import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Position } from './cursor.ts'

/** Which rows of a list: so many, behind a position, or from the beginning. */
export interface PageOf {
  readonly limit: number
  readonly after: Position | null
}

/**
 * Cuts a page out of a query: the rows behind a position, oldest first, with one more than asked for where there is one.
 * By `column`, which holds the instant of a position, and `id`.
 */
export function oldestFirst<Tables, From extends keyof Tables, Row>(
  query: SelectQueryBuilder<Tables, From, Row>,
  { limit, after }: PageOf,
  column: 'created_at' | 'settled_at' = 'created_at',
): SelectQueryBuilder<Tables, From, Row> {
  const instant = sql.ref(column)
  const id = sql.ref('id')
  const page = query
    .orderBy(instant)
    .orderBy(id)
    .limit(limit + 1)
  return after === null
    ? page
    : page.where(sql<SqlBool>`(${instant}, ${id}) > (${after.createdAt}, ${after.id})`)
}
