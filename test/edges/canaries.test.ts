import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type FakeUpstream, type Script, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { isLong } from '../setup/form.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
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

/** What a text in hex may look like, but for itself; in base64 it begins at one of three places of a group. */
function disguisesOf(core: string): Buffer[] {
  const bytes = Buffer.from(core)
  const inBase64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
    return Buffer.from(text.slice(shift === 0 ? 0 : 4, -4))
  })
  const raw = Buffer.from(core, 'hex')
  return [Buffer.from(bytes.toString('hex')), Buffer.from(core, 'utf16le'), raw, ...inBase64]
}

/**
 * Texts that must not be seen where the contract does not show them: what is planted, and what the gateway makes. A
 * planted one is found by its core, in hex, which is the same in JSON and in a URL, whatever becomes of the rest.
 */
class Canaries {
  /** Begins all cores, so that one look tells whether there is any. */
  private readonly mark = randomBytes(9).toString('hex')
  private readonly disguises = disguisesOf(this.mark)
  private readonly planted = new Map<string, string>()
  private readonly made = new Map<string, string>()

  /** Something new. Unless told, what stands around its core has to be escaped in JSON and in a URL. */
  plant(name: string, around: (core: string) => string = (core) => `cnry/"${core}\\.end`): string {
    const core = `${this.mark}${randomBytes(9).toString('hex')}`
    this.planted.set(core, name)
    return around(core)
  }

  note(name: string, value: string): void {
    this.made.set(value, name)
  }

  names(): ReadonlySet<string> {
    return new Set([...this.planted.values(), ...this.made.values()])
  }

  foundIn(bytes: Buffer): string[] {
    const isDisguised = this.disguises.some((disguise) => bytes.includes(disguise))
    const cores = bytes.toString('latin1').match(new RegExp(`${this.mark}[0-9a-f]{18}`, 'g')) ?? []
    const planted = cores.flatMap((core) => this.planted.get(core) ?? [])
    return [...planted, ...(isDisguised ? ['something in disguise'] : []), ...this.madeIn(bytes)]
  }

  /** All that the gateway makes is of letters, digits and hyphens; in base64 all virtual keys begin alike. */
  private madeIn(bytes: Buffer): string[] {
    const words = bytes.toString('latin1').match(/[\w-]{20,}/g) ?? []
    const found = words.flatMap((word) => this.made.get(word) ?? [])
    const encoded = [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), Buffer.from('sk-bf-')])
        .toString('base64')
        .slice(shift === 0 ? 0 : 4, 8),
    )
    return encoded.some((form) => form.length > 4 && bytes.includes(form)) ? [...found, 'virtual key'] : found
  }
}

const keysWithin = ['customers', 'teams']
const governance = '/api/governance'

/** Where the contract shows one: in the answers to these, and nowhere else. */
const shownInAnswers: readonly string[] = [
  // An administrator, and the key itself, see a virtual key whole, wherever it stands.
  ...keysWithin.flatMap((owners) => {
    const one = `${governance}/${owners}/{${owners.slice(0, -1)}_id}`
    return [`GET ${governance}/${owners}`, `GET ${one}`, `PUT ${one}`].map((at) => `virtual key in ${at}`)
  }),
  // Within the customer of a new team stand those of its other teams.
  `virtual key in POST ${governance}/teams`,
  ...['GET', 'POST'].map((method) => `virtual key in ${method} ${governance}/virtual-keys`),
  ...['GET', 'PUT'].map((method) => `virtual key in ${method} ${governance}/virtual-keys/{vk_id}`),
  `virtual key in POST ${governance}/virtual-keys/rotate`,
  `virtual key in POST ${governance}/virtual-keys/{vk_id}/rotate`,
  // Once, to whom it is made for.
  'federated key in POST /v1/gateway/groups/{group_id}/api_keys',
  'session token in POST /api/session/login',
  // Events are for the receiver with all that the caller gave them along.
  'metadata in GET /api/admin/dead-letters/{id}',
  ...['filed/fine', 'filed/vendor-fine'].map((model) => `answer text in frontier calls (200 ${model})`),
  ...['albatross/fine', 'openai/fine'].map((model) => `answer text in native calls (200 ${model})`),
  ...['filed/fine', 'openai/fine'].map((model) => `answer text in wrong calls (200 ${model})`),
].toSorted()

