import { createHmac, timingSafeEqual } from 'node:crypto'
import type { EpochMs } from '../domain/time.ts'
import type { Keyring } from './sealing/keyring.ts'

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
  return writeSigned(keyring, scope, [createdAt, id])
}

/** Reads what `writeCursor` wrote for the same list; null for anything else. */
export function readCursor(keyring: Keyring, scope: ListScope, cursor: string): Position | null {
  const position = readSigned(keyring, scope, cursor) as [EpochMs, string] | null
  return position && { createdAt: position[0], id: position[1] }
}

/** As `writeCursor`, for lists whose cursors say more than a position: any JSON. */
export function writeSigned(keyring: Keyring, scope: ListScope, value: unknown): string {
  const body = Buffer.from(JSON.stringify(value))
  return Buffer.concat([tagOf(keyring, scope, body), body]).toString('base64url')
}

/** Reads what `writeSigned` wrote for the same list; null for anything else. */
export function readSigned(keyring: Keyring, scope: ListScope, cursor: string): unknown {
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes.length <= tagBytes) return null
  const body = bytes.subarray(tagBytes)
  if (!timingSafeEqual(bytes.subarray(0, tagBytes), tagOf(keyring, scope, body))) return null
  return JSON.parse(body.toString())
}

function tagOf(keyring: Keyring, scope: ListScope, body: Buffer): Buffer {
  return createHmac('sha256', keyring.cursors)
    .update(JSON.stringify(scope))
    .update(body)
    .digest()
    .subarray(0, tagBytes)
}
