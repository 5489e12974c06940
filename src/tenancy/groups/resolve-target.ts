import type { Failure } from '../../domain/failure.ts'
import type { EndpointFact, EnvironmentFact, TargetFact } from '../facts.ts'
import { productionEnvironment } from '../facts.ts'
import type { Secret } from '../sealing/secret.ts'
import type { Snapshot, Tables } from '../snapshot.ts'

/** Where an endpoint's calls go. The same object as long as nothing it rests on changes. */
export interface ResolvedTarget {
  readonly provider: TargetFact['provider']
  readonly upstreamModel: string
  /** Without a slash at its end; `/chat/completions` follows it. */
  readonly baseUrl: string
  readonly apiKey: Secret | null
  readonly region: string | null
  /** Tokens the provider may add to a prompt unseen. */
  readonly overheadTokens: number
  /** The longest answer the model gives, where that is known. */
  readonly maxOutputTokens: number | null
}

/** Base addresses of the vendors that speak the same dialect as our callers. */
const vendorAddresses = { OPENAI: 'https://api.openai.com/v1', XAI: 'https://api.x.ai/v1' } as const

type VendorTarget = Exclude<Extract<TargetFact, { secretId: string }>, { provider: 'VERTEX' }>

interface Resolved {
  readonly environments: Tables['environments']
  readonly secrets: Tables['secrets']
  readonly target: ResolvedTarget | Failure
}

/** A fact never changes, so what was resolved stands until one of the two tables it rests on is another. */
const resolved = new WeakMap<EndpointFact, Resolved>()

/**
 * Finds an endpoint's upstream, its model's name there, and the credential. `model_unavailable` where the
 * environment or secret is missing or cannot be opened, and for providers that cannot be called yet.
 */
export function resolveTarget(snapshot: Snapshot, endpoint: EndpointFact): ResolvedTarget | Failure {
  const { environments, secrets } = snapshot.tables
  const known = resolved.get(endpoint)
  if (known?.environments === environments && known.secrets === secrets) return known.target
  const target = resolve(snapshot, endpoint)
  resolved.set(endpoint, { environments, secrets, target })
  return target
}

function resolve(snapshot: Snapshot, endpoint: EndpointFact): ResolvedTarget | Failure {
  const [target] = endpoint.targets
  switch (target.provider) {
    case 'BASETEN':
      return resolveEnvironment(snapshot, endpoint, target)
    case 'OPENAI':
    case 'XAI':
      return resolveVendor(snapshot, endpoint, target, vendorAddresses[target.provider])
    case 'OPENAI_COMPATIBLE':
      return resolveVendor(snapshot, endpoint, target, target.baseUrl)
    case 'ANTHROPIC':
    case 'VERTEX':
    case 'BASETEN_MODEL_API':
      return unavailable(`Targets of provider ${target.provider} cannot be called yet.`)
  }
}

function resolveEnvironment(
  snapshot: Snapshot,
  endpoint: EndpointFact,
  target: Extract<TargetFact, { provider: 'BASETEN' }>,
): ResolvedTarget | Failure {
  const all = snapshot.environments(endpoint.workspaceId, target.modelId)
  const named = all.find(({ name }) => name === (target.environment ?? productionEnvironment))
  const environment = endpoint.region === 'EU' ? withinTheUnion(all, named) : named
  if (environment === undefined) return unavailable('The model has no such environment.')
  if (environment.apiKey === 'sealed') return unavailable("The environment's key cannot be opened.")
  return {
    provider: target.provider,
    upstreamModel: target.targetModel ?? environment.model ?? endpoint.slug,
    baseUrl: withoutTrailingSlash(environment.baseUrl),
    apiKey: environment.apiKey,
    region: environment.region,
    overheadTokens: 0,
    maxOutputTokens: null,
  }
}

/** An endpoint kept in the EU goes to an environment there, its own before others; as any other if there is none. */
function withinTheUnion(
  all: readonly EnvironmentFact[],
  named: EnvironmentFact | undefined,
): EnvironmentFact | undefined {
  if (named?.region === 'EU') return named
  return all.find(({ region }) => region === 'EU') ?? named
}

function resolveVendor(
  snapshot: Snapshot,
  { workspaceId }: EndpointFact,
  target: VendorTarget,
  baseUrl: string,
): ResolvedTarget | Failure {
  const secret = snapshot.secret(workspaceId, target.secretId)
  if (secret === null) return unavailable("The target's secret does not exist.")
  if (secret.value === 'sealed') return unavailable("The target's secret cannot be opened.")
  return {
    provider: target.provider,
    upstreamModel: target.targetModel,
    baseUrl: withoutTrailingSlash(baseUrl),
    apiKey: secret.value,
    region: null,
    overheadTokens: 0,
    maxOutputTokens: null,
  }
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

function unavailable(message: string): Failure {
  return { failure: 'model_unavailable', message }
}
