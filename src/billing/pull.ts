import type { Failure } from '../domain/failure.ts'
import type { WorkspaceId } from '../domain/ids.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { readSigned, writeSigned } from '../tenancy/cursor.ts'
import type { Keyring } from '../tenancy/keyring.ts'
import type { Page } from '../tenancy/page.ts'
import type { EventRow } from './event.ts'
import { type EventFilter, type EventPage, readEventPage, readKeysOf, readWatermark } from './pull.sql.ts'

/** What a first page is asked by. */
export interface EventQuery {
  readonly startAt: EpochMs
  /** Exclusive; null: as late as there is. */
  readonly endAt: EpochMs | null
  readonly limit: number
  /** None: all of them. */
  readonly keyPrefixes: readonly string[]
  readonly externalIds: readonly string[]
}

/** Usage events as receivers pull them. */
export interface Pull {
  /**
   * A page of a workspace's events, in the order of their instants and ids. The window is fixed by the first page: it
   * ends where events could still arrive, at most a minute ago, so that no later page has to look back.
   */
  listEvents(workspaceId: WorkspaceId, query: EventQuery): Promise<Page<EventRow>>
  /** The page after the one that gave the cursor, of the same window, filters and length. */
  continueEvents(workspaceId: WorkspaceId, cursor: string): Promise<Page<EventRow> | Failure>
}

/** Clocks of several instances may differ by less, and an event is stored within moments. */
const holdbackMs = 60_000

/** What a cursor fixes: the query with its end, and the last event given. */
type Standing = readonly [
  at: EpochMs,
  id: string,
  endAt: EpochMs,
  limit: number,
  column: 'key_prefix' | 'external_id' | null,
  values: readonly string[],
]

export function pullOf(database: Database, keyring: Keyring, clock: Clock): Pull {
  const { read } = database

  async function listEvents(workspaceId: WorkspaceId, query: EventQuery): Promise<Page<EventRow>> {
    // Before the events: what the watermark promises was committed when it was read.
    const watermark = await readWatermark(read)
    const horizon = Math.min(clock() - holdbackMs, watermark ?? Number.POSITIVE_INFINITY)
    const endAt = Math.min(query.endAt ?? horizon, horizon)
    if (endAt <= query.startAt) return { items: [], next: null }
    const filter = await filterOf(workspaceId, query)
    const { startAt, limit } = query
    return readPage({ workspaceId, startAt, endAt, after: null, limit }, filter)
  }

  async function continueEvents(workspaceId: WorkspaceId, cursor: string): Promise<Page<EventRow> | Failure> {
    const standing = readSigned(keyring, scopeOf(workspaceId), cursor) as Standing | null
    if (standing === null) return { failure: 'invalid', message: 'cursor: not one of this list' }
    const [at, id, endAt, limit, column, values] = standing
    const filter = column === null ? null : { column, values }
    return readPage({ workspaceId, startAt: at, endAt, after: { at, id }, limit }, filter)
  }

  /** A key says more than its group does: filters on both come down to keys. */
  async function filterOf(
    workspaceId: WorkspaceId,
    { keyPrefixes, externalIds }: EventQuery,
  ): Promise<EventFilter> {
    if (keyPrefixes.length === 0 && externalIds.length === 0) return null
    if (keyPrefixes.length === 0) return { column: 'external_id', values: [...new Set(externalIds)] }
    const prefixes = [...new Set(keyPrefixes)]
    if (externalIds.length === 0) return { column: 'key_prefix', values: prefixes }
    return { column: 'key_prefix', values: await readKeysOf(read, workspaceId, prefixes, externalIds) }
  }

  async function readPage(page: EventPage, filter: EventFilter): Promise<Page<EventRow>> {
    const { limit, endAt, workspaceId } = page
    const rows = await readEventPage(read, { ...page, limit: limit + 1 }, filter)
    const items = rows.slice(0, limit)
    const last = items.at(-1)
    if (rows.length <= limit || last === undefined) return { items, next: null }
    const { column = null, values = [] } = filter ?? {}
    const standing: Standing = [last.at, last.id, endAt, limit, column, values]
    return { items, next: writeSigned(keyring, scopeOf(workspaceId), standing) }
  }

  return { listEvents, continueEvents }
}

function scopeOf(workspaceId: WorkspaceId) {
  return ['usage_events', workspaceId]
}
