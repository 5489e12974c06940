import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { governanceRoutes } from '../../src/api/governance/routes.ts'
import { refusal } from '../admin/operator.ts'
import { documentedFetch } from '../setup/contract.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { configurationFor } from '../setup/frontier.ts'
import { type Gateway, GatewayDidNotStart, startGateway } from '../setup/gateway.ts'
import { seedGovernance } from './governance-seeds.ts'

const teams = '/api/governance/teams'
const has = (path: string) => governanceRoutes.some((route) => route.path === path)
/** What somebody who may read teams is answered. */
const served = has(teams) ? 200 : 404
const now = Date.UTC(2026, 10, 2, 8, 15)
const dayMs = 86_400_000
const secret = 'a secret of signer and gateway alone'
const username = 'ops'
const password = 'a pass:word with ü'
const ours = { id: 'vk-ours', value: 'sk-bf-00000000-0000-4000-8000-000000000001', teamId: 'ours' }
const theirs = { id: 'vk-theirs', value: 'sk-bf-00000000-0000-4000-8000-000000000002', teamId: 'theirs' }
const late = { id: 'vk-late', value: 'sk-bf-00000000-0000-4000-8000-000000000003', expiresAt: now }
const asleep = { id: 'vk-asleep', value: 'sk-bf-00000000-0000-4000-8000-000000000004', isActive: false }

const basic = (user: string, pass: string) => `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}`
const seconds = (at: number) => Math.floor(at / 1000)

