import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Database } from '../../../store/database.ts'
import type { Schema } from '../../../store/schema.ts'
import { contains, type PageOfIds, type Paging } from '../numbered-page.sql.ts'

/** Which keys a list has. */
export interface VirtualKeyFilter {
  /** Keys of the team, or of the customer itself; with both, of either. */
  readonly teamId: string | null
  readonly customerId: string | null
  readonly search: string | null
  /** None but these; null: all. */
  readonly ids: readonly string[] | null
}

export const virtualKeyOrders = ['name', 'budget_spent', 'created_at', 'status'] as const

export type VirtualKeyOrder = (typeof virtualKeyOrders)[number]

/** What a row has to be ordered by; what keys have spent is no column. */
export interface RowOrder {
  readonly by: Exclude<VirtualKeyOrder, 'budget_spent'>
  readonly isDescending: boolean
}

/** A page of keys, those that are equal by their id. */
export async function readVirtualKeyPage(
  read: Kysely<Schema>,
  kind: Database['kind'],
  filter: VirtualKeyFilter,
  { by, isDescending }: RowOrder,
  paging: Paging,
): Promise<PageOfIds> {
  const matching = keysMatching(read, kind, filter)
  const ordered = matching
    .select('id')
    .orderBy(orderings(kind)[by], isDescending ? 'desc' : 'asc')
    .orderBy('id')
  if (paging === null) {
    const ids = (await ordered.execute()).map(({ id }) => id)
    return { ids, total: ids.length }
  }
  const rows = await ordered.limit(paging.limit).offset(paging.offset).execute()
  const { total } = await matching
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  return { ids: rows.map(({ id }) => id), total }
}

function keysMatching(
  read: Kysely<Schema>,
  kind: Database['kind'],
  { teamId, customerId, search, ids }: VirtualKeyFilter,
) {
  let keys = read.selectFrom('virtual_keys')
  if (teamId !== null || customerId !== null) {
    keys = keys.where(({ eb, or }) =>
      or([
        ...(teamId === null ? [] : [eb('team_id', '=', teamId)]),
        ...(customerId === null ? [] : [eb('customer_id', '=', customerId)]),
      ]),
    )
  }
  if (ids !== null) keys = keys.where('id', 'in', ids)
  return search === null ? keys : keys.where(contains(kind, 'name', search))
}

/** Names without regard to the case of letters from A to Z, the same on every database; active keys first. */
function orderings(kind: Database['kind']): Readonly<Record<RowOrder['by'], RawBuilder<unknown>>> {
  return {
    name: kind === 'sqlite' ? sql`lower(name)` : sql`lower(name collate "C")`,
    created_at: sql`created_at`,
    status: sql`1 - is_active`,
  }
}
