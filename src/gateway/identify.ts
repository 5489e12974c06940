import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { KeyFact } from '../tenancy/facts.ts'
import { extractOwn, type PresentedKey, presentedBy } from '../tenancy/governance/logins/credentials.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'
import type { Exchange, HeaderReading } from './exchange.ts'

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
  const { scheme, authorization, own, others } = exchange.fromHeaders(readCredentials)
  if (scheme === 'api-key') return findLive(authorization, exchange.host, world, digestKey)

  const readsTokens = world.governance.auth?.jwt != null
  const presented = extractOwn(own, readsTokens)
  if (presented !== null) return { presented }
  if (scheme === 'bearer') {
    const found = findBehind(authorization, readsTokens, exchange.host, world, digestKey)
    if (found !== null) return strictScheme ? unlessFederated(found) : found
  }
  for (const other of others) {
    const found = findBehind(other, readsTokens, exchange.host, world, digestKey)
    if (found !== null) return strictScheme ? unlessFederated(found) : found
  }
  if (ownDomain(exchange.host, world) === null) return nobody
  return {
    failure: 'unauthenticated',
    reason: scheme === null && others.length === 0 ? 'missing' : 'unknown',
  }
}

/** Whether a call is for the native door. */
export function isNative(identity: KeyFact | NativeIdentity | Failure): identity is NativeIdentity {
  // Not `in`: over several shapes it takes the engine's slowest way.
  return (identity as NativeIdentity).presented !== undefined
}

/** A value that may be a key. */
interface Credential {
  readonly text: string
  /** Null until it was looked for. */
  digest: Buffer | null
}

/** What a request's headers carry that may tell whose it is. */
interface Credentials {
  /** Of `Authorization`, in lower case; null without that header. */
  readonly scheme: string | null
  /** What stands behind the scheme. */
  readonly authorization: Credential
  /** `x-bf-vk`. */
  readonly own: string | null
  /** Of the SDKs' headers, in their order. */
  readonly others: readonly Credential[]
}

const readCredentials: HeaderReading<Credentials> = (header) => {
  const { scheme, value } = splitAuthorization(header('authorization'))
  const others = sdkHeaders.map((name) => header(name)?.trim() ?? '').filter((text) => text !== '')
  return {
    scheme,
    authorization: credentialOf(value),
    own: header('x-bf-vk'),
    others: others.map(credentialOf),
  }
}

function credentialOf(text: string): Credential {
  return { text, digest: null }
}

function splitAuthorization(header: string | null): { scheme: string | null; value: string } {
  if (header === null) return { scheme: null, value: '' }
  const space = header.indexOf(' ')
  // A federated key without a scheme is not read as one, and its owner is told so.
  if (space < 0)
    return { scheme: header.startsWith(mintedPrefix) ? 'api-key' : header.toLowerCase(), value: '' }
  return { scheme: header.slice(0, space).toLowerCase(), value: header.slice(space + 1).trim() }
}

function findLive(
  credential: Credential,
  host: string | null,
  world: Snapshot,
  digestKey: DigestKey,
): KeyFact | Failure {
  if (credential.text === '') return { failure: 'unauthenticated', reason: 'malformed' }
  credential.digest ??= digestKey(credential.text)
  const key = world.findKey(credential.digest)
  if (key === null || !isServedUnder(host, key, world))
    return { failure: 'unauthenticated', reason: 'unknown' }
  if (key.revoked) return { failure: 'unauthenticated', reason: 'revoked' }
  return key
}

/** What a value in a header that both doors read is. Null: nothing of ours, so it counts as absent. */
function findBehind(
  credential: Credential,
  readsTokens: boolean,
  host: string | null,
  world: Snapshot,
  digestKey: DigestKey,
): KeyFact | NativeIdentity | Failure | null {
  const { text } = credential
  if (text === '') return null
  const presented = presentedBy(text, readsTokens)
  if (presented !== null) return { presented }
  const found = findLive(credential, host, world, digestKey)
  const isUnknown = isFailure(found) && found.failure === 'unauthenticated' && found.reason === 'unknown'
  return isUnknown && !text.startsWith(mintedPrefix) ? null : found
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