describe.each(mostDatabases())('who comes in on $name', ({ create }) => {
  let place: TestPlace
  let gateway: Gateway
  const dataDirectory = temporaryFolder()

  beforeAll(async () => {
    place = await create()
    await seedGovernance(place, { teams: ['ours', 'theirs'], keys: [ours, theirs, late, asleep] })
    await start()
    await configure({
      auth_config: {
        is_enabled: true,
        admin_username: username,
        admin_password: 'env.CONSOLE_PASSWORD',
        jwt: { secret, tenant: 'acme' },
      },
    })
  })
  afterAll(async () => {
    await gateway.stop()
    await place.remove()
  })

  async function start(environment: Record<string, string> = {}): Promise<void> {
    gateway = await startGateway({
      config: configurationFor('http://127.0.0.1:1'),
      databaseUrl: place.url,
      dataDirectory,
      clock: now,
      environment: { CONSOLE_PASSWORD: password, ...environment },
    })
  }
  const everywhere = { TOLLGATE_HOST: '0.0.0.0' }
  const ask = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    documentedFetch(`${gateway.url.replace('0.0.0.0', '127.0.0.1')}${path}`, { ...init, headers })
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(
      path,
      { 'content-type': 'application/json', ...headers },
      { method, body: typeof body === 'string' ? body : JSON.stringify(body) },
    )
  const asAdmin = () => ({ authorization: `Bearer ${gateway.adminKey}` })
  const refused = async (answer: Response) => [answer.status, await answer.json()]
  const login = (pass: string, user = username) =>
    send('POST', '/api/session/login', { username: user, password: pass })
  const tokenOf = (claims: object, key: Uint8Array = Buffer.from(secret), alg = 'HS256') =>
    new SignJWT({ tenantId: 'acme', ...claims }).setProtectedHeader({ alg }).sign(key)
  const asBearer = (value: string) => ({ authorization: `Bearer ${value}` })

  async function configure(change: object): Promise<void> {
    const answer = await send('PUT', '/api/config', change, asAdmin())
    if (answer.status !== 200) throw new Error(JSON.stringify(await answer.json()))
  }

  test('15. A body that is no JSON object is 400 `Invalid JSON`, in the body that every failure has.', async () => {
    for (const body of ['{', '[]', '"text"', 'null', '']) {
      const answer = await send('PUT', '/api/config', body, asAdmin())
      expect([body, ...(await refused(answer))]).toEqual([body, 400, refusal(400, 'Invalid JSON')])
    }
  })

  test('22. A method that a path does not know is 405, in the body that every failure has.', async () => {
    const answer = await ask('/api/config', asAdmin(), { method: 'PATCH' })
    expect(await refused(answer)).toEqual([405, refusal(405, 'This path takes GET, PUT only.')])
    expect(answer.headers.get('allow')).toBe('GET, PUT')
  })

  test('23. Without a credential management is 401 `Unauthorized`.', async () => {
    for (const path of [teams, '/api/config', '/api/admin/workspaces', '/api/nothing', '/api/info']) {
      expect([path, ...(await refused(await ask(path)))]).toEqual([path, 401, refusal(401, 'Unauthorized')])
    }
    // Credentials are looked at before the body is.
    expect((await send('PUT', '/api/config', '{')).status).toBe(401)
  })

  test('24. User name and password open it.', async () => {
    const right = [
      basic(username, password),
      basic(username, password).replace('Basic', 'bAsIc'),
      basic(username, password).replace('Basic', 'Bearer'),
    ]
    for (const authorization of right) {
      expect((await ask('/api/config', { authorization })).status).toBe(200)
      expect((await ask('/api/admin/workspaces', { authorization })).status).toBe(200)
      expect((await ask(teams, { authorization })).status).toBe(served)
    }
    for (const authorization of [basic(username, 'guess'), basic('someone', password), 'Basic', 'Basic x']) {
      expect((await ask('/api/config', { authorization })).status).toBe(401)
    }
    // A lab's keys and places are not opened by it.
    const lab = await ask('/v1/gateway/groups', { authorization: basic(username, password) })
    expect(lab.status).toBe(401)
  })

  test("25. A login's cookie alone opens it, until the logout.", async () => {
    const answer = await login(password)
    const { message, token } = (await answer.json()) as { message: string; token: string }
    expect([answer.status, message]).toEqual([200, 'Login successful'])
    const set = answer.headers.get('set-cookie') ?? ''
    expect(set).toBe(
      `token=${token}; Path=/; HttpOnly; SameSite=Lax; Expires=${new Date(now + 30 * dayMs).toUTCString()}`,
    )
    const cookie = `theme=dark; ${set.split(';')[0]}`

    expect((await ask(teams, { cookie })).status).toBe(served)
    expect((await ask('/api/config', { cookie })).status).toBe(200)
    expect((await ask('/api/config', asBearer(token))).status).toBe(200)
    expect(await (await ask('/api/session/is-auth-enabled', { cookie })).json()).toEqual({
      is_auth_enabled: true,
      has_valid_token: true,
      auth_type: 'password',
      inference_auth_enforced: true,
    })

    const logout = () => ask('/api/session/logout', { cookie }, { method: 'POST' })
    expect(await refused(await logout())).toEqual([200, { message: 'Logout successful' }])
    expect((await ask(teams, { cookie })).status).toBe(401)
    expect((await ask('/api/config', asBearer(token))).status).toBe(401)
    expect((await logout()).status).toBe(200)
  })

  test('a session is over after 30 days, and with the password', async () => {
    const { token } = (await (await login(password)).json()) as { token: string }
    await gateway.setClock(now + 30 * dayMs - 1)
    expect((await ask('/api/config', asBearer(token))).status).toBe(200)
    await gateway.setClock(now + 30 * dayMs)
    expect((await ask('/api/config', asBearer(token))).status).toBe(401)

    const { token: next } = (await (await login(password)).json()) as { token: string }
    await configure({ auth_config: { admin_password: 'another' } })
    expect((await ask('/api/config', asBearer(next))).status).toBe(401)
    expect((await ask('/api/config', { authorization: basic(username, password) })).status).toBe(401)
    expect((await ask('/api/config', { authorization: basic(username, 'another') })).status).toBe(200)
    await configure({ auth_config: { admin_password: password } })
  })

  test('a cookie changes nothing for pages of others, and is for https alone where that is spoken', async () => {
    const answer = await send(
      'POST',
      '/api/session/login',
      { username, password },
      { 'x-forwarded-proto': 'https' },
    )
    const set = answer.headers.get('set-cookie') ?? ''
    expect(set).toMatch(/; Secure$/)
    const cookie = set.split(';')[0] ?? ''
    const own = gateway.url
    for (const [headers, status] of [
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ origin: own, 'sec-fetch-site': 'same-origin' }, 200],
      [{}, 200],
    ] as const) {
      const changed = await send('PUT', '/api/config', {}, { cookie, ...headers })
      expect([headers, changed.status]).toEqual([headers, status])
    }
    // Nor does another page log anybody in.
    const elsewhere = await send(
      'POST',
      '/api/session/login',
      { username, password },
      { origin: 'https://evil.example' },
    )
    expect(elsewhere.status).toBe(403)
  })

  test('26. A virtual key reads its own team and nothing else; where virtual keys may not read, it is 401.', async () => {
    for (const headers of [
      asBearer(ours.value),
      { 'x-bf-vk': ours.value },
      { 'x-api-key': ours.value },
      { 'x-goog-api-key': ours.value },
      { 'api-key': ours.value },
    ]) {
      await expectReads(headers)
      expect((await refused(await send('PUT', '/api/config', {}, headers)))[1]).toEqual(
        refusal(403, 'Forbidden'),
      )
      for (const path of ['/api/config', '/api/admin/workspaces', '/api/providers', '/api/keys']) {
        expect([path, (await ask(path, headers)).status]).toEqual([path, 403])
      }
    }
    for (const value of [late.value, asleep.value, `${ours.value}0`, ours.value.toUpperCase()]) {
      expect([value, (await ask(teams, asBearer(value))).status]).toEqual([value, 401])
    }
    await configure({ auth_config: { jwt: { allow_vk_reads: false } } })
    expect((await ask(teams, asBearer(ours.value))).status).toBe(401)
    await configure({ auth_config: { jwt: { allow_vk_reads: true } } })
  })

  async function expectReads(headers: Record<string, string>): Promise<void> {
    const answer = await ask(teams, headers)
    expect(answer.status).toBe(served)
    if (served === 404) return
    const body = (await answer.json()) as { teams: { id: string }[] }
    expect(body.teams.map(({ id }) => id)).toEqual(['ours'])
    expect((await ask(`${teams}/theirs`, headers)).status).toBe(404)
  }

  test('27. Where management is open, a virtual key that is sent along is not looked at.', async () => {
    await configure({ auth_config: { is_enabled: false } })
    for (const headers of [asBearer(ours.value), asBearer('sk-bf-nobody'), {}]) {
      expect((await ask(teams, headers)).status).toBe(served)
      expect((await ask('/api/config', headers)).status).toBe(200)
    }
    expect((await ask('/v1/gateway/groups')).status).toBe(401)
    const asked = await (await ask('/api/session/is-auth-enabled')).json()
    expect(asked).toMatchObject({ is_auth_enabled: false, auth_type: 'none' })
    expect(await refused(await login(password))).toEqual([403, refusal(403, 'Authentication is not enabled')])
    // Nobody shows a credential, so pages of others and names that are not ours are kept out.
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
    ]) {
      const answer = await ask('/api/config', headers)
      expect([headers, ...(await refused(answer))]).toEqual([
        headers,
        403,
        refusal(403, 'This request is not allowed from there.'),
      ])
      expect((await ask('/api/config', { ...headers, ...asAdmin() })).status).toBe(200)
    }
    // And whoever is there may close it.
    const closed = await send('PUT', '/api/config', { auth_config: { is_enabled: true } })
    expect(closed.status).toBe(200)
    expect((await ask('/api/config')).status).toBe(401)
  })

  test('28. A login with a wrong password is 401 `Invalid username or password`.', async () => {
    const user = 'somebody'
    for (let attempt = 0; attempt < 5; attempt++) {
      const answer = await login('guess', user)
      expect(await refused(answer)).toEqual([401, refusal(401, 'Invalid username or password')])
    }
    const sixth = await login('guess', user)
    expect([sixth.status, sixth.headers.get('retry-after')]).toEqual([429, '60'])
    expect((await ask('/api/config', { authorization: basic(user, 'guess') })).status).toBe(429)
    expect((await login(password)).status).toBe(200)
    for (const body of ['{', '{}', '[]', '{"username":"a"}', '{"username":1,"password":2}']) {
      const answer = await send('POST', '/api/session/login', body)
      expect(await refused(answer)).toEqual([400, refusal(400, 'Invalid request payload')])
    }
  })

  const expectToken = async (token: string, message: string) =>
    expect(await refused(await ask(teams, asBearer(token)))).toEqual([
      401,
      refusal(401, `invalid tenant token: ${message}`),
    ])

  test("29. An administrator's token that is over is 401 `invalid tenant token: token has expired`.", async () => {
    const clock = now + 30 * dayMs
    const admin = (claims: object = {}) => tokenOf({ roles: ['admin'], ...claims })
    expect((await ask('/api/config', asBearer(await admin()))).status).toBe(200)
    expect((await ask('/api/config', asBearer(await admin({ exp: seconds(clock) + 1 })))).status).toBe(200)
    // Within the leeway of half a minute.
    expect((await ask('/api/config', asBearer(await admin({ exp: seconds(clock) - 29 })))).status).toBe(200)
    await expectToken(await admin({ exp: seconds(clock) - 31 }), 'token has expired')
    await expectToken(await admin({ nbf: seconds(clock) + 31 }), 'token is not yet valid')
    await expectToken(await admin({ tenantId: undefined }), 'token missing tenantId claim')
    await expectToken(await admin({ tenantId: 'other' }), 'token belongs to another tenant')
    await expectToken(
      await tokenOf({ roles: ['admin'] }, Buffer.from('another')),
      'token signature is invalid',
    )
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"tenantId":"acme","roles":["admin"]}').toString('base64url')}.`
    await expectToken(none, 'unexpected signing method none')
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signed = await new SignJWT({ tenantId: 'acme', roles: ['admin'] })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(privateKey)
    await expectToken(signed, 'unexpected signing method RS256')

    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    await configure({ auth_config: { jwt: { public_key: pem, issuer: 'https://issuer.example' } } })
    await expectToken(signed, 'token has invalid issuer')
    await configure({ auth_config: { jwt: { issuer: null, audience: 'tollgate' } } })
    await expectToken(signed, 'token has invalid audience')
    await configure({ auth_config: { jwt: { audience: null } } })
    expect((await ask('/api/config', asBearer(signed))).status).toBe(200)
    // The public half, which everybody may know, is no secret to sign by.
    await expectToken(
      await tokenOf({ roles: ['admin'] }, Buffer.from(pem)),
      'unexpected signing method HS256',
    )
    await configure({ auth_config: { jwt: { secret } } })
    expect((await ask('/api/config', asBearer(await admin()))).status).toBe(200)
  })

  test('30. A token that names no virtual key cannot stand for one: 401 `invalid tenant token: token missing accessKey claim`.', async () => {
    await expectToken(await tokenOf({}), 'token missing accessKey claim')
    await expectToken(await tokenOf({ roles: ['viewer'] }), 'token missing accessKey claim')
    const asKey = await ask(teams, { 'x-bf-vk': await tokenOf({ roles: ['viewer'] }) })
    expect(await refused(asKey)).toEqual([
      401,
      refusal(401, 'invalid tenant token: token missing accessKey claim'),
    ])
  })

  test("31. A virtual key's token reads its own team and nothing else, and writes nothing: 403.", async () => {
    for (const accessKey of [ours.id, `key ${ours.id}`]) {
      const token = await tokenOf({ accessKey, roles: ['admin'] })
      for (const headers of [asBearer(token), { 'x-bf-vk': token }, { 'x-api-key': token }]) {
        await expectReads(headers)
        const written = await send('POST', teams, { name: 'new' }, headers)
        expect(await refused(written)).toEqual([403, refusal(403, 'Forbidden')])
      }
    }
    expect((await ask(teams, asBearer(await tokenOf({ accessKey: 'nobody' })))).status).toBe(401)
    expect((await ask(teams, asBearer(await tokenOf({ accessKey: asleep.id })))).status).toBe(401)
  })

  test('what is shown of the settings is no secret, and what is written back as shown stays', async () => {
    const shown = (await (await ask('/api/config', asAdmin())).json()) as {
      client_config: object
      auth_config: { admin_password: string; jwt: object }
    }
    expect(shown.auth_config).toEqual({
      is_enabled: true,
      admin_username: username,
      admin_password: '<redacted>',
      disable_auth_on_inference: false,
      jwt: {
        secret: '<redacted>',
        issuer: null,
        audience: null,
        tenant: 'acme',
        admin_roles: ['admin'],
        leeway: '30s',
        allow_vk_reads: true,
      },
    })
    const { client_config, auth_config } = shown
    await configure({ client_config, auth_config })
    expect((await ask('/api/config', { authorization: basic(username, password) })).status).toBe(200)
    expect((await ask('/api/config', asBearer(await tokenOf({ roles: ['admin'] })))).status).toBe(200)

    await configure({ client_config: { routing_chain_max_depth: 3, made_up: { kept: [1] } } })
    await configure({ client_config: { enforce_governance_header: false } })
    const next = (await (await ask('/api/config', asAdmin())).json()) as { client_config: object }
    expect(next.client_config).toEqual({
      ...client_config,
      routing_chain_max_depth: 3,
      made_up: { kept: [1] },
      enforce_auth_on_inference: false,
    })
    await configure({
      client_config: { routing_chain_max_depth: null, made_up: null, enforce_auth_on_inference: null },
    })
    expect((await (await ask('/api/config', asAdmin())).json()) as object).toMatchObject({ client_config })
  })

  test('routes that the operator leaves open need no credential, and no more of them are open', async () => {
    await configure({ client_config: { whitelisted_routes: ['/api/info', '/api/conf*'] } })
    for (const [path, status] of [
      ['/api/info', 200],
      ['/api/config', 200],
      ['/api/information', 401],
      ['/api/admin/workspaces', 401],
    ] as const)
      expect([path, (await ask(path)).status]).toEqual([path, status])
    expect((await ask('/api/info', { origin: 'https://evil.example' })).status).toBe(403)
    await configure({ client_config: { whitelisted_routes: null } })
    expect((await ask('/api/info')).status).toBe(401)
  })

  test('version and health are told to everybody of our own', async () => {
    expect(await (await ask('/api/version')).json()).toMatch(/^\d+\.\d+\.\d+$/)
    expect(await (await ask('/health')).json()).toEqual({ status: 'ok', components: { db_pings: 'ok' } })
    expect((await ask('/api/version', { origin: 'https://evil.example' })).status).toBe(403)
    expect((await ask('/health', { origin: 'https://evil.example' })).status).toBe(200)
    expect(await (await ask('/api/info', asAdmin())).json()).toMatchObject({ name: 'tollgate' })
  })

  test.each([
    [{ jwt: { secret: '' } }, 'auth_config.jwt.secret: must not be empty'],
    [
      { jwt: { secret: 'env.NOT_SET' } },
      'auth_config.jwt.secret: the variable is not set in the environment',
    ],
    [{ jwt: { secret: 'env.TOLLGATE_TEST_CLOCK' } }, /the variable is not set/],
    [{ jwt: { public_key: 'no key' } }, 'auth_config.jwt.public_key: must be a public key in PEM'],
    [{ jwt: { leeway: '10m' } }, /^auth_config\.jwt\.leeway: /],
    [{ admin_username: 'a:b' }, 'auth_config.admin_username: must not hold a colon'],
    [{ admin_password: '' }, 'auth_config.admin_password: must not be empty'],
    [{ is_enabled: 'yes' }, /^auth_config\.is_enabled: /],
  ])('a setting that cannot hold is 400 and changes nothing: %j', async (auth_config, message) => {
    const before = await (await ask('/api/config', asAdmin())).json()
    const answer = await send('PUT', '/api/config', { auth_config }, asAdmin())
    const expected = typeof message === 'string' ? message : expect.stringMatching(message)
    expect(await refused(answer)).toEqual([400, refusal(400, expected)])
    expect(await (await ask('/api/config', asAdmin())).json()).toEqual(before)
  })

  test('management stands open on loopback only, unless the operator insists', async () => {
    const open = { auth_config: { is_enabled: false } }
    const put = (body: object) => send('PUT', '/api/config', body, asAdmin())
    expect((await put(open)).status).toBe(200)
    await gateway.stop()

    const failed = await start(everywhere).then(
      async () => gateway.stop(),
      (error) => error,
    )
    expect(failed).toBeInstanceOf(GatewayDidNotStart)
    expect([failed.exitCode, failed.log]).toEqual([78, expect.stringContaining('auth_config.is_enabled')])

    await start({ ...everywhere, TOLLGATE_INSECURE: '1' })
    expect((await ask('/api/config')).status).toBe(200)
    expect((await put({ auth_config: { is_enabled: true } })).status).toBe(200)
    await gateway.stop()

    await start(everywhere)
    expect((await put(open)).status).toBe(400)
    expect((await put({ client_config: { enforce_auth_on_inference: false } })).status).toBe(400)
  })
})
