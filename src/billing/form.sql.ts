import type { Kysely, Transaction } from 'kysely'
import type { WaitingKey } from '../ledger/waiting.sql.ts'
import { bulkInsert } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import type { DeliveryTable, Schema } from '../store/schema.ts'
import { bodyOf, eventColumns, eventText } from './event.ts'

export interface FormOptions {
  readonly workspaceId: string
  /** About how many events to take; what was stored together is taken together. */
  readonly wanted: number
  readonly eventsPerDelivery: number
  /** Makes the row of a delivery around its body. */
  readonly rowOf: (body: string, events: number) => DeliveryTable
}

export interface Formed {
  readonly rows: readonly DeliveryTable[]
  /** Events that waited and are not in the ledger: somebody took them out of the database by hand. */
  readonly missing: number
}

const chunksAtOnce = 100
const eventsAtOnce = 500
/** Receivers refuse bodies beyond some size. One event alone may have more. */
const bodyLimitCharacters = 512 * 2 ** 10

/** How many events of a workspace wait, up to about `enough`. */
export async function countWaiting(
  database: Kysely<Schema>,
  workspaceId: string,
  enough: number,
): Promise<number> {
  const rows = await database
    .selectFrom('waiting_events')
    .select('events')
    .where('workspace_id', '=', workspaceId)
    .orderBy('first_at')
    .limit(enough)
    .execute()
  return rows.reduce((sum, { events }) => sum + events, 0)
}

/**
 * Makes deliveries of the events of a workspace that have waited longest: in one transaction they stop waiting and
 * stand in deliveries, so that each of them is always in exactly one place. What another instance is at is left to it.
 */
export function formDeliveries(
  database: Database,
  { workspaceId, wanted, eventsPerDelivery, rowOf }: FormOptions,
): Promise<Formed> {
  return database.transaction(async (transaction) => {
    const keys = await takeWaiting(transaction, database.kind, workspaceId, wanted)
    const texts: string[] = []
    for (let at = 0; at < keys.length; at += eventsAtOnce) {
      texts.push(...(await readTexts(transaction, workspaceId, keys.slice(at, at + eventsAtOnce))))
    }
    const rows = packed(texts, eventsPerDelivery).map((pack) => rowOf(bodyOf(pack), pack.length))
    const values = rows.map((row) => deliveryColumns.map((column) => row[column]))
    await bulkInsert(transaction, database.kind, 'deliveries', deliveryColumns, values)
    return { rows, missing: keys.length - texts.length }
  })
}

const deliveryColumns = [
  'id',
  'workspace_id',
  'request_id',
  'state',
  'created_at',
  'settled_at',
  'events',
  'body',
  'signature',
  'attempts',
  'last_status',
  'problem',
] as const

/** Takes the oldest notes of waiting events out, and gives the events' keys in order. */
async function takeWaiting(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  workspaceId: string,
  wanted: number,
): Promise<readonly WaitingKey[]> {
  const found = await transaction
    .selectFrom('waiting_events')
    .select(['first_at', 'id', 'events'])
    .where('workspace_id', '=', workspaceId)
    .orderBy('first_at')
    .orderBy('id')
    .limit(chunksAtOnce)
    .$if(kind === 'postgres', (query) => query.forUpdate().skipLocked())
    .execute()
  let events = 0
  const taken = found.filter((row) => {
    const isWanted = events < wanted
    events += row.events
    return isWanted
  })
  const [first, last] = [taken[0], taken.at(-1)]
  if (first === undefined || last === undefined) return []
  const rows = await transaction
    .deleteFrom('waiting_events')
    .where('workspace_id', '=', workspaceId)
    .where('first_at', '>=', first.first_at)
    .where('first_at', '<=', last.first_at)
    .where(
      'id',
      'in',
      taken.map(({ id }) => id),
    )
    .returning('keys')
    .execute()
  return rows.flatMap(({ keys }) => JSON.parse(keys) as WaitingKey[]).sort(byInstant)
}

/** The events' JSON. Ids name them; their instants say where to look. */
async function readTexts(
  transaction: Transaction<Schema>,
  workspaceId: string,
  keys: readonly WaitingKey[],
): Promise<string[]> {
  const instants = keys.map(([at]) => at)
  const rows = await transaction
    .selectFrom('usage_events')
    .select([...eventColumns, 'metadata'])
    .where('workspace_id', '=', workspaceId)
    .where('at', '>=', Math.min(...instants))
    .where('at', '<=', Math.max(...instants))
    .where(
      'id',
      'in',
      keys.map(([, id]) => id),
    )
    .orderBy('at')
    .orderBy('id')
    .execute()
  return rows.map(eventText)
}

function packed(texts: readonly string[], most: number): readonly (readonly string[])[] {
  const packs: string[][] = []
  let characters = 0
  for (const text of texts) {
    const pack = packs.at(-1)
    characters += text.length
    if (pack === undefined || pack.length >= most || characters > bodyLimitCharacters) {
      packs.push([text])
      characters = text.length
    } else {
      pack.push(text)
    }
  }
  return packs
}

function byInstant([at, id]: WaitingKey, [otherAt, otherId]: WaitingKey): number {
  return at - otherAt || (id < otherId ? -1 : 1)
}
