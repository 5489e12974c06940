import type { NativeOperation } from '../../dialects/openai-native/operation.ts'
import { isFailure } from '../../domain/failure.ts'
import { definitionOf, endpointOf } from '../../providers/endpoint.ts'
import type { ProviderFact } from '../../tenancy/governance/facts.ts'
import type { Reach } from '../../upstream/egress.ts'
import { type Origin, parseOrigin } from '../../upstream/origin.ts'
import { type Needles, needlesOf } from '../mask.ts'
import type { Room } from '../room.ts'
import type { Credential } from './keys.ts'
import { type Problem, problem } from './problem.ts'

/** A provider's address and a key, made ready for sending: everything but the call's own headers. */
export interface Endpoint {
  readonly origin: Origin
  readonly reach: Reach
  readonly path: string
  readonly headers: string
  /** What of the headers must not be seen in an answer. */
  readonly secrets: Needles | null
}

/** Facts and operations are few, and a fact stays the same object until it changes. */
const known = new WeakMap<object, Map<NativeOperation, Endpoint | Problem>>()

/** Where a provider takes an operation with a credential. */
export function endpointWith(
  provider: ProviderFact,
  credential: Credential,
  operation: NativeOperation,
  { fileKeyOrigins }: Pick<Room, 'fileKeyOrigins'>,
): Endpoint | Problem {
  // A key belongs to its provider, and its fact is another whenever the provider's is.
  const owner = credential.key ?? provider
  const made = known.get(owner)?.get(operation)
  if (made !== undefined) return made
  const endpoint = open(provider, credential, operation, fileKeyOrigins)
  const all = known.get(owner) ?? new Map<NativeOperation, Endpoint | Problem>()
  known.set(owner, all.set(operation, endpoint))
  return endpoint
}

function open(
  provider: ProviderFact,
  credential: Credential,
  operation: NativeOperation,
  fileKeyOrigins: ReadonlySet<string>,
): Endpoint | Problem {
  const { key, value } = credential
  const definition = definitionOf(provider)
  const keyAddress = key === null ? null : addressIn(provider, key.cloud)
  const url = endpointOf(provider, operation, keyAddress)
  if (definition === null || 'problem' in url) return unaddressed(provider.name)
  const origin = parseOrigin(url.href)
  if (isFailure(origin)) return unaddressed(provider.name)
  const { extraHeaders } = provider.secrets
  return {
    origin,
    reach: reachOf(provider, origin, keyAddress, fileKeyOrigins),
    path: url.pathname + url.search,
    headers: [
      ...(value === null ? [] : [credentialLine(definition.credentialHeader, value.reveal())]),
      ...Object.entries(extraHeaders).flatMap(([name, secret]) =>
        secret === 'sealed' ? [] : headerLine(name, secret.reveal()),
      ),
      'content-type: application/json\r\n',
    ].join(''),
    secrets: needlesOf([...(value === null ? [] : [value.reveal()]), ...secretWordsIn(extraHeaders)]),
  }
}

const shortestSecretWord = 16

/**
 * What may be a credential in the headers that an operator adds. Such headers also hold titles, addresses and dates of
 * versions, which a model must be able to say.
 */
function secretWordsIn(extraHeaders: ProviderFact['secrets']['extraHeaders']): string[] {
  const words = Object.values(extraHeaders).flatMap((secret) =>
    secret === 'sealed' ? [] : secret.reveal().split(/\s+/),
  )
  return words.filter((word) => word.length >= shortestSecretWord && !/^https?:\/\//i.test(word))
}

/** An address of the file leads wherever it was written to lead; one of the API only as far as the operator allows. */
function reachOf(
  provider: ProviderFact,
  origin: Origin,
  keyAddress: string | null,
  fileKeyOrigins: ReadonlySet<string>,
): Reach {
  const { secrets, settings } = provider
  const baseUrl = settings.network_config?.base_url || null
  // A path of its own may be a whole address, which then stands for itself.
  const isOf = (address: string | null): boolean => {
    const other = address === null ? null : parseOrigin(address)
    return other !== null && !isFailure(other) && other.key === origin.key
  }
  if (secrets.isBaseUrlTrusted && isOf(baseUrl)) return 'trusted'
  if (baseUrl === null && isOf(keyAddress) && fileKeyOrigins.has(origin.key)) return 'trusted'
  return settings.network_config?.allow_private_network === true ? 'allowed' : 'public'
}

function credentialLine(header: 'authorization' | 'api-key', value: string): string {
  return header === 'authorization' ? `authorization: Bearer ${value}\r\n` : `api-key: ${value}\r\n`
}

const headerName = /^[\w!#$%&'*+.^`|~-]+$/
const headerValue = /^[\x20-\x7e\x80-\xff\t]*$/
/** What is ours to say, or the connection's. */
const reserved = new Set([
  'authorization',
  'proxy-authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'cookie',
  'host',
  'content-length',
  'content-type',
  'connection',
  'transfer-encoding',
  'accept-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
])

/** A header that may go to a provider, as a line of a head; nothing for one that may not. */
export function headerLine(name: string, value: string): string[] {
  const lower = name.toLowerCase()
  const isOurs = reserved.has(lower) || lower.startsWith('x-bf-')
  return isOurs || !headerName.test(name) || !headerValue.test(value) ? [] : [`${lower}: ${value}\r\n`]
}

/** The address that goes with a key. */
function addressIn(provider: ProviderFact, cloud: ProviderFact['keys'][number]['cloud']): string | null {
  const place = definitionOf(provider)?.keyAddress ?? null
  if (place === null || cloud === null || cloud === 'sealed') return null
  const blocks = JSON.parse(cloud.reveal()) as Readonly<
    Record<string, Readonly<Record<string, unknown>> | null>
  >
  const address = blocks[place.block]?.[place.member]
  if (typeof address === 'string' && address !== '') return address
  // Also written as a value that may come from the environment.
  const { value } = (address ?? {}) as { readonly value?: unknown }
  return typeof value === 'string' && value !== '' ? value : null
}

function unaddressed(provider: string): Problem {
  return problem({
    status: 502,
    type: 'provider_connection_failed',
    code: 'provider_connection_failed',
    message: `Provider '${provider}' has no address that can be called.`,
    errorType: 'provider_connection_failed',
  })
}
