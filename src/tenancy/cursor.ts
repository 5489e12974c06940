import { createHmac, timingSafeEqual } from 'node:crypto'
import type { EpochMs } from '../domain/time.ts'
import type { Keyring } from './keyring.ts'

const tagBytes = 16

/** The last item of a page: the next page begins after it. */
export interface Position {
  readonly createdAt: EpochMs
  readonly id: string
}

/** What a list is of: its name, workspace and filters. A cursor of one list is refused by every other. */
export type ListScope = readonly (string | null)[]

/** Writes a position as opaque text. It carries a keyed tag over the list it belongs to, so it cannot be made up. */
export function writeCursor(keyring: Keyring, scope: ListScope, { createdAt, id }: Position): string {
  const body = Buffer.from(JSON.stringify([createdAt, id]))
  return Buffer.concat([tagOf(keyring, scope, body), body]).toString('base64url')
}

/** Reads what `writeCursor` wrote for the same list; null for anything else. */
export function readCursor(keyring: Keyring, scope: ListScope, cursor: string): Position | null {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length <= tagBytes) return null
  const body = bytes.subarray(tagBytes)
  if (!timingSafeEqual(bytes.subarray(0, tagBytes), tagOf(keyring, scope, body))) return null
  const [createdAt, id] = JSON.parse(body.toString()) as [EpochMs, string]
  return { createdAt, id }
}

function tagOf(keyring: Keyring, scope: ListScope, body: Buffer): Buffer {
  return createHmac('sha256', keyring.cursors)
    .update(JSON.stringify(scope))
    .update(body)
    .digest()
    .subarray(0, tagBytes)
}
