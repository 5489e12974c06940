import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { KeyFact } from '../tenancy/facts.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'
import type { Exchange } from './exchange.ts'

/** SHA-256 of the pepper and a presented key: what credentials are found by. */
export type DigestKey = (key: string) => Buffer

/** Where SDKs put a key, in the order in which they are looked at. */
const sdkHeaders = ['x-api-key', 'x-goog-api-key', 'api-key'] as const
/** What every federated key that we mint begins with: such a value is meant for this door, known or not. */
const mintedPrefix = 'sky_'

/**
 * Finds the live federated key that a request presents. `Authorization: Api-Key` decides alone; otherwise the first
 * of Bearer and the SDKs' headers that holds one. With the strict scheme only `Authorization: Api-Key` counts.
 */
export function identify(
  exchange: Exchange,
  world: Snapshot,
  digestKey: DigestKey,
  strictScheme: boolean,
): KeyFact | Failure {
  const authorization = splitAuthorization(exchange.header('authorization'))
  if (isFailure(authorization)) return authorization
  if (authorization?.scheme === 'api-key')
    return findLive(authorization.value, exchange.host, world, digestKey)
  if (strictScheme)
    return { failure: 'unauthenticated', reason: authorization === null ? 'missing' : 'malformed' }

  const bearer = authorization?.scheme === 'bearer' ? authorization.value : null
  let presented = bearer !== null
  if (bearer !== null) {
    const found = findIfFederated(bearer, exchange.host, world, digestKey)
    if (found !== null) return found
  }
  for (const name of sdkHeaders) {
    const value = exchange.header(name)
    if (!value) continue
    presented = true
    const found = findIfFederated(value, exchange.host, world, digestKey)
    if (found !== null) return found
  }
  return { failure: 'unauthenticated', reason: presented ? 'unknown' : 'missing' }
}

function splitAuthorization(header: string | null): { scheme: string; value: string } | null | Failure {
  if (header === null) return null
  const space = header.indexOf(' ')
  const value = space < 0 ? '' : header.slice(space + 1).trim()
  if (value === '') return { failure: 'unauthenticated', reason: 'malformed' }
  return { scheme: header.slice(0, space).toLowerCase(), value }
}

function findLive(
  value: string,
  host: string | null,
  world: Snapshot,
  digestKey: DigestKey,
): KeyFact | Failure {
  const key = world.findKey(digestKey(value))
  if (key === null || !isServedUnder(host, key, world))
    return { failure: 'unauthenticated', reason: 'unknown' }
  if (key.revoked) return { failure: 'unauthenticated', reason: 'revoked' }
  return key
}

/** Null: the value is no federated key, so it counts as absent. */
function findIfFederated(
  value: string,
  host: string | null,
  world: Snapshot,
  digestKey: DigestKey,
): KeyFact | Failure | null {
  const found = findLive(value, host, world, digestKey)
  const isUnknown = isFailure(found) && found.failure === 'unauthenticated' && found.reason === 'unknown'
  return isUnknown && !value.startsWith(mintedPrefix) ? null : found
}

/** A key works under our own names and its workspace's own domains, but not under another workspace's. */
function isServedUnder(host: string | null, key: KeyFact, world: Snapshot): boolean {
  if (host === null || world.tables.domains.size === 0) return true
  const workspace = world.workspaceByDomain(host.toLowerCase().replace(/:\d*$/, ''))
  return workspace === null || workspace.id === key.workspaceId
}
