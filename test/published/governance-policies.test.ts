import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { type Json, managementAsks } from './management-asks.ts'

const startedAt = Date.UTC(2026, 10, 2, 8, 15)
const openai = { provider: 'openai', weight: 1, allowed_models: ['*'], key_ids: ['*'] }

describe.each(mostDatabases())('policies on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let now = startedAt
  let made = 0

  beforeAll(async () => {
    upstream = await startFakeUpstream({ script: { promptTokens: 100, completionTokens: 10 } })
    place = await create()
    const network = { origins: { 'https://api.openai.com': upstream.url } }
    gateway = await startGateway({ config: { network }, databaseUrl: place.url, clock: now })
    await ok('POST', '/api/providers', { provider: 'openai' })
    await ok('POST', '/api/providers/openai/keys', { id: 'main', name: 'main', value: 'key-of-the-vendor' })
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  const unique = (name: string) => `${name} ${++made}`
  const { ask, ok } = managementAsks(() => gateway)
  const refuses = async (method: string, path: string, body: unknown, message: unknown, status = 400) => {
    const answer = await ask(method, path, body)
    expect([answer.status, answer.body.error.message]).toEqual([status, message])
  }

  /** What is made from now on is younger than what there is. */
  const grow = async () => {
    now += 1000
    await gateway.setClock(now)
  }

  const configs = '/api/governance/model-configs'
  const providers = '/api/governance/providers'
  const rules = '/api/governance/routing-rules'
  const overrides = '/api/governance/pricing-overrides'
  const makeKey = async (over: object = {}): Promise<Json> => {
    const wish = { name: unique('app'), provider_configs: [openai], ...over }
    return (await ok('POST', '/api/governance/virtual-keys', wish)).virtual_key
  }
  const keyOf = async (id: string): Promise<Json> =>
    (await ok('GET', `/api/governance/virtual-keys/${id}`)).virtual_key
  const makeConfig = async (over: object = {}): Promise<Json> =>
    (await ok('POST', configs, { model_name: unique('model'), ...over })).model_config
  const ruleWish = (over: object = {}) => ({
    name: unique('rule'),
    enabled: false,
    targets: [{ provider: 'openai', model: 'gpt-4o-mini', weight: 1 }],
    ...over,
  })
  const makeRule = async (over: object = {}): Promise<Json> => (await ok('POST', rules, ruleWish(over))).rule
  const overrideWish = (over: object = {}) => ({
    name: unique('price'),
    scope_kind: 'global',
    match_type: 'exact',
    pattern: 'nobody-calls-this',
    request_types: ['chat_completion'],
    patch: { input_cost_per_token: 0.5 },
    ...over,
  })
  const makeOverride = async (over: object = {}): Promise<Json> =>
    (await ok('POST', overrides, overrideWish(over), 201)).pricing_override
  const chat = (value: string, model: string, headers: Record<string, string> = {}) =>
    ask(
      'POST',
      '/v1/chat/completions',
      { model, messages: [{ role: 'user', content: 'hi' }] },
      { 'x-bf-vk': value, ...headers },
    )
  /** Which model a call was served by; else its refusal. */
  const servedBy = async (value: string, model: string, headers: Record<string, string> = {}) => {
    const before = upstream.requests.length
    const { status, body } = await chat(value, model, headers)
    if (status !== 200) return [status, body.type]
    expect(upstream.requests.length).toBe(before + 1)
    return upstream.requests.at(-1)?.json?.model
  }

  test('72. A model, provider and scope have one model config: a second is 409.', async () => {
    const identity = { model_name: 'gpt-4o', provider: 'openai' }
    await makeConfig(identity)
    await refuses(
      'POST',
      configs,
      identity,
      "Model config for model 'gpt-4o' with provider 'openai' already exists",
      409,
    )
    const everywhere = await makeConfig({ model_name: 'gpt-4o' })
    await refuses(
      'POST',
      configs,
      { model_name: 'gpt-4o' },
      "Model config for model 'gpt-4o' (global) already exists",
      409,
    )
    // Case tells names apart, and so does whose they are.
    const key = await makeKey()
    await makeConfig({ ...identity, model_name: 'GPT-4o' })
    const own = await makeConfig({ ...identity, scope: 'virtual_key', scope_id: key.id })
    expect(own).toMatchObject({ scope: 'virtual_key', scope_id: key.id, scope_name: key.name })
    await refuses(
      'PUT',
      `${configs}/${everywhere.id}`,
      { provider: 'openai' },
      "Model config for model 'gpt-4o' with provider 'openai' already exists",
      409,
    )
    await ok('PUT', `${configs}/${everywhere.id}`, { provider: null })
    await ok('DELETE', `${configs}/${everywhere.id}`)
    await refuses('GET', `${configs}/${everywhere.id}`, undefined, 'Model config not found', 404)
    await makeConfig({ model_name: 'gpt-4o' })
  })

  test('73. A scope other than global needs to be told whose: 400 `scope_id is required when scope is not global`.', async () => {
    const scoped = { model_name: 'm', scope: 'virtual_key' }
    await refuses('POST', configs, scoped, 'scope_id is required when scope is not global')
    await refuses('POST', configs, { ...scoped, scope_id: 'nobody' }, "Virtual key 'nobody' not found")
    await refuses('POST', configs, { model_name: 'm', scope: 'user' }, 'Invalid scope "user"')
    await refuses('POST', configs, {}, 'Model name is required')
    await refuses('POST', configs, { model_name: '  ' }, 'Model name is required')
    await refuses('POST', configs, { model_name: 'm', provider: 'nobody' }, 'invalid provider name: nobody')
    await refuses(
      'POST',
      configs,
      { model_name: 'm', rate_limit: { token_max_limit: 10 } },
      'rate limit token reset duration is required',
    )
    await refuses(
      'POST',
      configs,
      { model_name: 'm', budget: { max_limit: 0, reset_duration: '1d' } },
      'budget max limit cannot be negative or zero: 0.00',
    )
    await refuses('PUT', `${configs}/nobody`, { model_name: 'm' }, 'Model config not found', 404)
    await refuses('DELETE', `${configs}/nobody`, undefined, 'Model config not found', 404)
  })

  test('Model configs keep their limits through changes, and are listed, filtered and paged', async () => {
    const key = await makeKey()
    const first = await makeConfig({
      model_name: 'Listed-1',
      provider: 'openai',
      budgets: [
        { max_limit: 20, reset_duration: '1M' },
        { max_limit: 1.5, reset_duration: '1d', calendar_aligned: true },
      ],
      rate_limit: { request_max_limit: 5, request_reset_duration: '1h' },
    })
    expect(first).toMatchObject({
      provider: 'openai',
      scope: 'global',
      scope_id: null,
      calendar_aligned: false,
    })
    expect(first.budgets.map(({ reset_duration }: Json) => reset_duration)).toEqual(['1d', '1M'])
    expect(first.budget_id).toBe(first.budgets[0].id)
    expect(first.budgets[0]).toMatchObject({
      model_config_id: first.id,
      max_limit: 1.5,
      calendar_aligned: true,
    })
    await grow()
    const second = await makeConfig({ model_name: 'listed-2', scope: 'virtual_key', scope_id: key.id })
    const { model_config: moved } = await ok('PUT', `${configs}/${first.id}`, {
      model_name: 'listed-3',
      rate_limit: {},
    })
    expect(moved).toMatchObject({ model_name: 'listed-3', budgets: first.budgets })
    expect(moved).not.toHaveProperty('rate_limit')

    const found = await ok('GET', `${configs}?search=LISTED`)
    expect(found).toMatchObject({ count: 2, total_count: 2, limit: 25, offset: 0 })
    expect(found.model_configs.map(({ id }: Json) => id)).toEqual([first.id, second.id])
    const page = await ok('GET', `${configs}?search=listed&limit=1&offset=1`)
    expect([page.total_count, page.model_configs[0].id]).toEqual([2, second.id])
    expect((await ok('GET', `${configs}?scope=virtual_key&search=listed`)).count).toBe(1)
    expect((await ok('GET', `${configs}?provider=openai&search=listed`)).count).toBe(1)
    const all = await ok('GET', `${configs}?from_memory=true&search=nothing`)
    expect(all.limit).toBe(all.count)
    expect(all.count).toBeGreaterThan(2)
    await refuses('GET', `${configs}?limit=x`, undefined, 'Invalid limit parameter: must be a number')

    // It goes with whom it is for.
    await ok('DELETE', `/api/governance/virtual-keys/${key.id}`)
    await refuses('GET', `${configs}/${second.id}`, undefined, 'Model config not found', 404)
    await ok('DELETE', `${configs}/${first.id}`)
    const budgets = await ok('GET', '/api/governance/budgets')
    expect(budgets.budgets.filter((budget: Json) => budget.model_config_id === first.id)).toEqual([])
  })

  test('74. A limit of a model counts everybody: the second call within it is 429 `Model-level rate limit check failed`, whoever makes it.', async () => {
    const [one, other] = [await makeKey(), await makeKey()]
    const config = await makeConfig({
      model_name: 'gpt-4.1-nano',
      rate_limit: { request_max_limit: 1, request_reset_duration: '1h' },
    })
    expect((await chat(one.value, 'openai/gpt-4.1-nano')).status).toBe(200)
    const { status, body } = await chat(other.value, 'openai/gpt-4.1-nano')
    expect([status, body.type]).toEqual([429, 'request_limited'])
    expect(body.error.message).toMatch(/^Model-level rate limit check failed/)
    const { model_config } = await ok('GET', `${configs}/${config.id}`)
    expect(model_config.rate_limit.request_current_usage).toBe(1)
  })

  test('75. Limits of a provider are set, listed and deleted, twice too; those of an unknown one are 404 `Provider not found`.', async () => {
    const budget = { max_limit: 2000, reset_duration: '1M' }
    await refuses('PUT', `${providers}/unknown`, { budget }, 'Provider not found', 404)
    await refuses('DELETE', `${providers}/unknown`, undefined, 'Provider not found', 404)
    expect(await ok('GET', providers)).toEqual({ providers: [], count: 0 })
    const set = await ok('PUT', `${providers}/openai`, { budget })
    expect(set.message).toBe('Provider governance updated successfully')
    expect(set.provider.budgets).toMatchObject([{ ...budget, provider: 'openai' }])
    expect(await ok('GET', providers)).toEqual({ providers: [set.provider], count: 1 })
    const rate = { request_max_limit: 1000, request_reset_duration: '1m' }
    const both = await ok('PUT', `${providers}/openai`, { rate_limit: rate })
    expect(both.provider).toMatchObject({ budgets: set.provider.budgets, rate_limit: rate })
    // The last limit takes all with it.
    await ok('PUT', `${providers}/openai`, { budgets: [] })
    const none = await ok('PUT', `${providers}/openai`, { rate_limit: {} })
    expect(none.provider).toEqual({ provider: 'openai', calendar_aligned: false })
    expect((await ok('GET', providers)).count).toBe(0)
    await ok('PUT', `${providers}/openai`, { budget })
    for (let time = 0; time < 2; time++) {
      const { message } = await ok('DELETE', `${providers}/openai`)
      expect(message).toBe('Provider governance deleted successfully')
    }
    expect((await ok('GET', providers)).count).toBe(0)
  })

  test('76. Weights that do not add up are 400 `target weights must sum to 1, got 0.9000`.', async () => {
    const targets = [
      { provider: 'openai', model: 'a', weight: 0.7 },
      { provider: 'openai', model: 'b', weight: 0.2 },
    ]
    await refuses('POST', rules, ruleWish({ targets }), 'target weights must sum to 1, got 0.9000')
    const rule = await makeRule()
    await refuses('PUT', `${rules}/${rule.id}`, { targets }, 'target weights must sum to 1, got 0.9000')
    expect((await ok('GET', `${rules}/${rule.id}`)).rule).toEqual(rule)
  })

  test('77. A target of weight 0 is 400 `each target weight must be positive`.', async () => {
    for (const weight of [0, -1]) {
      const targets = [{ provider: 'openai', weight }]
      await refuses('POST', rules, ruleWish({ targets }), 'each target weight must be positive')
    }
  })

  test('78. A condition that does not compile is 400 `invalid CEL expression: …`, and so is one that is no condition.', async () => {
    for (const cel_expression of ['model ==', 'model', 'nobody == "x"', '1 + 1']) {
      await refuses(
        'POST',
        rules,
        ruleWish({ cel_expression }),
        expect.stringMatching(/^invalid CEL expression: ./),
      )
    }
  })

  test('What else a rule may lack is told in the published words', async () => {
    const twice = { provider: 'openai', model: 'a', key_id: 'main', weight: 0.5 }
    const cases: readonly (readonly [object, unknown])[] = [
      [{ name: '' }, 'name field is required'],
      [{ name: null }, 'name field is required'],
      [{ targets: [] }, 'at least one target is required'],
      [{ targets: [{ model: 'a', key_id: 'main', weight: 1 }] }, 'key_id requires provider to be set'],
      [{ targets: [twice, twice] }, 'duplicate target entry: provider=openai model=a key_id=main'],
      [{ fallbacks: [' '] }, 'fallbacks[0] must not be empty'],
      [
        { fallbacks: ['openai/', 'nobody/m'] },
        expect.stringMatching(/^fallbacks\[1\] "nobody\/m" is invalid: must use a known provider prefix/),
      ],
      [{ scope: 'user' }, 'invalid scope "user": must be one of: global, team, customer, virtual_key'],
      [{ scope: 'team' }, 'scope_id field is required when scope is not global'],
      [{ scope: 'team', scope_id: 'x' }, "team 'x' not found: routing rule scope_id not found"],
      [{ scope: 'customer', scope_id: 'x' }, "customer 'x' not found: routing rule scope_id not found"],
      [{ scope: 'virtual_key', scope_id: 'x' }, "virtual key 'x' not found: routing rule scope_id not found"],
    ]
    for (const [over, message] of cases) await refuses('POST', rules, ruleWish(over), message)
    const { name } = await makeRule()
    await refuses('POST', rules, ruleWish({ name }), 'A routing rule with this name already exists', 409)
    const key = await makeKey()
    const own = await makeRule({ name, scope: 'virtual_key', scope_id: key.id })
    await refuses(
      'PUT',
      `${rules}/${own.id}`,
      { scope: 'global' },
      'A routing rule with this name already exists',
      409,
    )
  })

  test('Rules are changed in part, listed by priority under both paths, and go with whom they are for', async () => {
    const key = await makeKey()
    const ofKey = { scope: 'virtual_key', scope_id: key.id }
    const query = { combinator: 'and', rules: [{ field: 'max_limit', max_limit: 1.5 }] }
    const late = await makeRule({ ...ofKey, name: unique('Shown'), priority: 5, query })
    const early = await makeRule({
      ...ofKey,
      name: unique('shown'),
      targets: undefined,
      provider: 'openai',
      model: 'gpt-4o',
      priority: -1,
    })
    expect(early.targets).toEqual([{ provider: 'openai', model: 'gpt-4o', weight: 1 }])
    const split = [
      { model: 'a', weight: 0.25 },
      { model: 'b', weight: 0.75 },
    ]
    const { rule } = await ok('PUT', `/api/routing/rules/${late.id}`, {
      targets: split,
      fallbacks: ['openai/'],
    })
    expect(rule).toMatchObject({
      ...ofKey,
      query,
      priority: 5,
      fallbacks: ['openai/'],
      targets: split.toReversed(),
    })

    const ids = (answer: Json) => answer.rules.map(({ id }: Json) => id)
    for (const path of [rules, '/api/routing/rules']) {
      const listed = await ok('GET', `${path}?scope=virtual_key&scope_id=${key.id}`)
      expect(ids(listed)).toEqual([early.id, late.id])
      expect(listed).toMatchObject({ count: 2, total_count: 2, limit: 2, offset: 0 })
    }
    expect(ids(await ok('GET', `${rules}?search=SHOWN&limit=1`))).toEqual([early.id])
    expect((await ok('GET', `${rules}?from_memory=true&search=nothing`)).count).toBeGreaterThan(2)

    const { rule: everybodys } = await ok('PUT', `${rules}/${early.id}`, {
      scope: 'global',
      description: null,
    })
    expect(everybodys).toMatchObject({ scope: 'global', scope_id: null, description: '' })
    await ok('DELETE', `/api/governance/virtual-keys/${key.id}`)
    await refuses('GET', `${rules}/${late.id}`, undefined, 'Routing rule not found', 404)
    expect((await ok('DELETE', `${rules}/${early.id}`)).message).toBe('Routing rule deleted successfully')
    await refuses('DELETE', `${rules}/${early.id}`, undefined, 'Routing rule not found', 404)
    await refuses('PUT', `${rules}/${early.id}`, { enabled: true }, 'Routing rule not found', 404)
  })

  test('79. A rule that asks for a header does not match a call without it, and the call goes where it asked to go.', async () => {
    const key = await makeKey()
    await makeRule({
      enabled: true,
      scope: 'virtual_key',
      scope_id: key.id,
      cel_expression: 'headers["x-tier"] == "gold"',
      targets: [{ model: 'gpt-4.1', weight: 1 }],
    })
    expect(await servedBy(key.value, 'openai/gpt-4o-mini')).toBe('gpt-4o-mini')
    expect(await servedBy(key.value, 'openai/gpt-4o-mini', { 'X-Tier': 'silver' })).toBe('gpt-4o-mini')
    expect(await servedBy(key.value, 'openai/gpt-4o-mini', { 'X-Tier': 'gold' })).toBe('gpt-4.1')
  })

  test("80. A virtual key's rule counts before everybody's, whatever their priorities.", async () => {
    const [key, other] = [await makeKey(), await makeKey()]
    const cel_expression = 'headers["x-case"] == "80"'
    const global = await makeRule({
      enabled: true,
      cel_expression,
      priority: 0,
      targets: [{ model: 'gpt-4.1', weight: 1 }],
    })
    await makeRule({
      enabled: true,
      scope: 'virtual_key',
      scope_id: key.id,
      cel_expression,
      priority: 9,
      targets: [{ model: 'gpt-4o', weight: 1 }],
    })
    const marked = { 'x-case': '80' }
    expect(await servedBy(key.value, 'openai/gpt-4o-mini', marked)).toBe('gpt-4o')
    expect(await servedBy(other.value, 'openai/gpt-4o-mini', marked)).toBe('gpt-4.1')
    await ok('PUT', `${rules}/${global.id}`, { enabled: false })
    expect(await servedBy(other.value, 'openai/gpt-4o-mini', marked)).toBe('gpt-4o-mini')
  })

  test('81. A rule lets nobody go where their virtual key may not: 403 `provider_blocked`.', async () => {
    const key = await makeKey()
    const ofKey = { scope: 'virtual_key', scope_id: key.id }
    await makeRule({ enabled: true, ...ofKey, targets: [{ provider: 'azure', model: 'gpt-4o', weight: 1 }] })
    expect(await servedBy(key.value, 'openai/gpt-4o')).toEqual([403, 'provider_blocked'])
  })

  test('82. A pricing override is made with 201; a streaming kind of request, and a star in the middle, are 400.', async () => {
    const made = await makeOverride({ match_type: 'wildcard', pattern: 'mine-*' })
    expect(made).toMatchObject({ scope_kind: 'global', patch: { input_cost_per_token: 0.5 } })
    expect(made).not.toHaveProperty('virtual_key_id')
    await refuses(
      'POST',
      overrides,
      overrideWish({ request_types: ['chat_completion_stream'] }),
      'unsupported request_type "chat_completion_stream": use the base type (e.g. "chat_completion" covers both streaming and non-streaming)',
    )
    const cases: readonly (readonly [object, string])[] = [
      [{ match_type: 'wildcard', pattern: 'gpt-*-mini' }, 'wildcard pattern must end with *'],
      [
        { match_type: 'wildcard', pattern: 'gpt-*-*' },
        'wildcard pattern must contain exactly one trailing *',
      ],
      [{ pattern: 'gpt-*' }, 'exact match pattern must not contain wildcards'],
      [{ pattern: '' }, 'pattern is required'],
      [{ match_type: 'regex' }, 'unsupported match_type "regex"'],
      [{ name: ' ' }, 'name is required'],
      [{ request_types: [] }, 'request_types is required and must contain at least one value'],
      [{ request_types: ['chat'] }, 'unsupported request_type "chat"'],
      [{ scope_kind: 'team' }, 'unsupported scope_kind "team"'],
      [{ provider_id: 'openai' }, 'global scope_kind must not include scope identifiers'],
      [{ scope_kind: 'provider' }, 'provider_id is required for provider scope_kind'],
      [
        { scope_kind: 'provider', provider_id: 'openai', provider_key_id: 'main' },
        'provider scope_kind only supports provider_id',
      ],
      [{ scope_kind: 'provider_key' }, 'provider_key_id is required for provider_key scope_kind'],
      [{ scope_kind: 'virtual_key' }, 'virtual_key_id is required for virtual_key scope_kind'],
      [
        { scope_kind: 'virtual_key_provider', provider_id: 'openai' },
        'virtual_key_id and provider_id are required for virtual_key_provider scope_kind',
      ],
      [
        { scope_kind: 'virtual_key_provider_key', provider_id: 'openai', virtual_key_id: 'x' },
        'virtual_key_id, provider_id, and provider_key_id are required for virtual_key_provider_key scope_kind',
      ],
      [{ scope_kind: 'virtual_key', virtual_key_id: 'x' }, "virtual key 'x' not found"],
      [{ scope_kind: 'provider', provider_id: 'nobody' }, "provider 'nobody' not found"],
      [{ scope_kind: 'provider_key', provider_key_id: 'x' }, "provider key 'x' not found"],
      [{ patch: { input_cost_per_token: -1 } }, 'input_cost_per_token cannot be negative'],
      [{ patch: { input_cost_per_token: 1_000_001 } }, 'input_cost_per_token cannot be above 1000000'],
      [{ patch: { input_cost_per_token: '1' } }, 'input_cost_per_token must be a number'],
      [{ patch: { input_price: 1 } }, 'patch: unknown member "input_price"'],
      [{ patch: { input_cost_per_moon: 1 } }, 'patch: unknown member "input_cost_per_moon"'],
    ]
    for (const [over, message] of cases) await refuses('POST', overrides, overrideWish(over), message)
  })

  test('Prices keep their digits; overrides are changed in part, listed, filtered, and go with whom they are for', async () => {
    const key = await makeKey()
    const digits = '0.000000123456789012'
    const text = JSON.stringify(
      overrideWish({ name: unique('Exact'), scope_kind: 'virtual_key', virtual_key_id: key.id }),
    )
    const { pricing_override: exact } = await ok('POST', overrides, text.replace('0.5', digits), 201)
    expect(exact.pricing_patch).toBe(`{"input_cost_per_token":${digits}}`)
    expect(exact.patch).toEqual({ input_cost_per_token: Number(digits) })
    expect((await ok('GET', `${overrides}/${exact.id}`)).pricing_override).toEqual(exact)

    const path = `${overrides}/${exact.id}`
    const { pricing_override: moved } = await ok('PUT', path, {
      scope_kind: 'provider',
      provider_id: 'openai',
    })
    expect(moved).toMatchObject({ provider_id: 'openai', patch: exact.patch, pattern: exact.pattern })
    expect(moved).not.toHaveProperty('virtual_key_id')
    const { pricing_override: patched } = await ok('PUT', path, { patch: { output_cost_per_token: 0 } })
    expect(patched.patch).toEqual({ output_cost_per_token: 0 })
    await refuses('PUT', path, { provider_id: null }, 'provider_id is required for provider scope_kind')

    const ofKey = { scope_kind: 'virtual_key_provider', virtual_key_id: key.id, provider_id: 'openai' }
    await grow()
    const scoped = await makeOverride({ ...ofKey, name: unique('exactly') })
    const ids = (answer: Json) => answer.pricing_overrides.map(({ id }: Json) => id)
    expect(ids(await ok('GET', `${overrides}?search=EXACT`))).toEqual([exact.id, scoped.id])
    expect(ids(await ok('GET', `${overrides}?virtual_key_id=${key.id}`))).toEqual([scoped.id])
    expect(ids(await ok('GET', `${overrides}?scope_kind=provider&provider_id=openai`))).toEqual([exact.id])
    expect(await ok('GET', `${overrides}?search=exact&limit=1&offset=1`)).toMatchObject({
      count: 1,
      total_count: 2,
    })

    await ok('DELETE', `/api/governance/virtual-keys/${key.id}`)
    await refuses('GET', `${overrides}/${scoped.id}`, undefined, 'Pricing override not found', 404)
    expect((await ok('DELETE', path)).message).toBe('Pricing override deleted successfully')
    await refuses('DELETE', path, undefined, 'Pricing override not found', 404)
    await refuses('PUT', path, { name: 'x' }, 'Pricing override not found', 404)
  })

  test('83. A call is priced by the override of the narrowest scope that has one for it.', async () => {
    const budget = { max_limit: 1000, reset_duration: '1d' }
    const [key, other] = [await makeKey({ budget }), await makeKey({ budget })]
    const request_types = ['chat_completion']
    const everywhere = await makeOverride({
      match_type: 'wildcard',
      pattern: 'gpt-4o*',
      request_types,
      patch: { input_cost_per_token: 0.01, output_cost_per_token: 0.02 },
    })
    const own = await makeOverride({
      scope_kind: 'virtual_key',
      virtual_key_id: key.id,
      pattern: 'gpt-4o',
      request_types,
      patch: { input_cost_per_token: 0.5, output_cost_per_token: 1 },
    })
    const spent = async ({ id }: Json) => (await keyOf(id)).budget.current_usage
    for (const { value } of [key, other]) expect((await chat(value, 'openai/gpt-4o')).status).toBe(200)
    expect([await spent(key), await spent(other)]).toEqual([60, 1.2])
    // The next call is priced by what holds then.
    await ok('DELETE', `${overrides}/${own.id}`)
    expect((await chat(key.value, 'openai/gpt-4o')).status).toBe(200)
    expect(await spent(key)).toBe(61.2)
    await ok('DELETE', `${overrides}/${everywhere.id}`)
  })

  test('A price sheet of the operator prices the next call, and the bundled prices come back', async () => {
    const key = await makeKey({ budget: { max_limit: 1000, reset_duration: '1d' } })
    const spent = async () => (await keyOf(key.id)).budget.current_usage
    const bundled = await ok('GET', '/api/admin/catalog')
    expect(bundled).toMatchObject({ source: 'bundled', checksum: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const model = {
      litellm_provider: 'openai',
      mode: 'chat',
      input_cost_per_token: 2,
      output_cost_per_token: 0,
    }
    const sheet = { 'gpt-imported': model }
    const refused = await ask('PUT', '/api/admin/catalog', {
      'gpt-imported': { ...model, input_cost_per_token: -1 },
    })
    expect([refused.status, refused.body.error.message]).toEqual([
      400,
      'The price sheet cannot be used: model "gpt-imported": input_cost_per_token is negative.',
    ])
    await refuses(
      'PUT',
      '/api/admin/catalog',
      '{',
      'The price sheet cannot be used: it is not a JSON object of models by name.',
    )
    expect(await ok('GET', '/api/admin/catalog')).toEqual(bundled)

    const imported = await ok('PUT', '/api/admin/catalog', sheet)
    expect(imported).toMatchObject({
      source: 'imported',
      models: 1,
      imported_at: new Date(now).toISOString(),
    })
    expect(imported.checksum).not.toBe(bundled.checksum)
    const synced = await ok('POST', '/api/pricing/force-sync')
    expect(synced).toMatchObject({ status: 'success', catalog: imported })
    expect((await chat(key.value, 'openai/gpt-imported')).status).toBe(200)
    expect(await spent()).toBe(200)
    expect(await ok('DELETE', '/api/admin/catalog')).toEqual(bundled)
    expect(await ok('DELETE', '/api/admin/catalog')).toEqual(bundled)
    const { status, body } = await chat(key.value, 'openai/gpt-imported')
    expect([status, body.type]).toEqual([403, 'model_blocked'])
  })

  test('A virtual key that reads sees what is for it, and writes nothing', async () => {
    const key = await makeKey()
    const ofKey = { scope: 'virtual_key', scope_id: key.id }
    const config = await makeConfig({ ...ofKey, model_name: 'own' })
    const rule = await makeRule(ofKey)
    const override = await makeOverride({ scope_kind: 'virtual_key', virtual_key_id: key.id })
    const [everybodys] = (await ok('GET', `${configs}?scope=global`)).model_configs
    const asKey = { authorization: `Bearer ${key.value}` }
    const read = async (path: string) => (await ask('GET', path, undefined, asKey)).body
    expect((await read(configs)).model_configs.map(({ id }: Json) => id)).toEqual([config.id])
    expect((await read(rules)).rules.map(({ id }: Json) => id)).toEqual([rule.id])
    expect((await read(overrides)).pricing_overrides.map(({ id }: Json) => id)).toEqual([override.id])
    expect((await read(`${configs}/${config.id}`)).model_config.id).toBe(config.id)
    expect((await ask('GET', `${configs}/${everybodys.id}`, undefined, asKey)).status).toBe(404)
    expect((await ask('POST', rules, ruleWish(), asKey)).status).toBe(403)
  })
})
