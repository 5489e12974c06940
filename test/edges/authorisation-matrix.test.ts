import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { type Dispatcher, Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createManagement } from '../../src/api/management.ts'
import { servedByPath } from '../../src/gateway/operations.ts'
import { operationsRoutes } from '../../src/http/operations.ts'
import type { Database } from '../../src/store/database.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { workspaceKeyTypes } from '../setup/labs.ts'
import { setupServices } from '../setup/setup-services.ts'
import {
  askerOf,
  type DocumentedRoute,
  documentedRoutes,
  goodRequest,
  makeTenant,
  nameOfRoute,
  nothing,
  type Tenant,
} from '../setup/tenant.ts'

// Who may do what, on every route of every surface. Whoever adds a route or a surface finds here what is missing.

type Surface = 'operator' | 'setup' | 'governance' | 'quota' | 'workspace' | 'open'

/** Which surface a documented path belongs to: the first whose beginning it has. */
const surfaces: readonly (readonly [string, Surface])[] = [
  ['/v1/gateway/', 'workspace'],
  ['/v1/audit_logs', 'workspace'],
  ['/api/admin/', 'operator'],
  ['/api/governance/virtual-keys/quota', 'quota'],
  ['/api/governance/', 'governance'],
  ['/api/routing/', 'governance'],
  ['/api/pricing/', 'governance'],
  ['/api/providers', 'setup'],
  ['/api/keys', 'setup'],
  ['/api/models', 'setup'],
  ['/api/mcp/', 'setup'],
  ['/api/config', 'setup'],
  ['/api/info', 'setup'],
  ['/api/session/', 'open'],
  ['/api/version', 'open'],
  ['/health', 'open'],
]

/** What stands beside the documents, by hand: everything here is open but the metrics. */
const plain = [
  '/healthz',
  '/readyz',
  '/metrics',
  '/docs',
  '/docs/start.js',
  '/docs/scalar.js',
  '/openapi.json',
  '/openapi/governance.json',
  '/openapi/admin.json',
]

/** What callers of models may ask for; the frontier door has the first three. */
const calls: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/v1/chat/completions'],
  ['POST', '/v1/embeddings'],
  ['GET', '/v1/models'],
  ['POST', '/v1/completions'],
  ['POST', '/v1/responses'],
  ['POST', '/v1/mcp/tool/execute'],
]
const ofFrontierDoor = ['/v1/chat/completions', '/v1/embeddings', '/v1/models']

/** Whoever may come in is served, or is told what is wrong with the request; `own` is served what is theirs alone. */
type Verdict = 'in' | 'own' | 401 | 403 | 404

interface Row {
  readonly operator: Verdict
  readonly setup: Verdict
  readonly reads: Verdict
  readonly writes: Verdict
  readonly quota: Verdict
  readonly workspace: Verdict
  readonly metrics: Verdict
  readonly calls: Verdict
  /** Calls that the frontier door does not have. */
  readonly nativeCalls: Verdict
}

const nowhere: Row = {
  operator: 401,
  setup: 401,
  reads: 401,
  writes: 401,
  quota: 401,
  workspace: 401,
  metrics: 401,
  calls: 401,
  nativeCalls: 401,
}
const everythingUnderApi = { operator: 'in', setup: 'in', reads: 'in', writes: 'in' } as const

/** The matrix. */
const rows = {
  stranger: nowhere,
  administrator: { ...nowhere, ...everythingUnderApi },
  'admin key': { ...nowhere, ...everythingUnderApi, workspace: 'in', metrics: 'in' },
  'virtual key': {
    ...nowhere,
    operator: 403,
    setup: 403,
    reads: 'own',
    writes: 403,
    quota: 'in',
    calls: 'in',
    nativeCalls: 'in',
  },
  // It may still ask what it has left, and is told that it is off.
  'inactive virtual key': { ...nowhere, quota: 'in', calls: 403, nativeCalls: 403 },
  'expired virtual key': { ...nowhere, quota: 403, calls: 403, nativeCalls: 403 },
  'federated key': { ...nowhere, calls: 'in', nativeCalls: 404 },
  'managing workspace key': { ...nowhere, workspace: 'own' },
  'other workspace key': { ...nowhere, workspace: 403 },
} satisfies Readonly<Record<string, Row>>

interface Principal {
  readonly name: string
  readonly is: keyof typeof rows
  readonly headers: Readonly<Record<string, string>>
}

