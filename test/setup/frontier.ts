import createClient from 'openapi-fetch'
import type { components, paths } from '../../openapi/frontier.d.ts'
import { documentedFetch } from './contract.ts'
import type { Gateway } from './gateway.ts'

type GroupModel = components['schemas']['GroupModelInput']
type EndpointTarget = components['schemas']['EndpointTarget']

/** What a workspace's owner does over the management API, in the tests' short words. */
export interface Frontier {
  request(method: string, path: string, body?: unknown): Promise<Answered>
  /** An endpoint for a slug on the model `lumen`. */
  createEndpoint(slug: string, target?: object): Promise<string>
  createGroup(group: GroupWish): Promise<string>
  mintKey(groupId: string): Promise<string>
}

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
  readonly body: any
  readonly headers: Headers
}

export interface GroupWish {
  readonly externalId?: string
  readonly parentId?: string
  readonly mode?: 'INDEPENDENT' | 'CASCADING'
  /** Limits by slug, each as `REQUEST/MINUTE 5` or, strict, `TOKEN/DAY 100 strict`. */
  readonly models: Readonly<Record<string, readonly string[]>>
}

export const workspaceKey = 'workspace-key-of-aurora'

/** A configuration with one workspace, `aurora`, whose model `lumen` is served by the given upstream. */
export function configurationFor(upstreamUrl: string, more: object = {}, ofWorkspace: object = {}): object {
  return {
    version: 2,
    frontier: {
      // Tests come faster than people, and where their clock stands still no second ever ends.
      management_requests_per_second: 1_000_000,
      workspaces: [
        {
          id: 'aurora',
          slug_prefixes: ['aurora'],
          ...ofWorkspace,
          api_keys: [{ name: 'tests', value: workspaceKey, type: 'WORKSPACE_MANAGE_ALL' }],
          models: [
            {
              id: 'lumen',
              environments: {
                production: {
                  base_url: `${upstreamUrl}/v1`,
                  model: 'lumen-2',
                  api_key: 'key-of-the-upstream',
                },
                canary: { base_url: `${upstreamUrl}/v1`, model: 'lumen-3' },
              },
            },
          ],
        },
      ],
    },
    ...more,
  }
}

let named = 0

/** Whatever it is answered, it fails where the API's document does not promise it. */
export function openFrontier(gateway: Pick<Gateway, 'url'>, key = workspaceKey): Frontier {
  const headers = { authorization: `Api-Key ${key}`, 'content-type': 'application/json' }
  const client = createClient<paths>({ baseUrl: gateway.url, headers, fetch: documentedFetch })
  return {
    async request(method, path, body) {
      const response = await documentedFetch(`${gateway.url}/v1/gateway${path}`, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: await response.json(), headers: response.headers }
    },
    async createEndpoint(slug, target = { provider: 'BASETEN', model_id: 'lumen' }) {
      const body = { slug, targets: [target as EndpointTarget] }
      return expectOk(await client.POST('/v1/gateway/endpoints', { body })).id
    },
    async createGroup({ externalId = `group-${++named}`, parentId, mode, models }) {
      const body = {
        metadata: { external_entity_id: externalId },
        models: Object.entries(models).map(([slug, limits]) => modelOf(slug, limits)),
        hierarchy: {
          ...(parentId && { parent_group_id: parentId }),
          ...(mode && { limit_enforcement: mode }),
        },
      }
      return expectOk(await client.POST('/v1/gateway/groups', { body })).id
    },
    async mintKey(groupId) {
      const params = { path: { group_id: groupId } }
      return expectOk(await client.POST('/v1/gateway/groups/{group_id}/api_keys', { params, body: {} }))
        .api_key
    },
  }
}

function expectOk<Data>({
  data,
  response,
  error,
}: {
  data?: Data
  error?: unknown
  response: Response
}): Data {
  if (data === undefined) throw new Error(`${response.url}: ${response.status} ${JSON.stringify(error)}`)
  return data
}

/** A member of a group's `models`, from limits in short. */
export function modelOf(slug: string, limits: readonly string[]): GroupModel {
  const parsed = limits.map((text) => {
    const [, type, unit, threshold, strict] = /^(\w+)\/(\w+) (\d+)( strict)?$/.exec(text) ?? []
    if (unit === undefined) throw new Error(`not a limit: ${text}`)
    return { type, unit, threshold: Number(threshold), ...(strict && { strict: true }) }
  })
  return {
    slug,
    rate_limits: parsed.filter(({ unit }) => unit !== 'DAY') as NonNullable<GroupModel['rate_limits']>,
    usage_limits: parsed.filter(({ unit }) => unit === 'DAY') as NonNullable<GroupModel['usage_limits']>,
  }
}

export interface ChatWish {
  readonly model: string
  readonly stream?: boolean
  readonly [member: string]: unknown
}

/** One call of a model, with the key as `Api-Key` unless another scheme is named. */
export function chat(
  gateway: Pick<Gateway, 'url'>,
  key: string,
  wish: ChatWish,
  {
    scheme = 'Api-Key',
    ...init
  }: { scheme?: string; signal?: AbortSignal; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    ...(init.signal && { signal: init.signal }),
    headers: { authorization: `${scheme} ${key}`, 'content-type': 'application/json', ...init.headers },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], ...wish }),
  })
}

/** The status of one call, its answer read to the end. */
export async function chatStatus(...call: Parameters<typeof chat>): Promise<number> {
  const response = await chat(...call)
  await response.text()
  return response.status
}
