import { type Dispatcher, Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Route } from '../../src/api/route.ts'
import { routes } from '../../src/api/routes.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { type Frontier, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { keyOf, labKey, labsConfiguration, openLab, workspaceKeyTypes } from '../setup/labs.ts'

/** What paths may name: resources of one workspace, made anew for whoever may destroy them. */
interface Resources {
  readonly group_id: string
  readonly api_key_prefix: string
  readonly endpoint_id: string
}

/** Whoever calls: what they send, and how they are answered before anything else is looked at; null lets them in. */
interface Principal {
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
  readonly status: 401 | 403 | null
}

const nothing: Resources = { group_id: 'g_unknown', api_key_prefix: 'sky_unknown', endpoint_id: 'ep_unknown' }
const managing = ['PERSONAL', 'WORKSPACE_MANAGE_ALL']
const codes: Readonly<Record<number, string>> = {
  400: 'VALIDATION_ERROR',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
}
const apiKey = (value: string, more = {}) => ({ authorization: `Api-Key ${value}`, ...more })
const nameOf = ({ method, path }: Route) => `${method} ${path}`

describe.each(mostDatabases())('who may do what, on $name', ({ create }) => {
  const labs = { aurora: openLab(), borealis: openLab() }
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let connections: Pool
  let aurora: Frontier
  let theirs: Resources
  let ours: Resources
  let federated: string
  let made = 0

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    gateway = await startGateway({ config: labsConfiguration(upstream.url, labs), databaseUrl: place.url })
    connections = new Pool(gateway.url, { connections: 1 })
    aurora = openFrontier(gateway, keyOf('aurora', 'PERSONAL'))
    theirs = await makeResources('borealis')
    ours = await makeResources('aurora')
    federated = await aurora.mintKey(ours.group_id)
  })
  afterAll(async () => {
    await connections.close()
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  async function makeResources(workspace: 'aurora' | 'borealis'): Promise<Resources> {
    const { createEndpoint, createGroup, mintKey } = openFrontier(gateway, keyOf(workspace, 'PERSONAL'))
    const slug = `${workspace}/model-${++made}`
    const group_id = await createGroup({ models: { [slug]: [] } })
    const [api_key_prefix = ''] = (await mintKey(group_id)).split('.')
    return { group_id, api_key_prefix, endpoint_id: await createEndpoint(slug) }
  }

  /** A body that the route takes; null where it takes none. */
  function goodBody(route: Route): string | null {
    if (route.body === null) return null
    made += 1
    const slug = `aurora/model-${made}`
    const targets = [{ provider: 'BASETEN', model_id: 'lumen' }]
    const bodies: Record<string, object> = {
      'POST /v1/gateway/groups': {
        metadata: { external_entity_id: `made-${made}` },
        models: [{ slug }],
        hierarchy: {},
      },
      'PATCH /v1/gateway/groups/{group_id}': { metadata: { name: 'new' } },
      'POST /v1/gateway/groups/{group_id}/api_keys': {},
      'POST /v1/gateway/groups/{group_id}/api_keys/register': { key: labKey() },
      'POST /v1/gateway/endpoints': { slug, targets },
      'PATCH /v1/gateway/endpoints/{endpoint_id}': { slug },
    }
    return JSON.stringify(bodies[nameOf(route)] ?? expect.fail(`no body for ${nameOf(route)}`))
  }

  /** What the route has to be asked for, so that it answers at all. */
  function goodQuery(route: Route): string {
    return nameOf(route) === 'GET /v1/gateway/events' ? '?start_time=2026-01-01T00:00:00Z' : ''
  }

  async function call(
    route: Route,
    headers: Readonly<Record<string, string>>,
    named: Resources,
    { body = goodBody(route), query = goodQuery(route) }: { body?: string | null; query?: string } = {},
  ) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: keyof Resources) =>
      encodeURIComponent(named[name]),
    )
    const response = await connections.request({
      method: route.method.toUpperCase() as Dispatcher.HttpMethod,
      path: `${path}${query}`,
      headers: { ...headers, ...(body !== null && { 'x-baseten-signature': labs.aurora.sign(body) }) },
      body,
    })
    const text = await response.body.text()
    return { status: response.statusCode, code: JSON.parse(text).code as unknown, text }
  }

  function principals(): Principal[] {
    const basic = (password: string) => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    const admin = (workspace: string) => apiKey(gateway.adminKey, { 'x-tollgate-workspace': workspace })
    const one = (name: string, status: Principal['status'], headers: Principal['headers']) => ({
      name,
      headers,
      status,
    })
    return [
      one('nobody', 401, {}),
      one('garbage', 401, apiKey('garbage')),
      one('an unknown scheme', 401, { authorization: `Token ${keyOf('aurora', 'PERSONAL')}` }),
      one('a scheme alone', 401, { authorization: 'Api-Key' }),
      one('a wrong password', 401, { authorization: basic('garbage') }),
      one('a workspace key as password', 401, { authorization: basic(keyOf('aurora', 'PERSONAL')) }),
      one('a federated key', 401, apiKey(federated)),
      one('a federated key as Bearer', 401, { authorization: `Bearer ${federated}` }),
      ...workspaceKeyTypes.flatMap((type) => [
        one(`${type} of aurora`, managing.includes(type) ? null : 403, apiKey(keyOf('aurora', type))),
        one(`${type} of nimbus`, 403, apiKey(keyOf('nimbus', type))),
      ]),
      one(
        "aurora's key that names borealis",
        null,
        apiKey(keyOf('aurora', 'PERSONAL'), { 'x-tollgate-workspace': 'borealis' }),
      ),
      one('an admin key in aurora', null, admin('aurora')),
      one('an admin key as password', null, {
        authorization: basic(gateway.adminKey),
        'x-tollgate-workspace': 'aurora',
      }),
      one('an admin key in nimbus', 403, admin('nimbus')),
      one('an admin key in no workspace that is', 403, admin('nowhere')),
    ]
  }

  test.each(routes.map((route) => [nameOf(route), route] as const))(
    '%s turns strangers away before it looks at anything',
    async (_name, route) => {
      const broken = { body: route.body && '{', query: '?limit=0' }
      const wishes = [ours, theirs, nothing].flatMap((named) => [{ named }, { named, ...broken }])
      for (const [place, { name, headers, status }] of principals().entries()) {
        if (status === null) continue
        // In the short form each stranger asks once for each route, in turns for all that there is to ask for.
        const turn = (place + routes.indexOf(route)) % wishes.length
        for (const { named, ...more } of isLong ? wishes : wishes.slice(turn, turn + 1)) {
          const answer = await call(route, headers, named, more)
          expect([name, answer.status, answer.code]).toEqual([name, status, codes[status]])
        }
      }
      // Nothing of it was done.
      const living = [`/groups/${ours.group_id}`, `/endpoints/${ours.endpoint_id}`]
      living.push(`/groups/${ours.group_id}/api_keys/${ours.api_key_prefix}`)
      for (const path of living) expect((await aurora.request('GET', path)).status).toBe(200)
    },
  )

  test.each(routes.map((route) => [nameOf(route), route] as const))(
    '%s serves its own workspace, and judges path, body and query in this order',
    async (_name, route) => {
      const hasPath = route.path.includes('{')
      const broken = { body: route.body && '{', query: route.query ? '?limit=0' : '' }
      const admitted = principals().filter(({ status }) => status === null)
      // In the short form one of them asks for each route, all in turns.
      const turn = routes.indexOf(route) % admitted.length
      for (const { name, headers } of isLong ? admitted : admitted.slice(turn, turn + 1)) {
        const own = hasPath ? await makeResources('aurora') : nothing
        if (route.body || route.query) {
          expect([name, (await call(route, headers, own, broken)).status]).toEqual([name, 400])
        }
        for (const more of [{}, broken]) {
          if (!hasPath) continue
          const unknown = await call(route, headers, nothing, more)
          expect([name, unknown.status, unknown.code]).toEqual([name, 404, 'NOT_FOUND'])
          const foreign = await call(route, headers, theirs, more)
          expect([name, foreign.status, foreign.code]).toEqual([name, 403, 'FORBIDDEN'])
        }
        const served = await call(route, headers, own)
        expect([name, served.status]).toEqual([name, 200])
      }
      if (!hasPath) return
      const stranger = await call(route, apiKey(keyOf('borealis', 'PERSONAL')), ours)
      expect([stranger.status, stranger.code]).toEqual([403, 'FORBIDDEN'])
      const admin = await call(route, apiKey(gateway.adminKey, { 'x-tollgate-workspace': 'borealis' }), ours)
      expect(admin.status).toBe(403)
    },
  )

  test('a path of nothing is 404 to whom may come in, and says nothing to others', async () => {
    const paths = ['/v1/gateway/nothing', '/v1/audit_logs/nothing', '/v1/audit_logs/']
    for (const [place, { headers, status }] of principals().entries()) {
      const turn = place % paths.length
      for (const path of isLong ? paths : paths.slice(turn, turn + 1)) {
        const { statusCode, body } = await connections.request({ method: 'GET', path, headers })
        const expected = status ?? 404
        const { code } = (await body.json()) as { code: string }
        expect([path, statusCode, code]).toEqual([path, expected, codes[expected]])
      }
    }
  })

  test('another workspace’s lists hold nothing of ours', async () => {
    const headers = apiKey(keyOf('borealis', 'WORKSPACE_MANAGE_ALL'))
    for (const route of routes.filter(({ method, path }) => method === 'GET' && !path.includes('{'))) {
      const query = `${goodQuery(route) || '?'}&limit=200`
      const { status, text } = await call(route, headers, nothing, { query })
      expect([nameOf(route), status]).toEqual([nameOf(route), 200])
      for (const id of [ours.group_id, ours.endpoint_id, ours.api_key_prefix]) expect(text).not.toContain(id)
    }
  })

  test('a key under another group is 404, whoever’s the prefix is', async () => {
    const other = await makeResources('aurora')
    for (const prefix of [other.api_key_prefix, theirs.api_key_prefix]) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await aurora.request(method, `/groups/${ours.group_id}/api_keys/${prefix}`)
        expect(answer.status).toBe(404)
      }
    }
  })

  test('what was deleted is 404 to everybody', async () => {
    const gone = await makeResources('aurora')
    await aurora.request('DELETE', `/groups/${gone.group_id}`)
    await aurora.request('DELETE', `/endpoints/${gone.endpoint_id}`)
    for (const route of routes.filter(({ path }) => path.includes('{'))) {
      for (const workspace of ['aurora', 'borealis']) {
        const answer = await call(route, apiKey(keyOf(workspace, 'PERSONAL')), gone)
        expect([nameOf(route), workspace, answer.status]).toEqual([nameOf(route), workspace, 404])
      }
    }
  })

  test('a body that is wrong is 400 before a parent that is not there is 404', async () => {
    const group = (over: object) => ({
      metadata: { external_entity_id: `made-${++made}` },
      models: [{ slug: 'aurora/m' }],
      hierarchy: { parent_group_id: theirs.group_id },
      ...over,
    })
    expect((await aurora.request('POST', '/groups', group({ models: [] }))).status).toBe(400)
    expect((await aurora.request('POST', '/groups', group({}))).status).toBe(404)
  })
})
