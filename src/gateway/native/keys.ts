import { definitionOf, isKeyless } from '../../providers/endpoint.ts'
import type { ProviderConfigFact, ProviderFact, ProviderKeyFact } from '../../tenancy/governance/facts.ts'
import type { Secret } from '../../tenancy/sealing/secret.ts'
import type { Exchange } from '../exchange.ts'
import type { Room } from '../room.ts'
import { aliasOf, keyAllows } from './model-lists.ts'
import { invalidRequest, type Problem } from './problem.ts'

/** What a call may be sent with: a key, or nothing where a provider needs none. */
export interface Credential {
  readonly key: ProviderKeyFact | null
  readonly value: Secret | null
  /** The provider's name for the model, with this key. */
  readonly model: string
}

/** Which keys a call is held to, beside what its model and its virtual key allow. */
export interface KeyPins {
  readonly keyId: string | null
  readonly name: string | null
}

/** The key that a caller pins: by id, else by name. */
export function callersPins(exchange: Exchange): KeyPins {
  const keyId = exchange.header('x-bf-api-key-id')?.trim() || null
  return { keyId, name: keyId === null ? exchange.header('x-bf-api-key')?.trim() || null : null }
}

/**
 * The credentials that a call of a model may be sent with. `config` is the virtual key's permission for the provider.
 * A key that is pinned and cannot be used is a problem: another would not be what was asked for.
 */
export function usableCredentials(
  provider: ProviderFact,
  model: string,
  config: ProviderConfigFact | null,
  pins: readonly KeyPins[],
): readonly Credential[] | Problem {
  if (isKeyless(provider)) return [{ key: null, value: null, model }]
  const unknown = pins.find((pin) => isPinning(pin) && !provider.keys.some((key) => isPinned(key, pin)))
  if (unknown !== undefined) return noSuchKey(unknown, provider.name)
  const isOptional = definitionOf(provider)?.isKeyOptional === true
  if (isOptional && provider.keys.length === 0) return [{ key: null, value: null, model }]

  const candidates = provider.keys.filter(
    (key) =>
      key.enabled &&
      key.value !== 'sealed' &&
      (key.value !== null || isOptional) &&
      (config === null || config.allowAllKeys || config.keyIds.includes(key.keyId)) &&
      pins.every((pin) => isPinned(key, pin)),
  )
  if (candidates.length === 0)
    return noKey(`no keys found for provider: ${provider.name} and model: ${model}`)
  const usable = candidates.filter((key) => keyAllows(key, model))
  if (usable.length === 0) return noKey(`no keys found that support model: ${model}`)
  return usable.map((key) => ({
    key,
    value: key.value === 'sealed' ? null : key.value,
    model: aliasOf(key, model) ?? model,
  }))
}

function isPinning({ keyId, name }: KeyPins): boolean {
  return keyId !== null || name !== null
}

function isPinned(key: ProviderKeyFact, { keyId, name }: KeyPins): boolean {
  return (keyId === null || key.keyId === keyId) && (name === null || key.name === name)
}

function noKey(message: string): Problem {
  return invalidRequest(message, 'no_key_supports_model', 'caller_model_not_available')
}

function noSuchKey({ keyId, name }: KeyPins, provider: string): Problem {
  const what = keyId === null ? `name "${name}"` : `id "${keyId}"`
  return invalidRequest(`no key found with ${what} for provider: ${provider}`)
}

/** One of several by their keys' weights. Those of weight 0 are taken only where there is nothing else. */
export function pickByWeight<Item>(
  items: readonly Item[],
  weightOf: (item: Item) => number,
  random: () => number,
): Item | null {
  const [first] = items
  if (first === undefined || items.length === 1) return first ?? null
  const total = items.reduce((sum, item) => sum + weightOf(item), 0)
  if (total <= 0) return items[Math.floor(random() * items.length)] ?? first
  let rest = random() * total
  for (const item of items) {
    rest -= weightOf(item)
    if (rest < 0) return item
  }
  // Sums of fractions round: what is left over belongs to the last that has any weight.
  return items.findLast((item) => weightOf(item) > 0) ?? first
}

/** A key by its weight; of those that a provider wants left alone for a while only where there is no other. */
export function pickCredential(credentials: readonly Credential[], room: Room): Credential | null {
  const warm = credentials.filter((credential) => coolingMs(credential, room) === 0)
  return pickByWeight(warm.length > 0 ? warm : credentials, weightOfKey, room.random)
}

/** How long a provider still wants a key left alone. */
export function coolingMs({ key }: Credential, room: Room): number {
  const until = key === null ? undefined : room.coolingKeys.get(key.keyId)
  return until === undefined ? 0 : Math.max(0, until - room.clock())
}

function weightOfKey({ key }: Credential): number {
  return key?.weight ?? 1
}
