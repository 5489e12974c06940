import type { Catalog } from '../../catalog/catalog.ts'
import { definitionOf, isKeyless } from '../../providers/endpoint.ts'
import type { ProviderFact, ProviderKeyFact, VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import { priceOfModel } from '../../tenancy/governance/prices/prices.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import { aliasOf, keyAllows } from './model-lists.ts'
import { configOf, mayUse, providerBlocked } from './permission.ts'
import { invalidRequest, type Problem, problemOf } from './problem.ts'

/** A model as OpenAI's clients know it. */
interface ListedModel {
  readonly id: string
  readonly object: 'model'
  /** In seconds. */
  readonly created: number
  readonly owned_by: string
  readonly pricing?: Readonly<Record<string, string>>
}

const listPath = '/v1/models'
const mostPerPage = 1000

/**
 * What `GET /v1/models` answers: the models of the configured providers that some key can serve and, with a virtual key,
 * that it may use. Without a page size all at once. Under a path of its own each of them alone.
 */
export function listNativeModels(
  path: string,
  query: string,
  virtualKey: VirtualKeyFact | null,
  world: GovernanceWorld,
  catalog: Catalog,
): object | Problem {
  const wanted = new URLSearchParams(query)
  const only = wanted.get('provider')
  if (only !== null && virtualKey !== null && configOf(virtualKey, only) === null)
    return providerBlocked(only)
  const providers = world.providers.filter(({ name }) => only === null || name === only)
  const models = providers.flatMap((provider) => modelsOf(provider, virtualKey, world, catalog))
  if (path === listPath) return pageOf(models, wanted)
  const id = decoded(path.slice(listPath.length + 1))
  return models.find((model) => model.id === id) ?? problemOf({ failure: 'not_found', what: 'model' })
}

function modelsOf(
  provider: ProviderFact,
  virtualKey: VirtualKeyFact | null,
  world: GovernanceWorld,
  catalog: Catalog,
): readonly ListedModel[] {
  const { name, keys, createdAt } = provider
  const config = virtualKey === null ? null : configOf(virtualKey, name)
  if (virtualKey !== null && config === null) return []
  const usable = keys.filter(
    (key) => key.enabled && (config === null || config.allowAllKeys || config.keyIds.includes(key.keyId)),
  )
  const needsNoKey =
    isKeyless(provider) || (keys.length === 0 && (definitionOf(provider)?.isKeyOptional ?? false))
  const named = [
    ...usable.flatMap(({ models, aliases }) => [...models, ...Object.keys(aliases)]),
    ...(config?.allowedModels ?? []),
  ].filter((model) => model !== '*')
  const known = [
    ...new Set([...named.map((model) => withoutProvider(model, name)), ...catalog.modelsOf(name)]),
  ]
  return known
    .filter((model) => needsNoKey || usable.some((key) => keyAllows(key, model)))
    .filter((model) => config === null || mayUse(config, model, provider))
    .sort()
    .map((model) => {
      const key = usable.find((candidate) => keyAllows(candidate, model)) ?? null
      const pricing = pricingOf(world, virtualKey, name, key, model)
      return {
        id: `${name}/${model}`,
        object: 'model',
        created: Math.floor(createdAt / 1000),
        owned_by: name,
        ...(pricing === null ? {} : { pricing }),
      }
    })
}

/** Prices by what they are called in lists, and by the member of a sheet that they stand in. */
const pricesShown = [
  ['prompt', 'input_cost_per_token'],
  ['completion', 'output_cost_per_token'],
  ['image', 'input_cost_per_image'],
  ['input_cache_read', 'cache_read_input_token_cost'],
  ['input_cache_write', 'cache_creation_input_token_cost'],
] as const

/** A model is sold by one kind of request or another; the first of these that has a price is shown. */
const kindsPriced = ['chat_completion', 'responses', 'text_completion', 'embedding'] as const

/** What a call with this key would be priced by, in dollars; null where nobody knows. */
function pricingOf(
  world: GovernanceWorld,
  virtualKey: VirtualKeyFact | null,
  provider: string,
  key: ProviderKeyFact | null,
  model: string,
): Readonly<Record<string, string>> | null {
  for (const requestType of kindsPriced) {
    const { sheet } = priceOfModel(world, {
      virtualKeyId: virtualKey?.id ?? null,
      provider,
      providerKeyId: key?.keyId ?? null,
      model: (key === null ? null : aliasOf(key, model)) ?? model,
      requestType,
    })
    const known = pricesShown.flatMap(([shown, field]) => {
      const price = sheet?.[field]
      return price === undefined ? [] : [[shown, tenDecimals(price)]]
    })
    if (known.length > 0) return Object.fromEntries(known)
  }
  return null
}

/** A price of 1e-18 dollars a unit as people compare it, rounded half up. */
function tenDecimals(price: bigint): string {
  const digits = String((price + 50_000_000n) / 100_000_000n).padStart(11, '0')
  return `${digits.slice(0, -10)}.${digits.slice(-10)}`
}

function withoutProvider(model: string, provider: string): string {
  return model.toLowerCase().startsWith(`${provider.toLowerCase()}/`)
    ? model.slice(provider.length + 1)
    : model
}

/** A page's token is the id of the last model before it, so that a list that changes meanwhile loses nothing. */
function pageOf(models: readonly ListedModel[], wanted: URLSearchParams): object | Problem {
  const size = wanted.get('page_size')
  if (size !== null && !/^[1-9]\d{0,5}$/.test(size))
    return invalidRequest('page_size must be a positive integer.', 'invalid_page_size')
  const token = wanted.get('page_token') ?? ''
  const after = token === '' ? -1 : models.findIndex(({ id }) => id === tokenText(token))
  if (token !== '' && after < 0)
    return invalidRequest('page_token is not one of this list.', 'invalid_page_token')
  const limit = size === null ? models.length : Math.min(Number(size), mostPerPage)
  const data = models.slice(after + 1, after + 1 + limit)
  const last = data.at(-1)
  const isLast = last === undefined || after + 1 + data.length >= models.length
  return {
    object: 'list',
    data,
    ...(isLast ? {} : { next_page_token: Buffer.from(last.id).toString('base64url') }),
  }
}

function tokenText(token: string): string {
  return Buffer.from(token, 'base64url').toString()
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
