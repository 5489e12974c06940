import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../store/database.ts'

/** Some rows out of the middle of a list; null: all of them. */
export type Paging = { readonly limit: number; readonly offset: number } | null

/** The ids of a page, in the order of the list, and how many there are on all pages. */
export interface PageOfIds {
  readonly ids: readonly string[]
  readonly total: number
}

/** Columns by which a list is ordered, the first one first. */
export type Order = readonly (readonly [column: string, direction: 'asc' | 'desc'])[]

const oldestFirst: Order = [
  ['created_at', 'asc'],
  ['id', 'asc'],
]

/** The order in which routing rules are tried. */
export const firstTried: Order = [
  ['priority', 'asc'],
  ['created_at', 'desc'],
  ['id', 'asc'],
]

/** Reads a page out of a query over a table with `id` and `created_at`. */
export async function readPageOfIds<Tables, From extends keyof Tables>(
  query: SelectQueryBuilder<Tables, From, object>,
  paging: Paging,
  order: Order = oldestFirst,
): Promise<PageOfIds> {
  let listed = query.select(sql`id`.as('id')).$castTo<{ id: string }>()
  for (const [column, direction] of order) listed = listed.orderBy(sql.ref(column), direction)
  const rows = await (paging === null ? listed : listed.limit(paging.limit).offset(paging.offset)).execute()
  const ids = rows.map(({ id }) => id)
  if (paging === null) return { ids, total: ids.length }
  const { total } = await query
    .select(sql`count(*)`.as('total'))
    .$castTo<{ total: number }>()
    .executeTakeFirstOrThrow()
  return { ids, total }
}

/**
 * Whether a text column contains a text, whatever the case of letters from A to Z. Other letters count as they are
 * written: the databases do not agree on the case of those.
 */
export function contains(
  kind: Database['kind'],
  column: string,
  text: string,
): ReturnType<typeof sql<SqlBool>> {
  const part = text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  return kind === 'sqlite'
    ? sql<SqlBool>`instr(lower(${sql.ref(column)}), ${part}) > 0`
    : sql<SqlBool>`strpos(lower(${sql.ref(column)} collate "C"), ${part}) > 0`
}

/** No text of ours has it, and not every database can be asked for it. */
export function canBeStored(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
