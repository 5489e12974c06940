import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tollgate } from '../cli/run.ts'
import { dial, request } from '../edges/wire.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { call, chatOf, type Governed, openGoverned } from '../setup/governance.ts'

const value = 'sk-bf-app'
const app = 'https://app.example.com'

describe('pages of other origins', () => {
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned(
      {
        providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'secret-main' }] }],
        virtual_keys: [{ name: 'app', value, provider_configs: [{ provider: 'openai' }] }],
      },
      {
        config: {
          client: {
            allowed_origins: [app, 'https://*.tools.example'],
            allowed_headers: ['X-Trace'],
            header_filter_config: { allowlist: ['X-Trace', 'x-team-*'], denylist: ['x-team-secret'] },
          },
        },
      },
    )
  })
  afterAll(() => world.close())

  /** On the wire, because no client of ours may say where it comes from. */
  async function asked(line: string, headers: readonly string[], body = '') {
    const wire = dial(world.gateway.url)
    const framing =
      body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
    wire.send(
      request(`${line} HTTP/1.1`, ['Host: localhost', 'Connection: close', ...framing, ...headers], body),
    )
    const { status, header, headerNames } = await wire.answer()
    wire.socket.destroy()
    return { status, headers: Object.fromEntries(headerNames.map((name) => [name, header(name)])) }
  }
  const from = (origin: string) => `Origin: ${origin}`
  const preflight = (path: string, origin: string, headers = 'authorization, x-trace, x-other') =>
    asked(`OPTIONS ${path}`, [
      from(origin),
      'Access-Control-Request-Method: POST',
      `Access-Control-Request-Headers: ${headers}`,
    ])
  const allowed = (origin: string) => ({
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    vary: 'origin',
  })

  test.each(['/v1/chat/completions', '/v1/models', '/api/governance/teams', '/api/config'])(
    'are told before they ask what they may send, at %s, without any credential',
    async (path) => {
      const { status, headers } = await preflight(path, app)
      expect([status, headers]).toEqual([
        204,
        expect.objectContaining({
          ...allowed(app),
          'access-control-allow-headers': 'authorization, x-trace',
        }),
      ])
      expect(headers['access-control-allow-methods']).toContain(path === '/v1/models' ? 'GET' : 'POST')
      const denied = await preflight(path, 'https://evil.example')
      expect(Object.keys(denied.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    },
  )

  test.each([
    ['https://a.tools.example', true],
    ['https://A.tools.example', true],
    ['http://a.tools.example', false],
    ['https://a.b.tools.example', false],
    ['https://tools.example', false],
    ['https://a.tools.example.evil.example', false],
    ['https://app.example.com.evil.example', false],
    ['https://app.example.com:8443', false],
    ['null', false],
  ])('%s reads answers: %s', async (origin, isNamed) => {
    const { status, headers } = await asked(
      'POST /v1/chat/completions',
      [from(origin), `x-bf-vk: ${value}`],
      JSON.stringify(chatOf('openai/m')),
    )
    expect([status, headers['access-control-allow-origin']]).toEqual([200, isNamed ? origin : undefined])
  })

  test('of this machine read answers too, and send no cookies', async () => {
    const { headers } = await preflight('/v1/chat/completions', 'http://localhost:5173')
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
  })

  test('read errors and streams as well, and what their headers say', async () => {
    const refused = await asked('POST /v1/chat/completions', [from(app), 'x-bf-vk: sk-bf-nobody'], '{}')
    expect([refused.status, refused.headers]).toEqual([401, expect.objectContaining(allowed(app))])
    const managed = await asked('GET /api/governance/teams', [from(app)])
    expect([managed.status, managed.headers]).toEqual([401, expect.objectContaining(allowed(app))])
    const stream = await asked(
      'POST /v1/chat/completions',
      [from(app), `x-bf-vk: ${value}`],
      JSON.stringify(chatOf('openai/m', { stream: true })),
    )
    expect([stream.status, stream.headers]).toEqual([200, expect.objectContaining(allowed(app))])
    expect(stream.headers['access-control-expose-headers']).toContain('x-request-id')
  })

  test('whoever asks without being a browser is told the methods of a path of models, and nothing of the others', async () => {
    const { status, headers } = await asked('OPTIONS /v1/chat/completions', [])
    expect([status, headers.allow]).toEqual([204, 'POST, OPTIONS'])
    expect((await asked('OPTIONS /v1/nothing', [])).status).toBe(404)
    expect((await asked('OPTIONS /api/governance/teams', [])).status).toBe(401)
  })

  test('where the operator names no origin, any page may, with a key of its own', async () => {
    const set = (allowed_origins: unknown) =>
      fetch(`${world.gateway.url}/api/config`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${world.gateway.adminKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ client_config: { allowed_origins } }),
      })
    expect((await set(null)).status).toBe(200)
    const { headers } = await preflight('/v1/chat/completions', 'https://any.example')
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
    for (const origin of ['app.example.com', 'https://a.*.example', 'https://app.example.com/path', '']) {
      const response = await set([app, origin])
      expect([origin, response.status]).toEqual([origin, 400])
    }
  })

  test('callers hand on to providers the headers that the operator lets pass', async () => {
    await call(world, value, chatOf('openai/m'), {
      headers: {
        'x-trace': 'plain',
        'x-bf-eh-x-team-name': 'ml',
        'x-bf-eh-x-team-secret': 'no',
        'x-bf-eh-x-other': 'no',
        'x-team-plain': 'no',
      },
    })
    const sent = world.upstream.requests.at(-1)?.headers ?? {}
    expect(sent).toMatchObject({ 'x-trace': 'plain', 'x-team-name': 'ml' })
    for (const name of ['x-team-secret', 'x-other', 'x-team-plain']) expect(sent).not.toHaveProperty(name)
  })
})

test('switches that nothing acts on are named beforehand, unless they say what holds anyway', async () => {
  const file = join(temporaryFolder(), 'tollgate.json')
  const client = { enable_logging: true, drop_excess_requests: true, allowed_origins: ['*'], compat: {} }
  writeFileSync(file, JSON.stringify({ version: 2, client }))
  const { code, output } = await tollgate(['check', '--json', file])
  expect([code, JSON.parse(output).warnings]).toEqual([
    0,
    [{ path: 'client.drop_excess_requests', message: 'is kept and shown: it has no effect yet' }],
  ])
})
