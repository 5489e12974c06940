import type { Gateway } from './gateway.ts'

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

export function openFrontier(gateway: Pick<Gateway, 'url'>, key = workspaceKey): Frontier {
  const request = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const response = await fetch(`${gateway.url}/v1/gateway${path}`, {
      method,
      headers: { authorization: `Api-Key ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json(), headers: response.headers }
  }
  const expectOk = async (method: string, path: string, body: unknown) => {
    const answered = await request(method, path, body)
    if (answered.status !== 200)
      throw new Error(`${method} ${path}: ${answered.status} ${JSON.stringify(answered.body)}`)
    return answered.body
  }
  return {
    request,
    async createEndpoint(slug, target = { provider: 'BASETEN', model_id: 'lumen' }) {
      return (await expectOk('POST', '/endpoints', { slug, targets: [target] })).id
    },
    async createGroup({ externalId = `group-${++named}`, parentId, mode, models }) {
      const group = {
        metadata: { external_entity_id: externalId },
        models: Object.entries(models).map(([slug, limits]) => modelOf(slug, limits)),
        hierarchy: {
          ...(parentId && { parent_group_id: parentId }),
          ...(mode && { limit_enforcement: mode }),
        },
      }
      return (await expectOk('POST', '/groups', group)).id
    },
    mintKey: async (groupId) => (await expectOk('POST', `/groups/${groupId}/api_keys`, {})).api_key,
  }
}

/** A member of a group's `models`, from limits in short. */
export function modelOf(slug: string, limits: readonly string[]): object {
  const parsed = limits.map((text) => {
    const [, type, unit, threshold, strict] = /^(\w+)\/(\w+) (\d+)( strict)?$/.exec(text) ?? []
    if (unit === undefined) throw new Error(`not a limit: ${text}`)
    return { type, unit, threshold: Number(threshold), ...(strict && { strict: true }) }
  })
  return {
    slug,
    rate_limits: parsed.filter(({ unit }) => unit !== 'DAY'),
    usage_limits: parsed.filter(({ unit }) => unit === 'DAY'),
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
