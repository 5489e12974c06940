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

/** How many keys one statement looks for: each is a branch of it, and SQLite has no room for more than 500. */
const keysAtOnce = 100

/**
 * Events in the order of their instants and ids; with `prefixes`, those of these keys only. Each key is looked for by
 * itself, so that a page costs its own length however rare its events are.
 */
export async function readEventPage(
  database: Kysely<Schema>,
  page: EventPage,
  prefixes: readonly string[] | null,
): Promise<readonly EventRow[]> {
  if (prefixes === null) {
    const all = database.selectFrom('usage_events').select(eventColumns)
    return all.where(within(page)).orderBy('at').orderBy('id').limit(page.limit).execute()
  }
  const found: EventRow[] = []
  for (let start = 0; start < prefixes.length; start += keysAtOnce)
    found.push(...(await readEventsOf(database, page, prefixes.slice(start, start + keysAtOnce))))
  return found.sort(byInstant).slice(0, page.limit)
}

function byInstant(one: EventRow, other: EventRow): number {
  return one.at - other.at || (one.id < other.id ? -1 : 1)
}

async function readEventsOf(
  database: Kysely<Schema>,
  page: EventPage,
  prefixes: readonly string[],
): Promise<readonly EventRow[]> {
  const [first, ...others] = prefixes.map((prefix) => keysOf(database, page, prefix))
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

/** Keys of events of one federated key, of which the index has all: whole rows are not read before they are chosen. */
function keysOf(database: Kysely<Schema>, page: EventPage, prefix: string) {
  return database
    .selectFrom('usage_events')
    .select(['at', 'id'])
    .where('key_prefix', '=', prefix)
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
 * The keys, revoked ones too, of the groups that have or had one of these external ids; of `among` only, unless that is
 * empty. Neither external ids nor the groups of keys ever change, so this says of every event of a key whose it is.
 */
export async function readKeysOf(
  database: Kysely<Schema>,
  workspaceId: WorkspaceId,
  externalIds: readonly string[],
  among: readonly string[],
): Promise<readonly string[]> {
  const keys = database
    .selectFrom('nodes')
    .innerJoin('keys', 'keys.node_id', 'nodes.id')
    .select('prefix')
    .where('nodes.workspace_id', '=', workspaceId)
    .where('external_id', 'in', externalIds)
  const rows = await (among.length === 0 ? keys : keys.where('prefix', 'in', among)).execute()
  return rows.map(({ prefix }) => prefix)
}