/** Writes that a request about nothing cannot be told from: they take neither ids nor a body. */
const alwaysServed = ['POST /api/pricing/force-sync', 'DELETE /api/admin/catalog']
const openingPassword = { username: 'ops', password: 'the password of ops' }
const secret = 'what the signer of tokens and the gateway know'
const startedAt = Date.UTC(2026, 10, 2, 8, 15)
const dayMs = 86_400_000
const atOnce = 16

const bearer = (value: string) => ({ authorization: `Bearer ${value}` })
const apiKey = (value: string, more = {}) => ({ authorization: `Api-Key ${value}`, ...more })
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})

function surfaceOf(path: string): Surface {
  return surfaces.find(([begins]) => path.startsWith(begins))?.[1] ?? expect.fail(`no row for ${path}`)
}

function verdictOf(row: Row, { method, path }: DocumentedRoute): Verdict {
  const surface = surfaceOf(path)
  if (surface === 'open') return 'in'
  return surface === 'governance' ? row[method === 'GET' ? 'reads' : 'writes'] : row[surface]
}

describe.each(mostDatabases())('the authorisation matrix on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let connections: Pool
  let database: Database
  let ours: Tenant
  let theirs: Tenant
  let principals: Principal[]
  let ask: ReturnType<typeof askerOf>
  let sessions: readonly [string, string]
  let at = startedAt

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    place = await create()
    gateway = await startGateway({
      config: {
        network: {
          allow_private: ['127.0.0.0/8', '::1/128'],
          origins: { 'https://api.openai.com': upstream.url },
        },
        frontier: { management_requests_per_second: 1_000_000 },
      },
      databaseUrl: place.url,
      clock: startedAt,
    })
    connections = new Pool(gateway.url, { connections: atOnce })
    database = await place.open()
    ask = askerOf(gateway)
    await configure({
      auth_config: {
        is_enabled: true,
        admin_username: openingPassword.username,
        admin_password: openingPassword.password,
        jwt: { secret, tenant: 'acme' },
      },
      client_config: { enforce_auth_on_inference: true },
    })
    await ask('POST', '/api/providers', { provider: 'openai' })
    await ask('POST', '/api/providers/openai/keys', { id: 'shared', name: 'shared', value: 'vendor-key' })
    // Whatever is asked of the model has a price, so that no budget stands in the way.
    await ask('POST', '/api/governance/pricing-overrides', {
      name: 'for everybody',
      scope_kind: 'global',
      match_type: 'exact',
      pattern: 'gpt-4o',
      request_types: ['chat_completion', 'text_completion', 'embedding', 'responses'],
      patch: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000001 },
    })
    ours = await tenant('albatross')
    theirs = await tenant('zanzibar')
    sessions = [await login(), await login()]
    principals = await everybody()
  })
  afterAll(async () => {
    await connections.close()
    await database.close()
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  const options = () => ({ upstreamUrl: upstream.url })
  const configure = (change: object) => ask('PUT', '/api/config', change)
  const login = async (): Promise<string> => (await ask('POST', '/api/session/login', openingPassword)).token
  const tokenOf = (claims: object, key = secret) =>
    new SignJWT({ tenantId: 'acme', ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(key))

  /** A tenant with a dead letter as well. */
  async function tenant(word: string): Promise<Tenant> {
    const made = await makeTenant(gateway, word, options())
    const id = `dlv_${word}`
    await database.transaction((transaction) =>
      transaction
        .insertInto('deliveries')
        .values({
          id,
          workspace_id: word,
          request_id: randomUUID(),
          state: 'dead',
          created_at: startedAt,
          settled_at: startedAt,
          events: 1,
          body: JSON.stringify({ events: [{ of: word }] }),
          signature: null,
          attempts: 1,
          last_status: 500,
          problem: 'HTTP 500',
        })
        .execute(),
    )
    return { ...made, ids: { ...made.ids, dead_letter_id: id } }
  }

  const one = (name: string, is: Principal['is'], headers: Principal['headers']): Principal => ({
    name,
    is,
    headers,
  })

  async function everybody(): Promise<Principal[]> {
    const inOurs = { 'x-tollgate-workspace': ours.word }
    const spare = await ask('POST', '/api/governance/virtual-keys', { name: 'turned off', is_active: false })
    const rotated = await ask('POST', '/api/governance/virtual-keys', { name: 'rotated' })
    await ask('POST', `/api/governance/virtual-keys/${rotated.virtual_key.id}/rotate`)
    const soonOver = await ask('POST', '/api/governance/virtual-keys', {
      name: 'soon over',
      expires_at: new Date(at + 1).toISOString(),
    })
    at += 1000
    await gateway.setClock(at)
    const oldAdmin = await ask('POST', '/api/admin/admin_keys', { name: 'old' })
    await ask('POST', `/api/admin/admin_keys/${oldAdmin.id}/rotate`)
    const oldWorkspace = await ask('POST', `/api/admin/workspaces/${ours.word}/api_keys`, { name: 'old' })
    await ask('POST', `/api/admin/workspaces/${ours.word}/api_keys/${oldWorkspace.id}/rotate`)
    const revoked = (
      await ask('POST', `/v1/gateway/groups/${ours.ids.group_id}/api_keys`, {}, ours.keyOf('PERSONAL'))
    ).api_key as string
    const revokedPath = `/v1/gateway/groups/${ours.ids.group_id}/api_keys/${revoked.split('.')[0]}`
    await ask('DELETE', revokedPath, undefined, ours.keyOf('PERSONAL'))
    const ended = await login()
    await fetch(`${gateway.url}/api/session/logout`, { method: 'POST', headers: bearer(ended) })
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const otherFamily = await new SignJWT({ tenantId: 'acme', roles: ['admin'] })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(privateKey)
    const unsigned = ['{"alg":"none"}', '{"tenantId":"acme","roles":["admin"]}']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.')
    const { value } = ours.virtualKey
    const ofKey = (id: string) => tokenOf({ accessKey: id, roles: ['admin'] })
    return [
      one('nobody', 'stranger', {}),
      one('garbage as Bearer', 'stranger', bearer('garbage')),
      one('garbage as Api-Key', 'stranger', apiKey('garbage')),
      one('garbage as a cookie', 'stranger', { cookie: `token=${randomUUID()}` }),
      one('a Basic header of nothing', 'stranger', { authorization: 'Basic' }),
      one('an admin key without its scheme', 'stranger', { authorization: gateway.adminKey }),
      one('an admin key as x-api-key', 'stranger', { 'x-api-key': gateway.adminKey }),
      one('an admin key that was rotated', 'stranger', bearer(oldAdmin.value)),
      one('a session that was ended', 'stranger', bearer(ended)),
      one('a session as x-bf-vk', 'stranger', { 'x-bf-vk': sessions[0] }),
      one(
        'a token of another tenant',
        'stranger',
        bearer(await tokenOf({ tenantId: 'b', roles: ['admin'] })),
      ),
      one(
        'a token of another signer',
        'stranger',
        bearer(await tokenOf({ roles: ['admin'] }, 'guess'.repeat(9))),
      ),
      one('a token that is over', 'stranger', bearer(await tokenOf({ roles: ['admin'], exp: 1 }))),
      one('a token of another family', 'stranger', bearer(otherFamily)),
      one('a token that nobody signed', 'stranger', bearer(`${unsigned}.`)),
      one('a token of no role', 'stranger', bearer(await tokenOf({ roles: ['viewer'] }))),
      one('a token of an unknown virtual key', 'stranger', bearer(await ofKey('nobody'))),
      one('an unknown virtual key', 'stranger', bearer(`sk-bf-${randomUUID()}`)),
      one('the value before a rotation', 'stranger', bearer(rotated.virtual_key.value)),
      one('a virtual key as Api-Key', 'stranger', apiKey(value)),
      one('a revoked federated key', 'stranger', apiKey(revoked)),
      one('a rotated workspace key', 'stranger', apiKey(oldWorkspace.value)),

      one('a session', 'administrator', bearer(sessions[0])),
      one('a session as a cookie', 'administrator', { cookie: `token=${sessions[1]}` }),
      one('a password', 'administrator', basic(openingPassword.username, openingPassword.password)),
      one("an administrator's token", 'administrator', bearer(await tokenOf({ roles: ['admin'] }))),
      one('an admin key', 'admin key', bearer(gateway.adminKey)),
      one('an admin key in a workspace', 'admin key', apiKey(gateway.adminKey, inOurs)),
      one('an admin key as a password', 'admin key', { ...basic('admin', gateway.adminKey), ...inOurs }),

      one('a virtual key', 'virtual key', bearer(value)),
      one('a virtual key as x-bf-vk', 'virtual key', { 'x-bf-vk': value }),
      one('a virtual key as api-key', 'virtual key', { 'api-key': value }),
      one("a virtual key's token", 'virtual key', bearer(await ofKey(ours.virtualKey.id))),
      one("a virtual key's token as x-bf-vk", 'virtual key', { 'x-bf-vk': await ofKey(ours.virtualKey.id) }),
      one('an inactive virtual key', 'inactive virtual key', bearer(spare.virtual_key.value)),
      one('a token of one', 'inactive virtual key', bearer(await ofKey(spare.virtual_key.id))),
      one('an expired virtual key', 'expired virtual key', bearer(soonOver.virtual_key.value)),

      one('a federated key', 'federated key', apiKey(ours.federatedKey)),
      one('a federated key as Bearer', 'federated key', bearer(ours.federatedKey)),
      ...workspaceKeyTypes.map((type) =>
        one(
          `a workspace key of type ${type}`,
          type === 'PERSONAL' || type === 'WORKSPACE_MANAGE_ALL'
            ? 'managing workspace key'
            : 'other workspace key',
          apiKey(ours.keyOf(type), { 'x-tollgate-workspace': theirs.word }),
        ),
      ),
    ]
  }

  interface Sent {
    readonly status: number
    readonly text: string
  }

  async function send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | null = null,
  ): Promise<Sent> {
    const response = await connections.request({
      method: method as Dispatcher.HttpMethod,
      path,
      headers,
      ...(body !== null && { body }),
    })
    const text = `${await response.body.text()}\n${JSON.stringify(response.headers)}`
    return { status: response.statusCode, text }
  }

  /** A request that would do something, were it served: about what somebody else has. */
  const strike = (route: DocumentedRoute, { headers }: Principal, of: Tenant) => {
    const wish = goodRequest(route, of, options())
    return send(route.method, wish.path, { ...wish.headers, ...headers }, wish.body)
  }

  /** A request that is let in and then does nothing: a read, or a write about nothing, or of nothing. */
  const knock = (route: DocumentedRoute, { headers }: Pick<Principal, 'headers'>, of: Tenant) => {
    const isRead = route.method === 'GET'
    const wish = goodRequest(route, of, { ...options(), ...(!isRead && { ids: nothing }) })
    const body = route.takesBody && !route.path.includes('{') ? '{' : wish.body
    return send(route.method, wish.path, { ...wish.headers, ...headers }, body)
  }

  const expectIn = (route: DocumentedRoute, name: string, { status, text }: Sent) => {
    const isServed = route.method === 'GET' || alwaysServed.includes(nameOfRoute(route))
    const expected = isServed || surfaceOf(route.path) === 'open' ? [200, 400] : [400, 404]
    if (isServed) expected.pop()
    expect([nameOfRoute(route), name, status, expected.includes(status) ? '' : text]).toEqual([
      nameOfRoute(route),
      name,
      status,
      '',
    ])
  }

  /** Everything that is written moves the one and, nearly always, adds to the other. */
  const written = async () => {
    const { revision } = await database.read
      .selectFrom('installation')
      .select('revision')
      .executeTakeFirstOrThrow()
    const { rows: audited } = await database.read
      .selectFrom('audit_log')
      .select(({ fn }) => fn.countAll<number | string>().as('rows'))
      .executeTakeFirstOrThrow()
    return [Number(revision), Number(audited)]
  }

  /** So many at a time: the order in which they are answered is nobody's business. */
  async function forAll<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
    const left = [...items]
    const worker = async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }

  const isUnder = (surface: Surface) => (route: DocumentedRoute) => surfaceOf(route.path) === surface
  /** Logging in takes a password and logging out a session: both have a case of their own. */
  const routes = documentedRoutes.filter(({ path }) => !/^\/api\/session\/log/.test(path))

  test('knows every route there is', async () => {
    const registered = [
      ...createManagement({ ...setupServices, tenancy: {}, clock: () => 0, version: '' } as never).routes,
      ...operationsRoutes({} as never).routes,
    ]
    const served = registered
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    const known = [...documentedRoutes.map(nameOfRoute), ...plain.map((path) => `GET ${path}`)]
    expect([...new Set(served)].toSorted()).toEqual(known.toSorted())
    for (const { path } of documentedRoutes) surfaceOf(path)
    const callable = [...servedByPath.keys()].map((path) => `POST ${path}`)
    expect([...callable, 'GET /v1/models'].toSorted()).toEqual(
      calls.map(([method, path]) => `${method} ${path}`).toSorted(),
    )

    // And the running gateway says the same of itself.
    const paths: Record<string, object> = {}
    for (const path of ['/openapi.json', '/openapi/governance.json', '/openapi/admin.json'])
      Object.assign(paths, ((await (await fetch(`${gateway.url}${path}`)).json()) as { paths: object }).paths)
    const published = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(published.toSorted()).toEqual(documentedRoutes.map(nameOfRoute).toSorted())
  })

  /** In the short form one in eight of those who are alike; the long form has everybody ask for everything. */
  const askersOf = (route: DocumentedRoute) => {
    const turn = routes.indexOf(route) % 8
    return principals.filter(
      ({ is }, place) => isLong || place % 8 === turn || principals.findIndex((it) => it.is === is) === place,
    )
  }

  test('refuses whoever may not come in, shows them nothing and does nothing', async () => {
    const words = [ours.word, theirs.word]
    for (const route of routes) {
      const before = await written()
      await forAll(askersOf(route), async (principal) => {
        const verdict = verdictOf(rows[principal.is], route)
        if (typeof verdict !== 'number') return
        const { status, text } = await strike(route, principal, theirs)
        expect([nameOfRoute(route), principal.name, status]).toEqual([
          nameOfRoute(route),
          principal.name,
          verdict,
        ])
        const told = words.some((word) => text.includes(word)) ? text : ''
        expect([nameOfRoute(route), principal.name, told]).toEqual([nameOfRoute(route), principal.name, ''])
      })
      expect([nameOfRoute(route), ...(await written())]).toEqual([nameOfRoute(route), ...before])
    }
  })

  test('refuses a wrong password, once on each surface', async () => {
    // Each takes a tenth of a second to be found wrong, and five of one name a minute are all there may be.
    const wrong = ['operator', 'setup', 'governance', 'workspace', 'quota'] as const
    const before = await written()
    for (const [index, surface] of wrong.entries()) {
      const route = routes.find(isUnder(surface)) ?? expect.fail(surface)
      const guess = index === 0 ? basic('admin', 'x'.repeat(20)) : basic(`somebody-${index}`, 'guess')
      const { status } = await strike(route, one('a wrong password', 'stranger', guess), theirs)
      expect([nameOfRoute(route), status]).toEqual([nameOfRoute(route), 401])
    }
    expect(await written()).toEqual(before)
  })

  test('lets in whoever may come in', async () => {
    for (const route of routes) {
      await forAll(askersOf(route), async (principal) => {
        if (verdictOf(rows[principal.is], route) !== 'in') return
        // An admin key that names no workspace acts in the one that every installation has.
        if (principal.name === 'an admin key' && surfaceOf(route.path) === 'workspace') return
        expectIn(route, principal.name, await knock(route, principal, ours))
      })
    }
  })

  test('shows virtual keys what is theirs and nothing of others', async () => {
    const before = await written()
    const keys = principals.filter(({ is }) => is === 'virtual key')
    for (const route of routes.filter((it) => isUnder('governance')(it) && it.method === 'GET')) {
      await forAll(keys, async (principal) => {
        const own = await knock(route, principal, ours)
        expect([nameOfRoute(route), principal.name, own.status]).toEqual([
          nameOfRoute(route),
          principal.name,
          200,
        ])
        expect([nameOfRoute(route), own.text.includes(theirs.word)]).toEqual([nameOfRoute(route), false])
        if (!route.path.includes('{')) return
        const foreign = await knock(route, principal, theirs)
        expect([nameOfRoute(route), principal.name, foreign.status]).toEqual([
          nameOfRoute(route),
          principal.name,
          404,
        ])
        // Whether somebody else has it, or nobody, is told to nobody.
        const path = goodRequest(route, ours, { ...options(), ids: nothing }).path
        const unknown = await send(route.method, path, principal.headers)
        const bodyOf = ({ text }: Sent) => text.slice(0, text.indexOf('\n'))
        expect(bodyOf(foreign)).toBe(bodyOf(unknown))
      })
    }
    // Searching and filtering widen nothing.
    const [key] = keys
    for (const path of [
      'teams',
      'customers',
      'virtual-keys',
      'model-configs',
      'routing-rules',
      'pricing-overrides',
    ])
      for (const query of [
        `search=${theirs.word}`,
        `customer_id=${theirs.ids.customer_id}`,
        `team_id=${theirs.ids.team_id}`,
        `scope=global`,
        `scope=virtual_key&scope_id=${theirs.ids.vk_id}`,
        `virtual_key_id=${theirs.ids.vk_id}`,
        'from_memory=true&expand=full&limit=1000',
        `limit=1&offset=0&search=${theirs.word}`,
      ]) {
        const { status, text } = await send('GET', `/api/governance/${path}?${query}`, key?.headers ?? {})
        expect([path, query, status, text.includes(theirs.word)]).toEqual([path, query, 200, false])
      }
    for (const { headers } of keys) {
      const shown = (await send('GET', '/api/governance/virtual-keys', headers)).text
      const values = [...shown.matchAll(/sk-bf-[0-9a-f-]{36}/g)].map(([value]) => value)
      expect([...new Set(values)]).toEqual([ours.virtualKey.value])
      expect((await send('GET', '/api/governance/virtual-keys/quota', headers)).text).not.toContain(
        theirs.word,
      )
    }
    expect(await written()).toEqual(before)
  })

  test('keeps workspaces apart', async () => {
    const before = await written()
    const managers = principals.filter(({ is }) => is === 'managing workspace key')
    const visitors = [
      ...managers,
      one(
        'an admin key in a workspace',
        'admin key',
        apiKey(gateway.adminKey, { 'x-tollgate-workspace': ours.word }),
      ),
    ]
    for (const route of routes.filter(isUnder('workspace'))) {
      await forAll(visitors, async (principal) => {
        const own = await knock(route, principal, ours)
        expectIn(route, principal.name, own)
        expect([nameOfRoute(route), own.text.includes(theirs.word)]).toEqual([nameOfRoute(route), false])
        if (!route.path.includes('{')) return
        const foreign = await strike(route, principal, theirs)
        expect([nameOfRoute(route), principal.name, foreign.status]).toEqual([
          nameOfRoute(route),
          principal.name,
          403,
        ])
        expect([nameOfRoute(route), foreign.text.includes(theirs.word)]).toEqual([nameOfRoute(route), false])
      })
    }
    expect(await written()).toEqual(before)
    const none = apiKey(gateway.adminKey, { 'x-tollgate-workspace': 'nowhere' })
    expect((await send('GET', '/v1/gateway/groups', none)).status).toBe(403)
  })

  test('answers calls of models to those whose key is for them', async () => {
    const body = (path: string, model: string) =>
      path === '/v1/mcp/tool/execute'
        ? { name: `${ours.word}-tool`, arguments: {} }
        : { model, messages: [{ role: 'user', content: 'Hi' }], prompt: 'Hi', input: 'Hi' }
    for (const [method, path] of calls) {
      await forAll(principals, async ({ name, is, headers }) => {
        const column = ofFrontierDoor.includes(path) ? 'calls' : 'nativeCalls'
        const verdict = rows[is][column]
        const model = is === 'federated key' ? (ours.ids.slug ?? '') : 'openai/gpt-4o'
        const sent = method === 'GET' ? null : JSON.stringify(body(path, model))
        const answer = await send(method, path, { 'content-type': 'application/json', ...headers }, sent)
        // Running tools is not built yet.
        const served = path === '/v1/mcp/tool/execute' ? 501 : 200
        expect([path, name, answer.status]).toEqual([path, name, verdict === 'in' ? served : verdict])
        expect([path, name, answer.text.includes(theirs.word)]).toEqual([path, name, false])
      })
    }
    // What is another's is not there, or may not be used.
    const chat = (headers: object, model: string) =>
      send(
        'POST',
        '/v1/chat/completions',
        { 'content-type': 'application/json', ...headers },
        JSON.stringify(body('', model)),
      )
    expect((await chat(apiKey(ours.federatedKey), `${theirs.word}/chat`)).status).toBe(404)
    expect((await chat(bearer(ours.virtualKey.value), `${theirs.word}/gpt-4o`)).status).toBe(403)
    const tool = JSON.stringify({ name: `${theirs.word}-tool` })
    const run = await send('POST', '/v1/mcp/tool/execute', bearer(ours.virtualKey.value), tool)
    expect(run.status).toBe(403)
    for (const model of [`${theirs.word}/chat`, encodeURIComponent(`${theirs.word}/chat`)])
      expect((await send('GET', `/v1/models/${model}`, apiKey(ours.federatedKey))).status).toBe(404)
  })

  test('tells strangers nothing of methods and paths', async () => {
    const paths = [...new Set(routes.map(({ path }) => path))].filter((path) => surfaceOf(path) !== 'open')
    const before = await written()
    // Every holder of a virtual key knows of this one.
    const known = '/api/governance/virtual-keys/quota'
    await forAll(paths, async (path) => {
      const concrete = path.replaceAll(/\{\w+\}/g, 'x')
      for (const method of ['HEAD', 'OPTIONS', 'PATCH', 'PUT', 'DELETE']) {
        const status = path === known && method !== 'HEAD' ? 405 : 401
        expect([method, path, (await send(method, concrete, {})).status]).toEqual([method, path, status])
      }
    })
    for (const path of ['/api', '/api/nothing', '/api/admin/x', '/api/governance/x', '/v1/gateway/x'])
      expect([path, (await send('GET', path, {})).status]).toEqual([path, 401])
    // Spelled otherwise, they are the same paths or none.
    for (const path of [
      '//api/config',
      '/API/config',
      '/api/config/',
      '/api//config',
      '/api/%63onfig',
      '/api;/config',
    ])
      for (const { name, headers } of principals.filter(({ is }) => is === 'stranger'))
        expect([path, name, [401, 404]]).toEqual([
          path,
          name,
          expect.arrayContaining([(await send('GET', path, headers)).status]),
        ])
    expect(await written()).toEqual(before)
  })

  test('opens what is plain to everybody, and the metrics to admin keys', async () => {
    // The documents and the page are large, and nobody is looked at who asks for them.
    for (const path of plain)
      await forAll(
        path.includes('doc') || path.includes('openapi') ? principals.slice(0, 1) : principals,
        async ({ name, is, headers }) => {
          const { status, text } = await send('GET', path, headers)
          const verdict = path === '/metrics' ? rows[is].metrics : 'in'
          expect([path, name, status]).toEqual([path, name, verdict === 'in' ? 200 : verdict])
          // Names of virtual keys may stand among the metrics, which whoever may read them may see.
          if (path !== '/metrics')
            for (const { word } of [ours, theirs]) expect([path, text.includes(word)]).toEqual([path, false])
        },
      )
  })

  test('logs in with the password alone, and out only who asks', async () => {
    const enter = (body: string, headers = {}) =>
      send('POST', '/api/session/login', { 'content-type': 'application/json', ...headers }, body)
    for (const { name, headers } of principals) {
      const { status, text } = await enter('{}', headers)
      expect([name, status, text.includes('token')]).toEqual([name, 400, false])
    }
    const wrong = JSON.stringify({ username: 'stranger', password: openingPassword.password })
    expect((await enter(wrong, bearer(gateway.adminKey))).status).toBe(401)
    const mine = await login()
    for (const { name, headers } of principals.filter(({ is }) => is !== 'administrator'))
      expect([name, (await send('POST', '/api/session/logout', headers)).status]).toEqual([name, 200])
    for (const token of [mine, ...sessions])
      expect((await send('GET', '/api/config', bearer(token))).status).toBe(200)
    expect((await send('POST', '/api/session/logout', bearer(mine))).status).toBe(200)
    expect((await send('GET', '/api/config', bearer(mine))).status).toBe(401)
    expect((await send('GET', '/api/config', bearer(sessions[0]))).status).toBe(200)
  })

  test('keeps pages of others from whatever a browser sends by itself', async () => {
    const elsewhere = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ]
    const cookie = { cookie: `token=${sessions[1]}` }
    const before = await written()
    for (const headers of elsewhere) {
      await forAll(routes, async (route) => {
        const surface = surfaceOf(route.path)
        const strikeWith = (more: object) =>
          strike(route, one('', 'stranger', { ...headers, ...more }), theirs)
        if (surface === 'open') {
          const expected = route.path === '/health' ? 200 : 403
          expect([nameOfRoute(route), (await strikeWith({})).status]).toEqual([nameOfRoute(route), expected])
          return
        }
        if (route.method === 'GET') return
        const isOfPeople = surface !== 'workspace'
        expect([nameOfRoute(route), headers, (await strikeWith(cookie)).status]).toEqual([
          nameOfRoute(route),
          headers,
          isOfPeople ? 403 : 401,
        ])
      })
      for (const path of ['/api/session/login', '/api/session/logout'])
        expect((await send('POST', path, { ...headers, ...cookie }, '{}')).status).toBe(403)
      // Whoever shows a credential by hand is who they say, wherever the page comes from.
      const shown = { ...headers, ...bearer(gateway.adminKey) }
      expect((await send('GET', '/api/config', shown)).status).toBe(200)
    }
    expect(await written()).toEqual(before)
  })

  test('lets virtual keys read nothing where they may not', async () => {
    await configure({ auth_config: { jwt: { allow_vk_reads: false } } })
    const before = await written()
    const keys = principals.filter(({ is }) => is === 'virtual key')
    await forAll(routes, async (route) => {
      const surface = surfaceOf(route.path)
      if (surface === 'open') return
      for (const principal of keys) {
        const isQuota = surface === 'quota'
        const { status, text } = await strike(route, principal, isQuota ? ours : theirs)
        const expected = isQuota ? 200 : 401
        expect([nameOfRoute(route), principal.name, status]).toEqual([
          nameOfRoute(route),
          principal.name,
          expected,
        ])
        expect([nameOfRoute(route), text.includes(theirs.word)]).toEqual([nameOfRoute(route), false])
      }
    })
    expect(await written()).toEqual(before)
    await configure({ auth_config: { jwt: { allow_vk_reads: true } } })
  })

  test('stands open under /api where it is switched off, to our own pages, and nowhere else', async () => {
    await configure({ auth_config: { is_enabled: false } })
    const someone = principals.filter(({ name }) =>
      ['nobody', 'a virtual key', 'a federated key'].includes(name),
    )
    for (const route of routes) {
      const surface = surfaceOf(route.path)
      await forAll(someone, async (principal) => {
        if (surface === 'quota' || surface === 'workspace') {
          const verdict = rows[principal.is][surface]
          const { status } = await strike(route, principal, surface === 'quota' ? ours : theirs)
          expect([nameOfRoute(route), principal.name, status]).toEqual([
            nameOfRoute(route),
            principal.name,
            verdict === 'in' ? 200 : verdict,
          ])
        } else expectIn(route, principal.name, await knock(route, principal, ours))
      })
    }
    const before = await written()
    await forAll(routes, async (route) => {
      const surface = surfaceOf(route.path)
      if (surface === 'quota' || surface === 'workspace' || route.path === '/health') return
      for (const principal of someone) {
        const headers = { ...principal.headers, origin: 'https://evil.example' }
        const { status, text } = await strike(route, { ...principal, headers }, theirs)
        expect([nameOfRoute(route), principal.name, status]).toEqual([
          nameOfRoute(route),
          principal.name,
          403,
        ])
        expect([nameOfRoute(route), text.includes(theirs.word)]).toEqual([nameOfRoute(route), false])
      }
    })
    expect(await written()).toEqual(before)
    expect((await send('GET', '/metrics', {})).status).toBe(401)
    for (const [method, path] of calls)
      expect([path, (await send(method, path, {})).status]).toEqual([path, 401])
    await configure({ auth_config: { is_enabled: true } })
    expect((await send('GET', '/api/config', {})).status).toBe(401)
  })

  test('ends sessions after thirty days', async () => {
    const session = await login()
    at += 30 * dayMs
    await gateway.setClock(at)
    const before = await written()
    await forAll(routes, async (route) => {
      if (surfaceOf(route.path) === 'open') return
      for (const headers of [bearer(session), { cookie: `token=${session}` }]) {
        const { status } = await strike(route, one('an expired session', 'stranger', headers), theirs)
        expect([nameOfRoute(route), status]).toEqual([nameOfRoute(route), 401])
      }
    })
    expect(await written()).toEqual(before)
  })

  test('would have done what it refused: every request of the matrix is served to whom it is for', async () => {
    const spent = await tenant('sacrifice')
    const rank = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE']
    const depth = ({ path }: DocumentedRoute) => path.split('/').length
    const ordered = routes
      .map((route, index) => ({ route, document: surfaceOf(route.path) === 'workspace' ? 0 : 1, index }))
      .toSorted(
        (a, b) =>
          rank.indexOf(a.route.method) - rank.indexOf(b.route.method) ||
          a.document - b.document ||
          depth(b.route) - depth(a.route) ||
          // What belongs to something stands behind it in the documents, and goes with it.
          b.index - a.index,
      )
    // Only one without groups can be deleted.
    await ask('POST', '/api/admin/workspaces', { id: 'empty' })
    const emptied = { ...spent, ids: { ...spent.ids, workspace_id: 'empty' } }
    for (const { route } of ordered) {
      const owner = {
        operator: bearer(gateway.adminKey),
        setup: bearer(gateway.adminKey),
        governance: bearer(gateway.adminKey),
        quota: bearer(ours.virtualKey.value),
        workspace: apiKey(spent.keyOf('PERSONAL')),
        open: {},
      }[surfaceOf(route.path)]
      const of = nameOfRoute(route) === 'DELETE /api/admin/workspaces/{workspace_id}' ? emptied : spent
      const { status, text } = await strike(route, one('', 'stranger', owner), of)
      const isServed = status === 200 || status === 201
      expect([nameOfRoute(route), isServed ? '' : `${status} ${text}`]).toEqual([nameOfRoute(route), ''])
    }
  })
})
