import type { Failure } from '../domain/failure.ts'
import { type ListScope, type Position, readCursor, writeCursor } from './cursor.ts'
import type { Keyring } from './sealing/keyring.ts'

export interface PageRequest {
  readonly limit: number
  /** As an earlier page of the same list gave it; null for the first page. */
  readonly cursor: string | null
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Null on the last page. */
  readonly next: string | null
}

/**
 * A page of a list in the order of creation. `read` gives the rows after a position, one more than the limit where
 * there is one: it becomes the next page's promise and is not shown.
 */
export async function readPage<Row>(
  keyring: Keyring,
  scope: ListScope,
  { limit, cursor }: PageRequest,
  read: (after: Position | null) => Promise<readonly Row[]>,
  positionOf: (row: Row) => Position,
): Promise<Page<Row> | Failure> {
  const after = cursor === null ? null : readCursor(keyring, scope, cursor)
  if (cursor !== null && after === null)
    return { failure: 'invalid', message: 'cursor: not one of this list' }
  const rows = await read(after)
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const next = rows.length > limit && last ? writeCursor(keyring, scope, positionOf(last)) : null
  return { items, next }
}
