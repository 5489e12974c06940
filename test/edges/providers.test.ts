import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openMemoryCounters } from '../../src/limits/memory.ts'
import { refusal } from '../admin/operator.ts'
import { documentedFetch } from '../setup/contract.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { configurationFor } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'

const secretOf = (name: string) => `sk-${name}-${randomBytes(12).toString('hex')}`
const secrets = {
  key: secretOf('key'),
  second: secretOf('second'),
  header: secretOf('header'),
  proxy: secretOf('proxy'),
  azure: secretOf('azure'),
  aws: secretOf('aws'),
  tools: secretOf('tools'),
  oauth: secretOf('oauth'),
}
const fromEnvironment = secretOf('environment')
const inPart = (secret: string) => `${secret.slice(0, 4)}****${secret.slice(-3)}`
const literal = (value: string) => ({ value, env_var: '', from_env: false })

describe.each(mostDatabases())('providers on $name', ({ create }) => {
  let place: TestPlace
  let gateway: Gateway

  const start = (environment: Record<string, string>, dataDirectory?: string) =>
    startGateway({
      config: configurationFor('http://127.0.0.1:1', {
        network: { allow_private: ['127.0.0.0/8', '10.20.0.0/16'] },
      }),
      databaseUrl: place.url,
      environment,
      ...(dataDirectory !== undefined && { dataDirectory }),
    })

  beforeAll(async () => {
    place = await create()
    gateway = await start({ OPENAI_KEY: fromEnvironment })
  })
  afterAll(async () => {
    await gateway.stop()
    await place.remove()
  })

  async function ask(method: string, path: string, body?: unknown) {
    const response = await documentedFetch(`${gateway.url}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${gateway.adminKey}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
    return { status: response.status, body: (await response.json()) as any }
  }
  async function ok(method: string, path: string, body?: unknown) {
    const answer = await ask(method, path, body)
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const refused = async (method: string, path: string, body: unknown, status: number, message: unknown) =>
    expect(await ask(method, path, body)).toEqual({ status, body: refusal(status, message) })

  test('a provider comes, changes and goes, with its keys', async () => {
    const created = await ok('POST', '/providers', {
      provider: 'groq',
      network_config: { max_retries: 2, retry_backoff_initial: '250ms' },
      tags: ['fast'],
      surprise: true,
    })
    expect(created).toMatchObject({
      name: 'groq',
      network_config: {
        max_retries: 2,
        retry_backoff_initial: 250,
        retry_backoff_max: 5000,
        default_request_timeout_in_seconds: 30,
      },
      concurrency_and_buffer_size: { concurrency: 1000, buffer_size: 5000 },
      proxy_config: { type: 'none' },
      custom_provider_config: null,
      provider_status: 'active',
      tags: ['fast'],
    })
    await refused('POST', '/providers', { provider: 'groq' }, 409, 'A provider with this name already exists')
    expect(await ok('GET', '/providers/groq')).toEqual(created)

    const key = await ok('POST', '/providers/groq/keys', { name: 'groq-main', value: secrets.second })
    expect(key).toMatchObject({ name: 'groq-main', models: ['*'], weight: 1, enabled: true, status: '' })
    expect(key.id).toMatch(/^[0-9a-f-]{36}$/)
    await ok('POST', '/providers', { provider: 'cohere' })
    await refused(
      'POST',
      '/providers/cohere/keys',
      { name: 'groq-main', value: 'another-key-of-somebody' },
      409,
      'A key with this name already exists',
    )
    await refused(
      'POST',
      '/providers/cohere/keys',
      { id: key.id, name: 'other', value: 'another-key-of-somebody' },
      409,
      'A key with this id already exists',
    )
    expect((await ok('GET', '/providers')).providers.map(({ name }: { name: string }) => name)).toEqual([
      'groq',
      'cohere',
    ])
    expect(await ok('GET', '/providers/groq/keys')).toEqual({ keys: [key], total: 1 })
    expect(await ok('GET', '/keys')).toEqual([
      { ...key, key_id: key.id, provider: 'groq', provider_id: created.id },
    ])

    // What a change leaves out stays, within a section too.
    const changed = await ok('PUT', '/providers/groq', { network_config: { max_retries: null } })
    expect(changed).toMatchObject({ network_config: { max_retries: 0, retry_backoff_initial: 250 } })
    expect(changed.tags).toEqual(['fast'])
    expect((await ok('GET', '/providers/groq/keys')).total).toBe(1)
    const renamed = await ok('PUT', `/providers/groq/keys/${key.id}`, { name: 'groq-first', weight: 0.5 })
    expect(renamed).toEqual({ ...key, name: 'groq-first', weight: 0.5, updated_at: renamed.updated_at })

    expect(await ok('DELETE', `/providers/groq/keys/${key.id}`)).toEqual(renamed)
    await refused('GET', `/providers/groq/keys/${key.id}`, undefined, 404, 'Key not found')
    for (const name of ['groq', 'cohere']) {
      await ok('DELETE', `/providers/${name}`)
      await refused('GET', `/providers/${name}`, undefined, 404, 'Provider not found')
      await refused('DELETE', `/providers/${name}`, undefined, 404, 'Provider not found')
    }
    expect(await ok('GET', '/keys')).toEqual([])
  })

  test('90. Every secret is shown in part only; written back as it is shown it stays as it was; the database holds it sealed.', async () => {
    await ok('POST', '/providers', {
      provider: 'azure',
      network_config: { extra_headers: { 'X-Team': secrets.header } },
      proxy_config: {
        type: 'http',
        url: 'http://proxy.example:3128',
        username: 'u',
        password: secrets.proxy,
      },
    })
    await ok('POST', '/providers/azure/keys', {
      name: 'azure-main',
      value: secrets.key,
      azure_key_config: {
        endpoint: 'https://acme.openai.azure.com',
        client_id: 'client',
        client_secret: secrets.azure,
        tenant_id: 'tenant',
      },
    })
    await ok('POST', '/providers', {
      provider: 'bedrock',
      keys: [
        {
          name: 'bedrock-main',
          bedrock_key_config: { access_key: secrets.aws, secret_key: secrets.aws, region: 'eu-west-1' },
        },
      ],
    })
    await ok('POST', '/mcp/client', {
      client_id: 'mc',
      name: 'tools',
      connection_type: 'http',
      connection_string: 'https://tools.example/mcp',
      auth_type: 'headers',
      headers: { Authorization: secrets.tools },
      oauth_config: { client_id: 'client', client_secret: secrets.oauth },
    })
    const provider = await ok('GET', '/providers/azure')
    expect(provider.network_config.extra_headers).toEqual({ 'X-Team': inPart(secrets.header) })
    expect(provider.proxy_config.password).toBe(inPart(secrets.proxy))
    const [key] = (await ok('GET', '/providers/azure/keys')).keys
    expect(key.value).toEqual(literal(inPart(secrets.key)))
    expect(key.azure_key_config).toEqual({
      endpoint: literal('https://acme.openai.azure.com'),
      client_id: literal('client'),
      client_secret: literal(inPart(secrets.azure)),
      tenant_id: literal('tenant'),
    })

    const before = await stored()
    for (const path of ['/providers', '/providers/azure', '/keys', '/providers/azure/keys', '/mcp/clients']) {
      expectNoSecret(JSON.stringify(await ok('GET', path)))
    }
    const { name: _name, ...sections } = provider
    await ok('PUT', '/providers/azure', sections)
    await ok('PUT', `/providers/azure/keys/${key.id}`, key)
    const [bedrock] = (await ok('GET', '/providers/bedrock/keys')).keys
    await ok('PUT', `/providers/bedrock/keys/${bedrock.id}`, bedrock)
    const [{ config }] = (await ok('GET', '/mcp/clients')).clients
    await ok('PUT', '/mcp/client/mc', { headers: config.headers, oauth_config: config.oauth_config })
    await ok('PUT', '/mcp/client/mc', { disabled: true })
    expect(await opened()).toEqual([secrets.key, secrets.azure, secrets.aws])
    expect((await ok('GET', '/providers/azure')).network_config).toEqual(provider.network_config)
    expect((await ok('GET', '/mcp/clients')).clients).toEqual([
      { config: { ...config, disabled: true, updated_at: expect.any(String) }, tools: [], state: 'disabled' },
    ])
    expectNoSecret(before)
    expectNoSecret(await stored())

    // Stars that stand for something else are never stored.
    for (const value of ['****', 'sk-x****abc', literal('****************')]) {
      await refused(
        'PUT',
        `/providers/azure/keys/${key.id}`,
        { value },
        400,
        'value: is not what is shown of the secret; send it whole',
      )
    }
    await ok('PUT', `/providers/azure/keys/${key.id}`, { azure_key_config: { client_secret: null } })
    const [bare] = (await ok('GET', '/providers/azure/keys')).keys
    expect(bare.azure_key_config).not.toHaveProperty('client_secret')
    expect(bare.value).toEqual(key.value)
    expectNoSecret(gateway.log() + gateway.output())
  })

  function expectNoSecret(text: string): void {
    for (const [name, secret] of Object.entries(secrets))
      expect([name, text.includes(secret)]).toEqual([name, false])
  }

  /** Everything that the database holds of them, as it is. */
  async function stored(): Promise<string> {
    const database = await place.open()
    const rows = await Promise.all(
      (['providers', 'provider_keys', 'mcp_clients', 'audit_log'] as const).map((table) =>
        database.read.selectFrom(table).selectAll().execute(),
      ),
    )
    await database.close()
    return JSON.stringify(rows)
  }

  /** What of the secrets another instance reads out of the database. */
  async function opened(): Promise<unknown[]> {
    const { openTenancy } = await import('../../src/tenancy/tenancy.ts')
    const { ulidSource } = await import('../../src/domain/ids.ts')
    const { masterKeyOfTests } = await import('../setup/gateway.ts')
    const database = await place.open()
    const tenancy = await openTenancy({
      database,
      clock: Date.now,
      newUlid: ulidSource(),
      random: randomBytes,
      masterKey: masterKeyOfTests,
      counters: openMemoryCounters(),
    })
    if ('failure' in tenancy) throw new Error(JSON.stringify(tenancy))
    const world = tenancy.snapshot().governance
    await database.close()
    const reveal = (held: unknown) => (held as { reveal(): string }).reveal()
    const azure = world.provider('azure')?.keys[0]
    const bedrock = world.provider('bedrock')?.keys[0]
    return [
      reveal(azure?.value),
      JSON.parse(reveal(azure?.cloud)).azure_key_config.client_secret,
      JSON.parse(reveal(bedrock?.cloud)).bedrock_key_config.secret_key,
    ]
  }

  test('92. `env.NAME` stands for the variable; a key whose variable is not set is disabled, and says why.', async () => {
    await ok('POST', '/providers', { provider: 'openai' })
    const set = await ok('POST', '/providers/openai/keys', { name: 'set', value: 'env.OPENAI_KEY' })
    expect(set).toMatchObject({
      value: { value: inPart(fromEnvironment), env_var: 'env.OPENAI_KEY', from_env: true },
      enabled: true,
      status: '',
    })
    const unset = await ok('POST', '/providers/openai/keys', {
      name: 'unset',
      value: { value: '', env_var: 'env.LATER_KEY', from_env: true },
    })
    expect(unset).toMatchObject({
      value: { value: '', env_var: 'env.LATER_KEY', from_env: true },
      enabled: false,
      status: 'LATER_KEY is not set in the environment',
    })
    // Written back as it is shown, neither changes.
    expect(await ok('PUT', `/providers/openai/keys/${set.id}`, set)).toMatchObject({ value: set.value })
    await ok('PUT', `/providers/openai/keys/${unset.id}`, unset)
    const ours = await ok('POST', '/providers/openai/keys', {
      name: 'ours',
      value: 'env.TOLLGATE_MASTER_KEY',
    })
    expect(ours).toMatchObject({ enabled: false, value: { value: '' } })
    await ok('DELETE', `/providers/openai/keys/${ours.id}`)
    expect(await stored()).not.toContain(fromEnvironment)

    const { dataDirectory } = gateway
    await gateway.stop()
    gateway = await start({ LATER_KEY: fromEnvironment }, dataDirectory)
    const { keys } = await ok('GET', '/providers/openai/keys')
    expect(keys).toMatchObject([
      { name: 'set', enabled: false, status: 'OPENAI_KEY is not set in the environment' },
      { name: 'unset', enabled: true, status: '', value: { value: inPart(fromEnvironment) } },
    ])
  })

  test('94. An address of a cloud’s metadata service is refused where it is written, and a private one unless it is allowed.', async () => {
    const notReached = (member: string) => `${member}: is an address that this gateway may not reach`
    for (const host of [
      '169.254.169.254',
      '[fe80::1]',
      '[::ffff:169.254.169.254]',
      '100.100.100.200',
      '[fd00:ec2::254]',
      '0.0.0.0',
      '10.0.0.1',
      '192.168.1.1',
      '[::1]',
      '0x7f.1.2.3.4',
      '2852039166',
    ]) {
      for (const allow_private_network of [false, true]) {
        const network_config = { base_url: `http://${host}/v1`, allow_private_network }
        const answer = await ask('POST', '/providers', { provider: 'mistral', network_config })
        const message = expect.stringMatching(/^network_config\.base_url: (is an address|must be)/)
        expect([host, answer]).toEqual([host, { status: 400, body: refusal(400, message) }])
      }
    }
    const url = 'http://169.254.169.254'
    const azure = { name: 'a', value: 'a-key-of-azure', azure_key_config: { endpoint: url } }
    await refused('POST', '/providers/azure/keys', azure, 400, notReached('azure_key_config.endpoint'))
    const served = { provider: 'vllm', keys: [{ name: 'v', vllm_key_config: { url } }] }
    await refused('POST', '/providers', served, 400, notReached('vllm_key_config.url'))

    // Inside what the operator allows, if the provider says that it means it.
    const inside = { base_url: 'http://10.20.0.1:9999/v1' }
    const needsFlag = (member: string) =>
      `${member}: is a private address: calls need network_config.allow_private_network to be true`
    const unmeant = { provider: 'mistral', network_config: inside }
    await refused('POST', '/providers', unmeant, 400, needsFlag('network_config.base_url'))
    const vllm = {
      provider: 'vllm',
      keys: [{ name: 'v', vllm_key_config: { url: 'http://10.20.0.1' } }],
    }
    await refused('POST', '/providers', vllm, 400, needsFlag('vllm_key_config.url'))
    const custom = (request_path_overrides: object) => ({
      custom_provider_config: { base_provider_type: 'openai', request_path_overrides },
    })
    const house = { provider: 'house', network_config: { base_url: 'https://api.example' } }
    const path = 'custom_provider_config.request_path_overrides.chat_completion'
    for (const [address, message] of [
      ['http://10.20.0.1/chat', needsFlag(path)],
      [`${url}/chat`, notReached(path)],
    ] as const)
      await refused('POST', '/providers', { ...house, ...custom({ chat_completion: address }) }, 400, message)

    const meant = { ...inside, allow_private_network: true }
    await ok('POST', '/providers', { provider: 'mistral', network_config: meant })
    await refused(
      'PUT',
      '/providers/mistral',
      { network_config: { allow_private_network: null } },
      400,
      needsFlag('network_config.base_url'),
    )
    await ok('PUT', '/providers/mistral', { network_config: { max_retries: 1 } })
    const allowed = { base_url: 'http://127.0.0.1:9999/v1' }
    await ok('PUT', '/providers/mistral', { network_config: allowed })
    await refused(
      'PUT',
      '/providers/mistral',
      { network_config: { base_url: `${url}/v1` } },
      400,
      notReached('network_config.base_url'),
    )
    expect((await ok('GET', '/providers/mistral')).network_config).toMatchObject(allowed)
  })

  test.each([
    [
      { concurrency_and_buffer_size: { concurrency: 10, buffer_size: 9 } },
      /buffer_size: must be at least concurrency/,
    ],
    [{ network_config: { max_conns_per_host: 10_001 } }, /^network_config\.max_conns_per_host: /],
    [{ network_config: { keep_alive_timeout_in_seconds: 3601 } }, /keep_alive_timeout_in_seconds/],
    [{ network_config: { keep_alive_timeout_in_seconds: 0 } }, /keep_alive_timeout_in_seconds/],
    [{ network_config: { insecure_skip_verify: true, ca_cert_pem: 'pem' } }, /exclude each other/],
    [{ network_config: { retry_backoff_initial: 'soon' } }, /retry_backoff_initial/],
    [
      { network_config: { retry_backoff_initial: 9000, retry_backoff_max: '5s' } },
      /at most retry_backoff_max/,
    ],
    [{ network_config: { base_url: 'ftp://models.example' } }, /base_url: must be an http or https URL/],
    [{ network_config: { extra_headers: { 'X A': 'b' } } }, /extra_headers/],
    [{ network_config: { extra_headers: { 'X-A': 'a\r\nX-B: c' } } }, /extra_headers/],
    [{ network_config: { stream_throughput_guard: { minimum_output_characters_per_second: 0 } } }, /guard/],
    [{ proxy_config: { type: 'ftp' } }, /^proxy_config\.type: /],
    [{ proxy_config: { type: 'socks5' } }, /proxy_config\.url: must be the URL of the socks5 proxy/],
    [
      { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`m${at}`, ''])) },
      /at most 50 pairs/,
    ],
    [{ tags: Array.from({ length: 51 }, (_, at) => `t${at}`) }, /^tags: /],
    [{ custom_provider_config: { base_provider_type: 'openai' } }, /known by its name/],
  ])('a provider that cannot be is 400 and nothing is stored: %j', async (sections, message) => {
    await refused('POST', '/providers', { provider: 'xai', ...sections }, 400, expect.stringMatching(message))
    expect((await ask('GET', '/providers/xai')).status).toBe(404)
  })

  test('a provider of a name that nobody knows is a custom one', async () => {
    const custom = { provider: 'house', network_config: { base_url: 'https://models.example/v1' } }
    await refused(
      'POST',
      '/providers',
      custom,
      400,
      expect.stringMatching(/^custom_provider_config: is required/),
    )
    const overrides = { base_provider_type: 'gemini', request_path_overrides: { chat_completion: '/chat' } }
    await refused(
      'POST',
      '/providers',
      { ...custom, custom_provider_config: overrides },
      400,
      expect.stringMatching(/request_path_overrides: are not for/),
    )
    const custom_provider_config = { base_provider_type: 'openai', is_key_less: true, allowed_requests: {} }
    const made = await ok('POST', '/providers', { ...custom, custom_provider_config })
    expect(made.custom_provider_config).toEqual(custom_provider_config)
    const key = { name: 'house-key', value: 'a-key-of-the-house' }
    await refused('POST', '/providers/house/keys', key, 400, 'value: is not for a provider without keys')
  })

  test.each([
    ['openai', {}, 'value: is required'],
    ['openai', { value: 'vault.path' }, /^value: vaults are not supported/],
    ['openai', { value: 'k', models: ['*', 'a'] }, /^models: wildcard '\*' cannot be used/],
    ['openai', { value: 'k', models: ['a', 'A'] }, "models: duplicate value 'A' in whitelist"],
    ['openai', { value: 'k', weight: -1 }, /^weight: /],
    ['openai', { value: 'k', aliases: { Fast: 'a', fast: 'b' } }, /^aliases\.fast: stands there twice/],
    ['openai', { value: 'k', aliases: { ' ': 'a' } }, 'aliases: must not be blank'],
    ['openai', { value: 'k', aliases: { a: ' ' } }, 'aliases.a: must not be blank'],
    ['azure', { value: 'k' }, 'azure_key_config: is required'],
    ['azure', { value: 'k', azure_key_config: {} }, 'azure_key_config.endpoint: is required'],
    ['vertex', {}, 'vertex_key_config: is required'],
    ['vertex', { vertex_key_config: { project_id: 'p' } }, 'vertex_key_config.region: is required'],
    ['vertex', { vertex_key_config: { region: 'r' } }, 'vertex_key_config.project_id: is required'],
    [
      'vertex',
      { vertex_key_config: { region: 'r', project_id: 'p', auth_credentials: 'no json' } },
      /auth_credentials: must be the JSON/,
    ],
    [
      'bedrock',
      { bedrock_key_config: { access_key: 'a-key-of-the-cloud' } },
      /access_key and secret_key together/,
    ],
    ['ollama', {}, 'ollama_key_config: is required'],
    ['ollama', { ollama_key_config: { model_name: 'm' } }, 'ollama_key_config.url: is required'],
  ])('a key of %s that cannot be is 400: %j', async (provider, members, message) => {
    if ((await ask('GET', `/providers/${provider}`)).status === 404)
      await ok('POST', '/providers', { provider })
    const expected = typeof message === 'string' ? message : expect.stringMatching(message)
    await refused(
      'POST',
      `/providers/${provider}/keys`,
      { name: `bad-${provider}`, ...members },
      400,
      expected,
    )
  })

  test('aliases are folded, and older spellings of them load', async () => {
    const key = await ok('POST', '/providers/azure/keys', {
      name: 'aliased',
      value: 'a-key-of-azure-1',
      aliases: { Fast: 'gpt-4o-mini', Wide: { model_id: 'gpt-4o', region: 'eu' } },
      azure_key_config: { endpoint: 'https://acme.openai.azure.com', deployments: { Old: 'gpt-35' } },
    })
    expect(key.aliases).toEqual({
      old: 'gpt-35',
      fast: 'gpt-4o-mini',
      wide: { model_id: 'gpt-4o', region: 'eu' },
    })
    expect(key.azure_key_config).not.toHaveProperty('deployments')
  })

  test('models are those that keys name, and those that are known of the provider', async () => {
    const custom = {
      provider: 'cellar',
      network_config: { base_url: 'https://models.example/v1' },
      custom_provider_config: { base_provider_type: 'openai' },
    }
    await ok('POST', '/providers', custom)
    const key = (name: string, models: string[], more: object = {}) =>
      ok('POST', '/providers/cellar/keys', { name, value: `key-of-the-cellar-${name}`, models, ...more })
    const first = await key('d1', ['chat', 'Reasoner'], { aliases: { quick: 'chat' } })
    const second = await key('d2', ['*'], { blacklisted_models: ['chat'] })
    const models = async (query: string) => ok('GET', `/models?provider=cellar${query}`)
    expect(await models('')).toEqual({
      models: [
        { name: 'Reasoner', provider: 'cellar', accessible_by_keys: [first.id, second.id] },
        { name: 'chat', provider: 'cellar', accessible_by_keys: [first.id] },
        { name: 'quick', provider: 'cellar', accessible_by_keys: [first.id, second.id] },
      ],
      total: 3,
    })
    expect((await models('&query=REAS&limit=1')).total).toBe(1)
    expect((await models(`&keys=${second.id}`)).models).toEqual([])
    expect((await models('&limit=1')).models).toHaveLength(1)
    expect((await ok('GET', '/models/details?provider=cellar&query=chat')).models).toEqual([
      { name: 'chat', provider: 'cellar', accessible_by_keys: [first.id] },
    ])
    await refused('GET', '/models?limit=x', undefined, 400, 'limit: must be a number')

    await ok('POST', '/providers', { provider: 'anthropic' })
    expect((await ok('GET', '/models?provider=anthropic')).models).toEqual([])
    const known = await ok('GET', '/models?provider=anthropic&unfiltered=true&query=claude')
    expect(known.models).toHaveLength(5)
    const all = await ok('POST', '/providers/anthropic/keys', { name: 'all', value: 'a-key-of-anthropic' })
    const [model] = (await ok('GET', '/models/details?provider=anthropic&query=claude')).models
    expect(model).toEqual({
      ...model,
      provider: 'anthropic',
      max_output_tokens: expect.any(Number),
      input_cost_per_token: expect.any(Number),
      accessible_by_keys: [all.id],
    })
  })

  test('MCP servers are registered, listed and removed', async () => {
    const add = (name: string, more: object = {}) =>
      ask('POST', '/mcp/client', {
        name,
        connection_type: 'http',
        connection_string: 'https://tools.example/mcp?token=very-secret',
        ...more,
      })
    for (const [name, more, message] of [
      ['1st', {}, /^name: /],
      ['with-hyphen', {}, /^name: /],
      ['fine', { connection_type: 'stdio' }, 'stdio_config: is required'],
      ['fine', { connection_string: 'ftp://x' }, /^connection_string: /],
      ['fine', { connection_type: 'inprocess' }, /^connection_type: /],
      ['fine', { tools_to_execute: ['a'], tools_to_auto_execute: ['b'] }, /^tools_to_auto_execute: /],
      ['fine', { auth_type: 'per_user_headers' }, /^per_user_header_keys: /],
      ['fine', { allowed_extra_headers: ['*', 'x'] }, /^allowed_extra_headers: /],
    ] as const) {
      const expected = typeof message === 'string' ? message : expect.stringMatching(message)
      expect([name, await add(name, more)]).toEqual([name, { status: 400, body: refusal(400, expected) }])
    }
    for (const name of ['alpha', 'beta', 'gamma']) expect((await add(name)).status).toBe(200)
    expect((await add('alpha')).body).toEqual(refusal(409, 'An MCP client with this name already exists'))
    const listed = await ok('GET', '/mcp/clients?limit=1&offset=1&search=A')
    expect(listed).toMatchObject({ count: 1, total_count: 3, limit: 1, offset: 1 })
    expect(listed.clients[0].config).toMatchObject({
      name: 'beta',
      connection_string: 'https://tools.example/mcp?****',
    })
    await refused('GET', '/mcp/clients?limit=x', undefined, 400, 'Invalid limit parameter: must be a number')
    await refused(
      'GET',
      '/mcp/clients?offset=-1',
      undefined,
      400,
      'Invalid offset parameter: must be non-negative',
    )
    const { client_id } = listed.clients[0].config
    for (const change of [{ connection_string: 'https://other.example' }, { connection_type: 'sse' }]) {
      const [member] = Object.keys(change)
      const message = `${member}: cannot be changed; register another client`
      await refused('PUT', `/mcp/client/${client_id}`, change, 400, message)
    }
    await refused(
      'PUT',
      `/mcp/client/${client_id}`,
      { name: 'alpha' },
      409,
      'An MCP client with this name already exists',
    )
    await ok('DELETE', `/mcp/client/${client_id}`)
    await refused('DELETE', `/mcp/client/${client_id}`, undefined, 404, 'MCP client not found')
    expect((await ok('GET', '/mcp/clients?search=beta')).clients).toEqual([])
  })

  test('what runs here, or is not public, is registered only by who has said who they are', async () => {
    await ok('PUT', '/config', { auth_config: { is_enabled: false } })
    const anybody = async (body: object) =>
      (
        await documentedFetch(`${gateway.url}/api/mcp/client`, {
          method: 'POST',
          body: JSON.stringify(body),
        })
      ).status
    const stdio = { name: 'run_here', connection_type: 'stdio', stdio_config: { command: 'npx' } }
    const http = (name: string, host: string) => ({
      name,
      connection_type: 'http',
      connection_string: `http://${host}/mcp`,
    })
    expect(await anybody(stdio)).toBe(403)
    for (const host of [
      '127.0.0.1:9',
      'localhost',
      '10.1.2.3',
      '169.254.169.254',
      '[::1]',
      'no.such.invalid',
    ])
      expect([host, await anybody(http('near', host))]).toEqual([host, 403])
    expect(await anybody(http('far', '93.184.216.34'))).toBe(200)
    expect((await ask('POST', '/mcp/client', stdio)).status).toBe(200)
    expect((await ask('POST', '/mcp/client', http('near', '127.0.0.1:9'))).status).toBe(200)
  })
})
