import type { ExpressionBuilder, Kysely } from 'kysely'
import type { WorkspaceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Schema } from '../store/schema.ts'
import { type EventRow, eventColumns } from './event.ts'

/** Before when the events of every instance are stored; null where no instance holds anything back. */
export async function readWatermark(database: Kysely<Schema>): Promise<EpochMs | null> {
  const row = await database
    .selectFrom('instances')
    .select(({ fn }) => fn.min('watermark_at').as('at'))
    .where('retired_at', 'is', null)
    .executeTakeFirst()
  return row?.at ?? null
}

/** Which events, after which one, and how many at most. */
export interface EventPage {
  readonly workspaceId: WorkspaceId
  readonly startAt: EpochMs
  /** Exclusive. */
  readonly endAt: EpochMs
  readonly after: { readonly at: EpochMs; readonly id: string } | null
  readonly limit: number
}

/** Null: no filter. Each value is looked for by itself, so that a page costs its own length however rare they are. */
export type EventFilter = null | {
  readonly column: 'key_prefix' | 'external_id'
  readonly values: readonly string[]
}

/** Events in the order of their instants and ids. */
export async function readEventPage(
  database: Kysely<Schema>,
  page: EventPage,
  filter: EventFilter,
): Promise<readonly EventRow[]> {
  if (filter === null) {
    const all = database.selectFrom('usage_events').select(eventColumns)
    return all.where(within(page)).orderBy('at').orderBy('id').limit(page.limit).execute()
  }
  const [first, ...others] = filter.values.map((value) => keysOf(database, page, filter.column, value))
  if (first === undefined) return []
  const keys = others.reduce(
    (all, next) => all.unionAll(database.selectFrom(next.as('branch')).selectAll()),
    database.selectFrom(first.as('branch')).selectAll(),
  )
  const merged = database.selectFrom(keys.as('key')).selectAll().orderBy('at').orderBy('id').limit(page.limit)
  // A cross join keeps SQLite from beginning with the ledger instead of the few keys that were found.
  return database
    .selectFrom(merged.as('found'))
    .crossJoin('usage_events as event')
    .select(eventColumns.map((column) => `event.${column}` as const))
    .where('event.workspace_id', '=', page.workspaceId)
    .whereRef('event.at', '=', 'found.at')
    .whereRef('event.id', '=', 'found.id')
    .orderBy('found.at')
    .orderBy('found.id')
    .execute()
}

/** Keys of events with one value, of which the filter's index has all: whole rows are not read before they are chosen. */
function keysOf(
  database: Kysely<Schema>,
  page: EventPage,
  column: 'key_prefix' | 'external_id',
  value: string,
) {
  return database
    .selectFrom('usage_events')
    .select(['at', 'id'])
    .where(column, '=', value)
    .where(within(page))
    .orderBy('at')
    .orderBy('id')
    .limit(page.limit)
}

/** The events of the window that come after the last page. */
function within({ workspaceId, startAt, endAt, after }: EventPage) {
  return ({ eb, and, refTuple, tuple }: ExpressionBuilder<Schema, 'usage_events'>) =>
    and([
      eb('workspace_id', '=', workspaceId),
      eb('at', '>=', after?.at ?? startAt),
      eb('at', '<', endAt),
      // Those of the native door stand in no group.
      eb('node_id', 'is not', null),
      ...(after === null ? [] : [eb(refTuple('at', 'id'), '>', tuple(after.at, after.id))]),
    ])
}

/**
 * Which of these keys belong to a group of one of these external ids. Neither ever changes, nor does a key leave its
 * group, so this says of every event of a key whose it is.
 */
export async function readKeysOf(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  prefixes: readonly string[],
  externalIds: readonly string[],
): Promise<readonly string[]> {
  const rows = await database
    .selectFrom('keys')
    .innerJoin('nodes', 'nodes.id', 'keys.node_id')
    .select('prefix')
    .where('keys.workspace_id', '=', workspaceId)
    .where('prefix', 'in', prefixes)
    .where('external_id', 'in', externalIds)
    .execute()
  return rows.map(({ prefix }) => prefix)
}
