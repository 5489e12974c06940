import type { Failure } from '../domain/failure.ts'
import type { WorkspaceId } from '../domain/ids.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { readSigned, writeSigned } from '../tenancy/cursor.ts'
import type { Page } from '../tenancy/page.ts'
import type { Keyring } from '../tenancy/sealing/keyring.ts'
import type { EventRow } from './event.ts'
import { type EventPage, readEventPage, readKeysOf, readWatermark } from './pull.sql.ts'

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

type EventFilter = Pick<EventQuery, 'keyPrefixes' | 'externalIds'>

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
  keyPrefixes: readonly string[],
  externalIds: readonly string[],
]

export function pullOf(database: Database, keyring: Keyring, clock: Clock): Pull {
  const { read } = database

  async function listEvents(workspaceId: WorkspaceId, query: EventQuery): Promise<Page<EventRow>> {
    // Before the events: what the watermark promises was committed when it was read.
    const watermark = await readWatermark(read)
    const horizon = Math.min(clock() - holdbackMs, watermark ?? Number.POSITIVE_INFINITY)
    const endAt = Math.min(query.endAt ?? horizon, horizon)
    if (endAt <= query.startAt) return { items: [], next: null }
    const { startAt, limit } = query
    return readPage({ workspaceId, startAt, endAt, after: null, limit }, query)
  }

  async function continueEvents(workspaceId: WorkspaceId, cursor: string): Promise<Page<EventRow> | Failure> {
    const standing = readSigned(keyring, scopeOf(workspaceId), cursor) as Standing | null
    if (standing === null) return { failure: 'invalid', message: 'cursor: not one of this list' }
    const [at, id, endAt, limit, keyPrefixes, externalIds] = standing
    return readPage(
      { workspaceId, startAt: at, endAt, after: { at, id }, limit },
      { keyPrefixes, externalIds },
    )
  }

  async function readPage(page: EventPage, filter: EventFilter): Promise<Page<EventRow>> {
    const { limit, endAt, workspaceId } = page
    const prefixes = await prefixesOf(workspaceId, filter)
    const rows = await readEventPage(read, { ...page, limit: limit + 1 }, prefixes)
    const items = rows.slice(0, limit)
    const last = items.at(-1)
    if (rows.length <= limit || last === undefined) return { items, next: null }
    const { keyPrefixes, externalIds } = filter
    const standing: Standing = [last.at, last.id, endAt, limit, keyPrefixes, externalIds]
    return { items, next: writeSigned(keyring, scopeOf(workspaceId), standing) }
  }

  /**
   * A key says more than its group does, so all filters come down to keys; null for none. One index serves them all: a
   * second one would cost each call more than all of its admission.
   */
  async function prefixesOf(
    workspaceId: WorkspaceId,
    { keyPrefixes, externalIds }: EventFilter,
  ): Promise<readonly string[] | null> {
    if (externalIds.length > 0) return readKeysOf(read, workspaceId, externalIds, keyPrefixes)
    return keyPrefixes.length > 0 ? [...new Set(keyPrefixes)] : null
  }

  return { listEvents, continueEvents }
}

function scopeOf(workspaceId: WorkspaceId) {
  return ['usage_events', workspaceId]
}
