import { type Kysely, sql } from 'kysely'
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
  if (filter === null) return branch(database, page, null, '').execute()
  const [first, ...others] = filter.values.map((value) => branch(database, page, filter.column, value))
  if (first === undefined) return []
  if (others.length === 0) return first.execute()
  const merged = others.reduce(
    (all, next) => all.unionAll(database.selectFrom(next.as('branch')).selectAll()),
    database.selectFrom(first.as('branch')).selectAll(),
  )
  return database
    .selectFrom(merged.as('merged'))
    .selectAll()
    .orderBy('at')
    .orderBy('id')
    .limit(page.limit)
    .execute()
}

function branch(
  database: Kysely<Schema>,
  { workspaceId, startAt, endAt, after, limit }: EventPage,
  column: 'key_prefix' | 'external_id' | null,
  value: string,
) {
  return database
    .selectFrom('usage_events')
    .select(eventColumns)
    .where('workspace_id', '=', workspaceId)
    .$if(column !== null, (query) => query.where(sql.ref(column ?? ''), '=', value))
    .where('at', '>=', after?.at ?? startAt)
    .where('at', '<', endAt)
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('at', 'id'), '>', tuple(after?.at ?? 0, after?.id ?? '')),
      ),
    )
    .orderBy('at')
    .orderBy('id')
    .limit(limit)
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