/** What callers give along with a call is kept with its event. */
const kept = ['metadata']
const keptInTables = ['metadata in deliveries', 'metadata in usage_events']

const password = { username: 'ops', password: 'the password of ops' }

describe.each(mostDatabases())('canaries on $name', ({ name, create }) => {
  const canaries = new Canaries()
  const plant = canaries.plant.bind(canaries)
  const plain = (core: string) => `cnry-${core}`
  const answers = new Map<string, Buffer[]>()
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let ask: ReturnType<typeof askerOf>
  let tenant: Tenant

  const filed = {
    workspaceKey: plant('workspace key of the file'),
    secret: plant('workspace secret of the file'),
    secretOfVariable: plant('workspace secret of a variable'),
    modelKey: plant('model key of the file'),
    webhookSecret: plant('webhook secret of the file'),
    adminKey: plant('admin key of the file'),
  }
  const variables = {
    VENDOR_SECRET: filed.secretOfVariable,
    VENDOR_KEY: plant('provider key of a variable'),
    CONSOLE_PASSWORD: plant('admin password'),
    TOKEN_SECRET: plant('token secret'),
    MCP_TOKEN: plant('mcp header of a variable'),
  }

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    upstream.program(conduct)
    place = await create()
    gateway = await startGateway({
      config: {
        network: {
          allow_private: ['127.0.0.0/8', '::1/128'],
          origins: { 'https://api.openai.com': upstream.url },
        },
        security: { admin_keys: [{ name: 'filed', value: filed.adminKey }] },
        frontier: {
          management_requests_per_second: 1_000_000,
          webhooks: { linger: '0ms', first_backoff: '10ms', longest_backoff: '10ms', give_up_after: '100ms' },
          workspaces: [
            {
              id: 'filed',
              slug_prefixes: ['filed'],
              api_keys: [{ name: 'filed', value: filed.workspaceKey, type: 'PERSONAL' }],
              secrets: [
                { id: 'filed', value: filed.secret },
                { id: 'variable', value: 'env.VENDOR_SECRET' },
              ],
              webhook: { url: `${upstream.url}/webhook/filed`, secret: filed.webhookSecret },
              models: [
                {
                  id: 'm',
                  environments: Object.fromEntries(
                    Object.keys(conducts).map((model) => [
                      model,
                      { base_url: `${upstream.url}/v1`, model, api_key: filed.modelKey },
                    ]),
                  ),
                },
              ],
            },
          ],
        },
      },
      // On SQLite the files are the database's, and lie beside the spool.
      ...(name === 'Postgres' && { databaseUrl: place.url }),
      environment: variables,
    })
    ask = askerOf(gateway)
  })
  afterAll(async () => {
    await upstream.close()
    await place.remove()
  })

  /** What a provider does with a model of this name; what it says holds all that it was sent. */
  const conducts: Readonly<Record<string, (told: string) => Script>> = {
    fine: () => ({ text: answerText }),
    'fine-headers': (told) => ({ headers: headersWith(told) }),
    'says-400': (told) => ({ status: 400, error: errorWith(told), headers: headersWith(told) }),
    'says-401': (told) => ({ status: 401, error: errorWith(told) }),
    'says-429': (told) => ({ status: 429, error: errorWith(told), headers: headersWith(told) }),
    'says-500': (told) => ({ status: 500, error: { message: { nested: [told] }, detail: told } }),
    'says-text': (told) => ({ status: 400, body: `<p>${told}</p>`, contentType: 'text/html' }),
    'says-200': (told) => ({ body: JSON.stringify({ error: errorWith(told) }) }),
    'says-in-stream': (told) => ({
      body: `data: ${JSON.stringify({ error: errorWith(told) })}\n\ndata: [DONE]\n\n`,
      contentType: 'text/event-stream',
    }),
    'says-late-in-stream': (told) => ({
      body: `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}\n\ndata: ${JSON.stringify({ error: errorWith(told) })}\n\n`,
      contentType: 'text/event-stream',
    }),
    // As no model would, but a proxy in front of it might; and cut so that no piece has a secret whole.
    'says-in-answer': (told) => ({ text: told }),
    'says-in-pieces': (told) => ({ body: JSON.stringify({ choices: [], note: told }), pieceBytes: 11 }),
    'says-in-pieces-of-stream': (told) => ({
      body: `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(told)}},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`,
      contentType: 'text/event-stream',
      pieceBytes: 11,
    }),
    'no-http': (told) => ({ raw: `HTTP/9 ${told}\r\n${told}\r\n\r\n` }),
    'no-json': (told) => ({ body: `{"choices": ${told}` }),
    cut: () => ({ cutAfterBytes: 20 }),
  }
  const answerText = plant('answer text')
  const errorWith = (told: string) => ({ message: `No: ${told}`, type: told, code: told, param: told })
  const headersWith = (told: string) => ({
    'x-request-id': told,
    'openai-processing-ms': told,
    'retry-after': told,
    'content-type': `application/json; said="${told}"`,
  })

  const conduct: Parameters<FakeUpstream['program']>[0] = ({ headers, json, path }) => {
    if (path.startsWith('/webhook')) return { status: 500, body: '{}' }
    const model = String(json?.model)
    const secrets = ['authorization', 'api-key', 'x-vendor-secret'].flatMap((header) => headers[header] ?? [])
    // As they came, and without their scheme.
    const told = secrets.map((secret) => String(secret).replace(/^Bearer /, '')).join(' and ')
    return conducts[model]?.(told)
  }

  async function send(
    label: string,
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | null = null,
  ): Promise<{ status: number; text: string }> {
    const response = await fetch(`${gateway.url}${path}`, { method, headers, ...(body !== null && { body }) })
    // Where the provider breaks off so does the gateway.
    const text = await response.text().catch((error: unknown) => String(error))
    // An answer shows what the provider says, and only that.
    const isRelayed = label.endsWith(' calls') && response.status === 200
    const place = isRelayed ? `${label} (200 ${body?.match(/"model":"([^"]*)"/)?.[1]})` : label
    const seen = answers.get(place) ?? []
    seen.push(Buffer.from(`${JSON.stringify([...response.headers])}\n${text}\n`))
    answers.set(place, seen)
    return { status: response.status, text }
  }
  const asAdmin = () => ({ authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' })
  const options = () => ({
    upstreamUrl: upstream.url,
    secretFor: (kind: string) => plant(kind),
  })

  /** A route asked as its owner would. */
  async function request(
    route: DocumentedRoute,
    over: {
      readonly body?: string
      readonly ids?: Readonly<Record<string, string>>
    } = {},
  ) {
    const wish = goodRequest(route, tenant, { ...options(), ...(over.ids && { ids: over.ids }) })
    const headers = route.path.startsWith('/v1/')
      ? { authorization: `Api-Key ${tenant.keyOf('PERSONAL')}` }
      : route.path.endsWith('/quota')
        ? { 'x-bf-vk': await presentValue() }
        : asAdmin()
    const body = over.body === undefined ? wish.body : over.body
    const answer = await send(
      nameOfRoute(route),
      route.method,
      wish.path,
      { ...wish.headers, ...headers },
      body,
    )
    noteMade(answer.text)
    return answer
  }

  /** Rotations change it. */
  const presentValue = async (): Promise<string> =>
    (await ask('GET', `/api/governance/virtual-keys/${tenant.virtualKey.id}`)).virtual_key.value

  /** Keys that an answer shows are canaries from then on. */
  function noteMade(text: string): void {
    for (const [value] of text.matchAll(/sk-bf-[0-9a-f-]{36}/g)) {
      canaries.note('virtual key', value)
    }
    for (const [value, prefix = ''] of text.matchAll(/(sky_\w+\.)[\w-]+/g)) {
      canaries.note('federated key', value.slice(prefix.length))
    }
  }

  async function setUp(): Promise<void> {
    await ask('PUT', '/api/config', {
      auth_config: {
        is_enabled: true,
        admin_username: password.username,
        admin_password: 'env.CONSOLE_PASSWORD',
        jwt: { secret: 'env.TOKEN_SECRET', tenant: 'acme' },
      },
      client_config: { vk_rotation_cooldown: '1h' },
    })
    const planted = new Map<string, string>()
    const secretFor = (kind: string) => {
      const known = planted.get(kind) ?? plant(kind)
      planted.set(kind, known)
      return known
    }
    tenant = await makeTenant(gateway, 'albatross', { upstreamUrl: upstream.url, secretFor })
    await ask('POST', '/api/providers', {
      provider: 'openai',
      network_config: {
        extra_headers: { 'x-vendor-secret': plant('extra header of openai') },
        max_retries: 0,
      },
      proxy_config: { type: 'none', username: 'u', password: plant('proxy password') },
    })
    await ask('POST', '/api/providers/openai/keys', {
      id: 'env',
      name: 'env',
      value: 'env.VENDOR_KEY',
      models: ['fine'],
    })
    await ask('POST', '/api/providers/openai/keys', {
      id: 'main',
      name: 'main',
      value: plant('key of openai'),
      models: ['*'],
    })
    await ask('POST', '/api/providers', {
      provider: 'azure',
      network_config: { allow_private_network: true },
    })
    await ask('POST', '/api/providers/azure/keys', {
      id: 'azure',
      name: 'azure',
      value: plant('key of azure'),
      models: ['*'],
      azure_key_config: {
        endpoint: upstream.url,
        client_id: 'client',
        client_secret: plant('azure client secret'),
        tenant_id: 't',
      },
    })
    // Nobody listens there.
    await ask('POST', '/api/providers', {
      provider: 'gone',
      custom_provider_config: { base_provider_type: 'openai' },
      network_config: { base_url: 'http://127.0.0.1:1', allow_private_network: true, max_retries: 0 },
      keys: [{ id: 'gone', name: 'gone', value: plant('key of nobody'), models: ['*'], weight: 1 }],
    })
    await ask('POST', '/api/providers', { provider: 'bedrock' })
    await ask('POST', '/api/providers/bedrock/keys', {
      id: 'bedrock',
      name: 'bedrock',
      models: ['*'],
      bedrock_key_config: {
        access_key: plant('bedrock access key'),
        secret_key: plant('bedrock secret key'),
        session_token: plant('bedrock session token'),
        region: 'eu-west-1',
      },
    })
    await ask('POST', '/api/providers', { provider: 'vertex' })
    await ask('POST', '/api/providers/vertex/keys', {
      id: 'vertex',
      name: 'vertex',
      models: ['*'],
      vertex_key_config: {
        project_id: 'p',
        region: 'r',
        auth_credentials: plant('vertex credentials', (core) =>
          JSON.stringify({ type: 'service_account', private_key: core }),
        ),
      },
    })
    await ask('POST', '/api/mcp/client', {
      name: 'tools',
      connection_type: 'sse',
      connection_string: `https://user:${plant('mcp password', plain)}@tools.example/mcp`,
      headers: { 'x-token': 'env.MCP_TOKEN' },
      auth_type: 'oauth',
      oauth_config: {
        client_id: 'c',
        client_secret: plant('mcp client secret'),
        token_url: 'https://t.example',
      },
    })
    await ask('POST', '/api/governance/pricing-overrides', {
      name: 'all',
      scope_kind: 'global',
      match_type: 'wildcard',
      pattern: '*',
      request_types: ['chat_completion', 'responses', 'text_completion', 'embedding'],
      patch: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000001 },
    })
    await ask('PUT', `/api/governance/virtual-keys/${tenant.virtualKey.id}`, {
      provider_configs: ['albatross', 'openai', 'azure', 'bedrock', 'vertex', 'gone'].map((provider) => ({
        provider,
        weight: 1,
        allowed_models: ['*'],
        key_ids: ['*'],
      })),
    })
    canaries.note('virtual key', tenant.virtualKey.value)
    canaries.note('federated key', tenant.federatedKey.split('.')[1] ?? '')
  }

  const chatBody = (model: string, more: object = {}) =>
    JSON.stringify({ model, messages: [{ role: 'user', content: plant('prompt') }], ...more })

  async function callModels(): Promise<void> {
    const frontier = openFiledKey()
    const federated = await frontier
    const native = { 'x-bf-vk': tenant.virtualKey.value }
    const extra = {
      'x-bf-eh-x-of-caller': plant('x-bf-eh header', plain),
      'content-type': 'application/json',
    }
    const models = Object.keys(conducts)
    for (const stream of [false, true]) {
      const more = { stream, user: plant('user'), metadata: { note: plant('metadata', plain) } }
      await Promise.all(
        models.flatMap((model) => [
          send(
            'native calls',
            'POST',
            '/v1/chat/completions',
            { ...native, ...extra },
            chatBody(`openai/${model}`, more),
          ),
          send(
            'native calls',
            'POST',
            '/v1/chat/completions',
            { ...native, ...extra },
            chatBody(`albatross/${model}`, more),
          ),
          send(
            'native calls',
            'POST',
            '/v1/responses',
            { ...native, ...extra },
            JSON.stringify({ model: `openai/${model}`, input: plant('prompt'), stream }),
          ),
          send(
            'frontier calls',
            'POST',
            '/v1/chat/completions',
            { ...federated, ...extra },
            chatBody(`filed/${model}`, more),
          ),
          send(
            'frontier calls',
            'POST',
            '/v1/chat/completions',
            { ...federated, ...extra },
            chatBody(`filed/vendor-${model}`, more),
          ),
        ]),
      )
    }
    for (const provider of ['azure', 'bedrock', 'vertex', 'gone'])
      await send(
        'native calls',
        'POST',
        '/v1/chat/completions',
        { ...native, ...extra },
        chatBody(`${provider}/says-400`),
      )
    // Wrong calls.
    const token = await new SignJWT({ tenantId: 'acme', accessKey: tenant.virtualKey.id })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(variables.TOKEN_SECRET))
    canaries.note('token', token.split('.')[2] ?? '')
    for (const [path, headers, body] of [
      ['/v1/chat/completions', native, chatBody('openai/fine').slice(0, -1)],
      ['/v1/chat/completions', native, chatBody('nobody/fine')],
      ['/v1/chat/completions', native, chatBody('openai/fine', { stream_options: plant('prompt') })],
      [
        '/v1/chat/completions',
        { 'x-bf-vk': plant('wrong virtual key', (core) => `sk-bf-${core}`) },
        chatBody('openai/fine'),
      ],
      [
        '/v1/chat/completions',
        { authorization: `Api-Key ${plant('wrong key', plain)}` },
        chatBody('filed/fine'),
      ],
      ['/v1/chat/completions', { authorization: `Bearer ${token}` }, chatBody('openai/fine')],
      ['/v1/chat/completions', { authorization: `Bearer ${token}x` }, chatBody('openai/fine')],
      ['/v1/chat/completions', federated, chatBody('filed/nowhere')],
      ['/v1/chat/completions', federated, chatBody('filed/fine', { metadata: plant('metadata') })],
      ['/v1/chat/completions', federated, chatBody('filed/fine', { max_tokens: plant('prompt') })],
      ['/v1/embeddings', native, JSON.stringify({ model: 'openai/fine', input: plant('prompt') })],
      ['/v1/completions', native, JSON.stringify({ model: 'openai/fine', prompt: plant('prompt') })],
      ['/v1/mcp/tool/execute', native, JSON.stringify({ name: 'albatross-x', arguments: plant('prompt') })],
      ['/v1/mcp/tool/execute', native, JSON.stringify({ name: 'tools-x', arguments: plant('prompt') })],
    ] as const)
      await send('wrong calls', 'POST', path, { ...headers, 'content-type': 'application/json' }, body)
    for (const headers of [native, federated]) await send('models', 'GET', '/v1/models', headers)
  }

  /** A federated key of the file's workspace, for every conduct: by the lab's own model, and by a vendor's. */
  async function openFiledKey(): Promise<Record<string, string>> {
    const owner = filed.workspaceKey
    const slugs: string[] = []
    const endpoint = async (slug: string, target: object) => {
      slugs.push(slug)
      await ask('POST', '/v1/gateway/endpoints', { slug, targets: [target] }, owner)
    }
    for (const model of Object.keys(conducts)) {
      await endpoint(`filed/${model}`, { provider: 'BASETEN', model_id: 'm', environment_name: model })
      const secret_id = model === 'fine' ? 'variable' : 'filed'
      await endpoint(`filed/vendor-${model}`, { provider: 'OPENAI', target_model: model, secret_id })
    }
    const group = await ask(
      'POST',
      '/v1/gateway/groups',
      { metadata: { external_entity_id: 'all' }, models: slugs.map((slug) => ({ slug })), hierarchy: {} },
      owner,
    )
    const { api_key } = await ask('POST', `/v1/gateway/groups/${group.id}/api_keys`, {}, owner)
    canaries.note('federated key of the file', api_key.split('.')[1])
    return { authorization: `Api-Key ${api_key}` }
  }

  async function logInAndFail(): Promise<void> {
    const enter = (body: object) =>
      send('POST /api/session/login', 'POST', '/api/session/login', asAdmin(), JSON.stringify(body))
    const { text } = await enter({ username: 'ops', password: variables.CONSOLE_PASSWORD })
    const { token } = JSON.parse(text) as { token: string }
    canaries.note('session token', token)
    for (const body of [
      { username: 'ops', password: plant('wrong password') },
      { username: plant('wrong user'), password: variables.CONSOLE_PASSWORD },
      { username: 'ops', password: [variables.CONSOLE_PASSWORD] },
    ])
      await enter(body)
    const wrong = plant('wrong basic password')
    for (const authorization of [
      `Basic ${Buffer.from(`ops:${wrong}`).toString('base64')}`,
      `Bearer ${token}`,
      `Bearer ${plant('wrong bearer', plain)}`,
    ])
      await send('failed logins', 'GET', '/api/config', { authorization })
    await send('POST /api/session/logout', 'POST', '/api/session/logout', { cookie: `token=${token}` })
  }

  async function ruin(routes: readonly DocumentedRoute[]): Promise<void> {
    for (const [place, route] of routes.entries()) {
      await request(route, { ids: nothing })
      const inTheWrongPlace = new Proxy(nothing, { get: () => tenant.virtualKey.value })
      if (route.path.includes('{')) await request(route, { ids: inTheWrongPlace })
      if (!route.takesBody) continue
      const wish = goodRequest(route, tenant, options()).body ?? ''
      const wrongs = [
        wish.slice(0, -1),
        wish.replaceAll(/"((?:[^"\\]|\\.)*)"(?!:)/g, '["$1"]'),
        wish.replaceAll(/"((?:[^"\\]|\\.)*)"(?!:)/g, '{"$1":"$1"}'),
        wish.replaceAll(/"((?:[^"\\]|\\.)*)"(?!:)/g, '"$1\\u0000"'),
        `[${wish}]`,
        JSON.stringify(wish),
      ]
      // In the short form each body is wrong in one way, all in turns.
      const turn = place % wrongs.length
      for (const body of isLong ? wrongs : wrongs.slice(turn, turn + 1)) await request(route, { body })
    }
  }

  /** Everything that a database holds as text. */
  async function textsOf(database: Kysely<never>): Promise<Map<string, Buffer>> {
    const { rows: tables } = await sql<{ table_name: string }>`
      select table_name from information_schema.tables where table_schema = current_schema()
    `.execute(database)
    const texts = new Map<string, Buffer>()
    for (const { table_name } of tables) {
      const { rows } = await sql<{ row: string }>`
        select row_to_json(t)::text as row from ${sql.table(table_name)} t
      `.execute(database)
      texts.set(table_name, Buffer.from(rows.map(({ row }) => row).join('\n')))
    }
    return texts
  }

  function filesOf(directory: string): Map<string, Buffer> {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((it) => it.isFile())
    // The configuration is where they come from.
    const kept = files.filter((file) => file.name !== 'tollgate.json')
    return new Map(kept.map((file) => [file.name, readFileSync(join(file.parentPath, file.name))]))
  }

  test('are seen where the contract shows them, and nowhere else', async () => {
    await setUp()
    const isOfSession = ({ path }: DocumentedRoute) => path.startsWith('/api/session/log')
    const routes = documentedRoutes.filter((route) => !isOfSession(route))
    await callModels()
    await logInAndFail()
    const isDestroying = ({ method }: DocumentedRoute) => method === 'DELETE'
    await ruin(routes)
    const dead_letter_id = await vi.waitFor(
      async () => (await ask('GET', '/api/admin/dead-letters')).items[0].id as string,
      { timeout: 10_000 },
    )
    tenant = { ...tenant, ids: { ...tenant.ids, dead_letter_id } }
    for (const route of routes.filter((it) => !isDestroying(it))) {
      const first = await request(route)
      expect([nameOfRoute(route), first.status < 300 ? '' : first.text]).toEqual([nameOfRoute(route), ''])
    }
    for (const route of routes.filter(({ method }) => method === 'GET')) await request(route)
    await send('metrics', 'GET', '/metrics', asAdmin())

    // Once while it runs, with what has not been written home yet, and once after.
    const running = [...filesOf(gateway.dataDirectory).values()]
    const rows =
      name === 'Postgres'
        ? await (async () => {
            const database = await place.open()
            const texts = await textsOf(database.read as never)
            await database.close()
            return texts
          })()
        : new Map<string, Buffer>()
    await gateway.stop()
    const inFiles = [...running, ...filesOf(gateway.dataDirectory).values()].flatMap((it) =>
      canaries.foundIn(it),
    )
    const inTables = [...rows].flatMap(([table, bytes]) =>
      canaries.foundIn(bytes).map((found) => `${found} in ${table}`),
    )
    const shown = [...answers].flatMap(([label, bodies]) =>
      [...new Set(bodies.flatMap((body) => canaries.foundIn(body)))].map((found) => `${found} in ${label}`),
    )
    expect(canaries.names().size).toBeGreaterThan(20)
    for (const model of ['filed/says-in-pieces', 'filed/says-in-pieces-of-stream']) {
      const [bytes] = answers.get(`frontier calls (200 ${model})`) ?? []
      expect.soft(bytes?.toString(), model).toMatch(/"\*{40,}"/)
    }
    expect.soft([...new Set(shown)].toSorted()).toEqual(shownInAnswers)
    expect.soft([...new Set(inTables)].toSorted()).toEqual(name === 'Postgres' ? keptInTables : [])
    if (name === 'SQLite') expect.soft([...new Set(inFiles)]).toEqual(kept)
    else expect.soft(inFiles.filter((found) => !kept.includes(found))).toEqual([])
    expect.soft(canaries.foundIn(Buffer.from(gateway.log()))).toEqual([])
    expect.soft(canaries.foundIn(Buffer.from(gateway.output()))).toEqual([])
  })
})
