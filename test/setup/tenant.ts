import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Gateway } from './gateway.ts'
import { type Lab, openLab, workspaceKeyTypes } from './labs.ts'

// One tenant with one of everything, and for each route that the documents know a request about it that is served.

/** A route as a document has it. */
export interface DocumentedRoute {
  readonly method: string
  /** `/v1/gateway/groups/{group_id}` */
  readonly path: string
  readonly takesBody: boolean
}

const documentsFolder = join(import.meta.dirname, '../../openapi')
const methods = ['get', 'post', 'put', 'patch', 'delete']

/** Every route of the three published documents. */
export const documentedRoutes: readonly DocumentedRoute[] = ['frontier', 'governance', 'admin'].flatMap(
  (name) => {
    const { paths } = JSON.parse(readFileSync(join(documentsFolder, `${name}.json`), 'utf8')) as {
      paths: Record<string, Record<string, { requestBody?: object }>>
    }
    return Object.entries(paths).flatMap(([path, item]) =>
      methods
        .filter((method) => method in item)
        .map((method) => ({
          method: method.toUpperCase(),
          path,
          takesBody: item[method]?.requestBody !== undefined,
        })),
    )
  },
)

export const nameOfRoute = ({ method, path }: Pick<DocumentedRoute, 'method' | 'path'>) => `${method} ${path}`

/** Where a tenant's secrets come from: each place asks by a name of its own, and may ask again. */
export type SecretFor = (place: string) => string

export interface Tenant {
  /** Stands in the name of everything that the tenant has. */
  readonly word: string
  /** What paths may name, by parameter. */
  readonly ids: Readonly<Record<string, string>>
  readonly virtualKey: { readonly id: string; readonly value: string }
  readonly federatedKey: string
  readonly lab: Lab
  keyOf(type: (typeof workspaceKeyTypes)[number]): string
}

