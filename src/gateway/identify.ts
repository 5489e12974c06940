import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { KeyFact } from '../tenancy/facts.ts'
import { extractOwn, type PresentedKey, presentedBy } from '../tenancy/governance/credentials.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'
import type { Exchange } from './exchange.ts'

/** SHA-256 of the pepper and a presented key: what credentials are found by. */
export type DigestKey = (key: string) => Buffer

/** Who calls at the native door: somebody with a virtual key, which has yet to be looked at, or anybody. */
export interface NativeIdentity {
  readonly presented: PresentedKey | null
}

/** Where SDKs put a key, in the order in which they are looked at. */
const sdkHeaders = ['x-api-key', 'x-goog-api-key', 'api-key'] as const
/** What every federated key that we mint begins with: such a value is meant for this door, known or not. */
const mintedPrefix = 'sky_'

const nobody: NativeIdentity = { presented: null }

/**
 * Tells by its credential which door a call is for, and at the frontier door whose it is; a failure is the frontier's.
 *
 * `Authorization: Api-Key` decides alone, then `x-bf-vk`. Otherwise the first of Bearer and the SDKs' headers that holds
 * a virtual key or a federated one; what is neither counts as absent. With the strict scheme a federated key counts only
 * as `Api-Key`. Without any credential a call is native, except on a workspace's own domain.
 */
export function identify(
  exchange: Exchange,
  world: Snapshot,
  digestKey: DigestKey,
  strictScheme: boolean,
): KeyFact | NativeIdentity | Failure {
  const authorization = splitAuthorization(exchange.header('authorization'))
  if (authorization?.scheme === 'api-key')
    return findLive(authorization.value, exchange.host, world, digestKey)

  const readsTokens = world.governance.auth?.jwt != null
  const own = extractOwn(exchange.header('x-bf-vk'), readsTokens)
  if (own !== null) return { presented: own }
  const bearer = authorization?.scheme === 'bearer' ? authorization.value : null
  let hasOther = authorization !== null
  if (bearer !== null) {
    const found = findBehind(bearer, readsTokens, exchange.host, world, digestKey)
    if (found !== null) return strictScheme ? unlessFederated(found) : found
  }
  for (const name of sdkHeaders) {
    const value = exchange.header(name)?.trim()
    if (!value) continue
    hasOther = true
    const found = findBehind(value, readsTokens, exchange.host, world, digestKey)
    if (found !== null) return strictScheme ? unlessFederated(found) : found
  }
  if (ownDomain(exchange.host, world) === null) return nobody
  return { failure: 'unauthenticated', reason: hasOther ? 'unknown' : 'missing' }
}

/** Whether a call is for the native door. */
export function isNative(identity: KeyFact | NativeIdentity | Failure): identity is NativeIdentity {
  // Not `in`: over several shapes it takes the engine's slowest way.
  return (identity as NativeIdentity).presented !== undefined
}

function splitAuthorization(header: string | null): { scheme: string; value: string } | null {
  if (header === null) return null
  const space = header.indexOf(' ')
  // A federated key without a scheme is not read as one, and its owner is told so.
  if (space < 0)
    return { scheme: header.startsWith(mintedPrefix) ? 'api-key' : header.toLowerCase(), value: '' }
  return { scheme: header.slice(0, space).toLowerCase(), value: header.slice(space + 1).trim() }
}

function findLive(
  value: string,
  host: string | null,
  world: Snapshot,
  digestKey: DigestKey,
): KeyFact | Failure {
  if (value === '') return { failure: 'unauthenticated', reason: 'malformed' }
  const key = world.findKey(digestKey(value))
  if (key === null || !isServedUnder(host, key, world))
    return { failure: 'unauthenticated', reason: 'unknown' }
  if (key.revoked) return { failure: 'unauthenticated', reason: 'revoked' }
  return key
}

/** What a value in a header that both doors read is. Null: nothing of ours, so it counts as absent. */
function findBehind(
  value: string,
  readsTokens: boolean,
  host: string | null,
  world: Snapshot,
  digestKey: DigestKey,
): KeyFact | NativeIdentity | Failure | null {
  if (value === '') return null
  const presented = presentedBy(value, readsTokens)
  if (presented !== null) return { presented }
  const found = findLive(value, host, world, digestKey)
  const isUnknown = isFailure(found) && found.failure === 'unauthenticated' && found.reason === 'unknown'
  return isUnknown && !value.startsWith(mintedPrefix) ? null : found
}

/** With the strict scheme a federated key in the place of another is not read. */
function unlessFederated(found: KeyFact | NativeIdentity | Failure): NativeIdentity | Failure {
  return isNative(found) ? found : { failure: 'unauthenticated', reason: 'malformed' }
}

/** A key works under our own names and its workspace's own domains, but not under another workspace's. */
function isServedUnder(host: string | null, key: KeyFact, world: Snapshot): boolean {
  const workspace = ownDomain(host, world)
  return workspace === null || workspace.id === key.workspaceId
}

/** The workspace whose own domain a host name is. */
function ownDomain(host: string | null, world: Snapshot) {
  if (host === null || world.tables.domains.size === 0) return null
  return world.workspaceByDomain(host.toLowerCase().replace(/:\d*$/, ''))
}
