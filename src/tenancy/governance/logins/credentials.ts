import type { EpochMs } from '../../../domain/time.ts'
import type { VirtualKeyFact } from '../facts.ts'
import type { GovernanceWorld } from '../world.ts'

/** What callers present to be known as a virtual key: its value, or a token that names it. */
export interface PresentedKey {
  readonly kind: 'value' | 'token'
  readonly text: string
}

/** Reads a header of a request; nothing where it has none. */
type ReadHeader = (name: string) => string | null | undefined

/** Where SDKs put a credential besides `Authorization`, in the order in which they are looked at. */
const sdkHeaders = ['x-api-key', 'x-goog-api-key', 'api-key'] as const
const valuePrefix = 'sk-bf-'

/**
 * The virtual key that a request presents; null where it presents none. `x-bf-vk` holds nothing else, so whatever stands
 * there is one; the other headers are shared, and what does not look like one is left for other uses. Tokens count
 * where they are read at all.
 */
export function extractVirtualKey(header: ReadHeader, readsTokens: boolean): PresentedKey | null {
  const own = extractOwn(header('x-bf-vk'), readsTokens)
  if (own !== null) return own
  for (const value of sharedValues(header)) {
    const found = presentedBy(value, readsTokens)
    if (found !== null) return found
  }
  return null
}

/** What `x-bf-vk` presents: whatever stands there is a virtual key, or is refused as one. */
export function extractOwn(header: string | null | undefined, readsTokens: boolean): PresentedKey | null {
  const own = header?.trim() ?? ''
  return own === '' ? null : { kind: readsTokens && isTokenShaped(own) ? 'token' : 'value', text: own }
}

/** What a value from a header that is shared with other credentials presents; null where it is none of ours. */
export function presentedBy(value: string, readsTokens: boolean): PresentedKey | null {
  if (value.slice(0, valuePrefix.length).toLowerCase() === valuePrefix) return { kind: 'value', text: value }
  return readsTokens && isTokenShaped(value) ? { kind: 'token', text: value } : null
}

/** The value of `Authorization: Bearer`; null for any other scheme, or none. */
export function bearerOf(authorization: string | null | undefined): string | null {
  return /^bearer +(.+)$/is.exec(authorization?.trim() ?? '')?.[1]?.trim() ?? null
}

/** Three parts in base64url: a JWT by its looks. */
export function isTokenShaped(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)
}

/** Whether a key's time is over. */
export function isExpired({ expiresAt }: Pick<VirtualKeyFact, 'expiresAt'>, now: EpochMs): boolean {
  return expiresAt !== null && now >= expiresAt
}

/** The key that a token means by its `accessKey`: an id, else a name. */
export function keyNamed(
  world: Pick<GovernanceWorld, 'virtualKey' | 'virtualKeyByName'>,
  accessKey: string,
): VirtualKeyFact | null {
  return world.virtualKey(accessKey) ?? world.virtualKeyByName(accessKey)
}

function* sharedValues(header: ReadHeader): Generator<string> {
  const bearer = bearerOf(header('authorization'))
  if (bearer !== null) yield bearer
  for (const name of sdkHeaders) {
    const value = header(name)?.trim() ?? ''
    if (value !== '') yield value
  }
}