/** What a request says. */
export interface Wish {
  readonly path: string
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** Ids of nothing: what asks for them finds nothing. */
export const nothing: Readonly<Record<string, string>> = new Proxy(
  {},
  { get: () => 'unknown', has: () => true },
)

type Ask = (method: string, path: string, body?: object, key?: string) => Promise<Answer>
// biome-ignore lint/suspicious/noExplicitAny: answers are taken apart member by member
type Answer = any

/** Asks with an admin key, or with another as `Api-Key`; throws at what is no success. */
export function askerOf(gateway: Pick<Gateway, 'url' | 'adminKey'>): Ask {
  return async (method, path, body, key) => {
    const answer = await fetch(`${gateway.url}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        authorization: key === undefined ? `Bearer ${gateway.adminKey}` : `Api-Key ${key}`,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }
}

export interface TenantOptions {
  /** Where its providers, models and webhook are: without a path. */
  readonly upstreamUrl: string
  readonly secretFor?: SecretFor
}

/** Makes a tenant over the APIs. Its virtual key may call `gpt-4o` of its own provider and of `openai`. */
export async function makeTenant(
  gateway: Pick<Gateway, 'url' | 'adminKey'>,
  word: string,
  { upstreamUrl, secretFor = (place) => `${place} of ${word}`.replaceAll(' ', '-') }: TenantOptions,
): Promise<Tenant> {
  const ask = askerOf(gateway)
  const lab = openLab()
  const keyOf = (type: string) => secretFor(`workspace key ${type}`)
  const workspace = `/api/admin/workspaces/${word}`
  await ask('POST', '/api/admin/workspaces', {
    id: word,
    name: `${word} labs`,
    slug_prefixes: [word],
    registration_public_key: lab.publicKey,
  })
  await ask('POST', `${workspace}/domains`, { domain: `${word}.example` })
  for (const type of workspaceKeyTypes)
    await ask('POST', `${workspace}/api_keys`, { name: `${word} ${type}`, type, value: keyOf(type) })
  const spare = await ask('POST', `${workspace}/api_keys`, { name: `${word} spare` })
  await ask('POST', `${workspace}/secrets`, { id: `${word}-secret`, value: secretFor('workspace secret') })
  const environment = { base_url: `${upstreamUrl}/v1`, api_key: secretFor('model key') }
  for (const id of [`${word}-model`, `${word}-other`])
    await ask('POST', `${workspace}/models`, {
      id,
      environments: { production: environment, canary: environment },
    })
  await ask('PUT', `${workspace}/webhook`, {
    url: webhookOf(upstreamUrl, word),
    secret: secretFor('webhook secret'),
  })
  const admin = await ask('POST', '/api/admin/admin_keys', {
    name: `${word} operator`,
    value: secretFor('admin key'),
  })

  const owner = keyOf('PERSONAL')
  const slug = `${word}/chat`
  const endpoint = await ask(
    'POST',
    '/v1/gateway/endpoints',
    { slug, targets: [{ provider: 'BASETEN', model_id: `${word}-model` }] },
    owner,
  )
  const group = await ask('POST', '/v1/gateway/groups', groupOf(word, slug), owner)
  const federated = await ask('POST', `/v1/gateway/groups/${group.id}/api_keys`, {}, owner)

  await ask('POST', '/api/providers', providerOf(word, upstreamUrl, secretFor))
  const providerKey = await ask(
    'POST',
    `/api/providers/${word}/keys`,
    providerKeyOf(`${word}-key`, `${word} key`, secretFor),
  )
  await ask('PUT', `/api/governance/providers/${word}`, { budgets: [{ max_limit: 9, reset_duration: '1d' }] })
  await ask('POST', '/api/mcp/client', mcpClientOf(word, secretFor))
  const clients = await ask('GET', '/api/mcp/clients')
  const client = clients.clients.find(({ config }: Answer) => config.name === word)

  const { customer } = await ask('POST', '/api/governance/customers', {
    name: `${word} customer`,
    budgets: [{ max_limit: 8, reset_duration: '1d' }],
  })
  const { team } = await ask('POST', '/api/governance/teams', {
    name: `${word} team`,
    customer_id: customer.id,
    rate_limit: { request_max_limit: 1_000_000, request_reset_duration: '1h' },
  })
  const { virtual_key: virtualKey } = await ask('POST', '/api/governance/virtual-keys', {
    name: `${word} app`,
    team_id: team.id,
    budgets: [{ max_limit: 7, reset_duration: '1d' }],
    provider_configs: [
      { provider: word, weight: 1, allowed_models: ['*'], key_ids: ['*'] },
      { provider: 'openai', weight: null, allowed_models: ['*'], key_ids: ['*'] },
    ],
    mcp_configs: [{ mcp_client_name: word, tools_to_execute: ['*'] }],
  })
  const { model_config } = await ask('POST', '/api/governance/model-configs', {
    model_name: `${word}-limited`,
    scope: 'virtual_key',
    scope_id: virtualKey.id,
    rate_limit: { request_max_limit: 1_000_000, request_reset_duration: '1h' },
  })
  const { rule } = await ask('POST', '/api/governance/routing-rules', ruleOf(word, 'rule', virtualKey.id))
  const { rule: otherRule } = await ask('POST', '/api/routing/rules', ruleOf(word, 'other', virtualKey.id))
  const { pricing_override: override } = await ask(
    'POST',
    '/api/governance/pricing-overrides',
    overrideOf(word, virtualKey.id),
  )
  return {
    word,
    lab,
    keyOf,
    virtualKey: { id: virtualKey.id, value: virtualKey.value },
    federatedKey: federated.api_key,
    ids: {
      slug,
      workspace_id: word,
      workspace_key_id: spare.id,
      secret_id: `${word}-secret`,
      model_id: `${word}-other`,
      environment_name: 'canary',
      domain: `${word}.example`,
      admin_key_id: admin.id,
      group_id: group.id,
      api_key_prefix: federated.api_key.split('.')[0],
      endpoint_id: endpoint.id,
      provider: word,
      provider_name: word,
      provider_key_id: providerKey.id ?? providerKey.key_id ?? `${word}-key`,
      mcp_client_id: client.config.client_id,
      customer_id: customer.id,
      team_id: team.id,
      vk_id: virtualKey.id,
      budget_id: virtualKey.budgets[0].id,
      mc_id: model_config.id,
      rule_id: rule.id,
      other_rule_id: otherRule.id,
      override_id: override.id,
      dead_letter_id: 'unknown',
    },
  }
}

const webhookOf = (upstreamUrl: string, word: string) =>
  `${upstreamUrl.replace('127.0.0.1', 'localhost')}/webhook/${word}`

const groupOf = (word: string, slug: string) => ({
  metadata: { external_entity_id: `${word} ${slug}`, name: `${word} group` },
  models: [{ slug }],
  hierarchy: {},
})

const providerOf = (name: string, upstreamUrl: string, secretFor: SecretFor) => ({
  provider: name,
  custom_provider_config: { base_provider_type: 'openai' },
  network_config: {
    base_url: upstreamUrl,
    allow_private_network: true,
    extra_headers: { 'x-vendor-secret': secretFor('extra header') },
  },
  metadata: { owner: name },
})

const providerKeyOf = (id: string, name: string, secretFor: SecretFor) => ({
  id,
  name,
  value: secretFor('provider key'),
  models: ['*'],
  weight: 1,
})

const mcpClientOf = (name: string, secretFor: SecretFor) => ({
  client_id: `${name}-client`,
  name,
  connection_type: 'http',
  connection_string: `https://tools.example/mcp?token=${secretFor('mcp connection')}`,
  headers: { authorization: `Bearer ${secretFor('mcp header')}` },
})

const ruleOf = (word: string, name: string, keyId: string) => ({
  name: `${word} ${name}`,
  enabled: false,
  cel_expression: 'true',
  targets: [{ provider: word, model: 'gpt-4o', weight: 1 }],
  scope: 'virtual_key',
  scope_id: keyId,
})

const overrideOf = (word: string, keyId: string) => ({
  name: `${word} prices`,
  scope_kind: 'virtual_key',
  virtual_key_id: keyId,
  match_type: 'exact',
  pattern: 'gpt-4o',
  request_types: ['chat_completion', 'responses'],
  patch: { input_cost_per_token: 0.000002, output_cost_per_token: 0.000008 },
})

let made = 0

/** The request of a route about what a tenant has, or about other ids, that is served. */
export function goodRequest(
  route: DocumentedRoute,
  tenant: Tenant,
  {
    upstreamUrl,
    ids = tenant.ids,
    secretFor = (place) => `${place} of ${tenant.word} ${++made}`.replaceAll(' ', '-'),
  }: TenantOptions & { readonly ids?: Readonly<Record<string, string>> },
): Wish {
  const name = nameOfRoute(route)
  const body = route.takesBody ? bodyOf(name, tenant, upstreamUrl, secretFor) : undefined
  if (body === null) throw new Error(`no body for ${name}`)
  const text = body === undefined ? null : JSON.stringify(body)
  return {
    path: `${pathFor(route.path, ids)}${queryOf(name, tenant)}`,
    body: text,
    headers: {
      ...(text !== null && { 'content-type': 'application/json' }),
      ...(name.endsWith('/register') && { 'x-baseten-signature': tenant.lab.sign(text ?? '') }),
    },
  }
}

/** A route's path with ids in it. Some parameters have one name in several places. */
export function pathFor(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
    const id =
      ids[manyNamed.find(([name, base]) => name === parameter && path.startsWith(base))?.[2] ?? parameter]
    if (id === undefined) throw new Error(`no ${parameter} for ${path}`)
    return encodeURIComponent(id)
  })
}

const manyNamed = [
  ['key_id', '/api/admin/workspaces', 'workspace_key_id'],
  ['key_id', '/api/admin/admin_keys', 'admin_key_id'],
  ['key_id', '/api/providers', 'provider_key_id'],
  // The same rules under two paths: whoever deletes by one leaves something to the other.
  ['rule_id', '/api/routing', 'other_rule_id'],
  ['id', '/api/admin/dead-letters', 'dead_letter_id'],
  ['id', '/api/mcp/client', 'mcp_client_id'],
] as const

function queryOf(name: string, { ids }: Tenant): string {
  if (name === 'GET /v1/gateway/events') return '?start_time=2026-01-01T00:00:00Z'
  if (name === 'GET /api/admin/explain')
    return `?prefix=${ids.api_key_prefix}&model=${encodeURIComponent(ids.slug ?? '')}`
  return ''
}

/** Null where nobody has written down what the route takes. */
function bodyOf(
  name: string,
  { word, ids, virtualKey }: Tenant,
  upstreamUrl: string,
  secretFor: SecretFor,
): object | null {
  const n = ++made
  const fresh = `${word}-${n}`
  const slug = `${word}/fresh-${n}`
  const environment = { base_url: `${upstreamUrl}/v1`, api_key: secretFor('model key') }
  const environments = { production: environment, canary: environment }
  const budgets = [{ max_limit: 5, reset_duration: '1d' }]
  const rule = ruleOf(word, `rule ${n}`, virtualKey.id)
  const bodies: Readonly<Record<string, object>> = {
    'POST /v1/gateway/groups': groupOf(word, slug),
    'PATCH /v1/gateway/groups/{group_id}': { metadata: { name: fresh } },
    'POST /v1/gateway/groups/{group_id}/api_keys': {},
    'POST /v1/gateway/groups/{group_id}/api_keys/register': { key: secretFor('registered key') },
    'POST /v1/gateway/endpoints': { slug, targets: [{ provider: 'BASETEN', model_id: `${word}-model` }] },
    'PATCH /v1/gateway/endpoints/{endpoint_id}': { slug },

    'POST /api/admin/workspaces': { id: fresh, slug_prefixes: [fresh] },
    'PATCH /api/admin/workspaces/{workspace_id}': { name: fresh },
    'POST /api/admin/workspaces/{workspace_id}/domains': { domain: `n${n}.${word}.example` },
    'POST /api/admin/workspaces/{workspace_id}/api_keys': { name: fresh, value: secretFor('workspace key') },
    'POST /api/admin/workspaces/{workspace_id}/api_keys/{key_id}/rotate': {
      value: secretFor('workspace key'),
    },
    'POST /api/admin/workspaces/{workspace_id}/secrets': { id: fresh, value: secretFor('workspace secret') },
    'POST /api/admin/workspaces/{workspace_id}/secrets/{secret_id}/rotate': {
      value: secretFor('workspace secret'),
    },
    'POST /api/admin/workspaces/{workspace_id}/models': { id: fresh, environments },
    'PUT /api/admin/workspaces/{workspace_id}/models/{model_id}': { environments },
    'PUT /api/admin/workspaces/{workspace_id}/models/{model_id}/environments/{environment_name}': environment,
    'POST /api/admin/admin_keys': { name: fresh, value: secretFor('admin key') },
    'POST /api/admin/admin_keys/{key_id}/rotate': { value: secretFor('admin key') },
    'PUT /api/admin/catalog': {
      'openai/gpt-4o': {
        litellm_provider: 'openai',
        mode: 'chat',
        input_cost_per_token: 0.000001,
        output_cost_per_token: 0.000002,
      },
    },
    'PUT /api/admin/workspaces/{workspace_id}/webhook': {
      url: webhookOf(upstreamUrl, word),
      secret: secretFor('webhook secret'),
    },
    'POST /api/admin/workspaces/{workspace_id}/webhook/rotate_secret': {
      secret: secretFor('webhook secret'),
    },
    'POST /api/admin/dead-letters/redeliver': { workspace_id: word },

    'POST /api/governance/customers': { name: fresh, budgets },
    'PUT /api/governance/customers/{customer_id}': { name: fresh },
    'POST /api/governance/teams': { name: fresh, customer_id: ids.customer_id },
    'PUT /api/governance/teams/{team_id}': { name: fresh },
    'POST /api/governance/virtual-keys': { name: fresh, team_id: ids.team_id },
    'POST /api/governance/virtual-keys/rotate': { ids: [virtualKey.id] },
    'PUT /api/governance/virtual-keys/{vk_id}': { description: fresh },
    'PUT /api/governance/virtual-keys/{vk_id}/budgets/{budget_id}/override': { amount: 1, mode: 'forever' },
    'POST /api/governance/model-configs': { model_name: fresh, budgets },
    'PUT /api/governance/model-configs/{mc_id}': { budgets },
    'PUT /api/governance/providers/{provider_name}': { budgets },
    'POST /api/governance/routing-rules': rule,
    'PUT /api/governance/routing-rules/{rule_id}': rule,
    'POST /api/routing/rules': rule,
    'PUT /api/routing/rules/{rule_id}': rule,
    'POST /api/governance/pricing-overrides': overrideOf(fresh, virtualKey.id),
    'PUT /api/governance/pricing-overrides/{override_id}': overrideOf(fresh, virtualKey.id),
    'POST /api/providers': providerOf(fresh, upstreamUrl, secretFor),
    'PUT /api/providers/{provider}': { metadata: { owner: fresh } },
    'POST /api/providers/{provider}/keys': providerKeyOf(fresh, fresh, secretFor),
    'PUT /api/providers/{provider}/keys/{key_id}': { value: secretFor('provider key') },
    'POST /api/mcp/client': mcpClientOf(fresh.replace('-', '_'), secretFor),
    'PUT /api/mcp/client/{id}': { headers: { authorization: secretFor('mcp header') } },
    'PUT /api/config': {},
    'POST /api/session/login': { username: 'ops', password: 'the password of ops' },
  }
  return bodies[name] ?? null
}
