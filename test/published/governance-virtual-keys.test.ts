import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { type Json, managementAsks } from './management-asks.ts'

const startedAt = Date.UTC(2026, 10, 2, 8, 15)
const hourMs = 3_600_000
const openai = { provider: 'openai', weight: 1, allowed_models: ['*'], key_ids: ['*'] }

describe.each(mostDatabases())('virtual keys on $name', ({ create }) => {
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
    for (const name of ['github', 'jira']) {
      await ok('POST', '/api/mcp/client', {
        name,
        connection_type: 'http',
        connection_string: 'https://tools.example/mcp',
      })
    }
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  const unique = (name: string) => `${name} ${++made}`
  const { ask, ok } = managementAsks(() => gateway)
  const keys = '/api/governance/virtual-keys'
  const make = async (over: object = {}): Promise<Json> => {
    const { virtual_key } = await ok('POST', keys, { name: unique('app'), ...over })
    return virtual_key
  }
  const change = async (id: string, over: object): Promise<Json> =>
    (await ok('PUT', `${keys}/${id}`, over)).virtual_key
  const keyOf = async (id: string): Promise<Json> => (await ok('GET', `${keys}/${id}`)).virtual_key
  const makeTeam = async (over: object = {}): Promise<Json> =>
    (await ok('POST', '/api/governance/teams', { name: unique('team'), ...over })).team
  const makeCustomer = async (over: object = {}): Promise<Json> =>
    (await ok('POST', '/api/governance/customers', { name: unique('customer'), ...over })).customer
  const total = async () => (await ok('GET', `${keys}?limit=1`)).total_count
  /** Nothing is stored of what is refused. */
  const refusesNew = async (over: object, message: unknown, status = 400) => {
    const before = await total()
    const answer = await ask('POST', keys, { name: unique('refused'), ...over })
    expect([answer.status, answer.body.error.message]).toEqual([status, message])
    expect(await total()).toBe(before)
  }
  const refusesChange = async (id: string, over: object, message: string, status = 400) => {
    const before = await keyOf(id)
    const answer = await ask('PUT', `${keys}/${id}`, over)
    expect([answer.status, answer.body.error.message]).toEqual([status, message])
    expect(await keyOf(id)).toEqual(before)
  }
  const chat = (value: string, model = 'openai/gpt-4o') =>
    ask(
      'POST',
      '/v1/chat/completions',
      { model, messages: [{ role: 'user', content: 'hi' }] },
      {
        'x-bf-vk': value,
      },
    )
  const chatStatus = async (value: string) => {
    const { status, body } = await chat(value)
    return status === 200 ? 200 : [status, body.type]
  }
  const quota = (headers: Record<string, string>) => ask('GET', `${keys}/quota`, undefined, headers)
  const quotaOf = async (value: string): Promise<Json> => {
    const { status, body } = await quota({ 'x-bf-vk': value })
    expect(status, JSON.stringify(body)).toBe(200)
    return body
  }
  const setClock = async (at: number) => {
    now = at
    await gateway.setClock(at)
  }
  const setCooldown = (vk_rotation_cooldown: unknown) =>
    ok('PUT', '/api/config', { client_config: { vk_rotation_cooldown } })

  test('47. A key needs nothing but a name: it has a value of ours, is active, and may use nothing.', async () => {
    const key = await make()
    expect(key.value).toMatch(/^sk-bf-.{36}$/)
    expect(key).toMatchObject({ is_active: true, provider_configs: [], mcp_configs: [], budgets: [] })
    expect(await keyOf(key.id)).toEqual(key)
    expect(await chatStatus(key.value)).toEqual([403, 'provider_blocked'])
    const { value } = await make({ value: 'sk-bf-of-my-own' })
    expect(value).toMatch(/^sk-bf-[0-9a-f-]{36}$/)
    await refusesNew({ name: '  ' }, 'Virtual key name is required')
    const answer = await ask('POST', keys, { name: key.name })
    expect([answer.status, answer.body.error.message]).toEqual([
      409,
      'A virtual key with this name already exists',
    ])
  })

  test('48. A key is in a team or of a customer, never both, and neither may be unknown.', async () => {
    const [team, customer] = [await makeTeam(), await makeCustomer()]
    await refusesNew(
      { team_id: team.id, customer_id: customer.id },
      'VirtualKey cannot be attached to both Team and Customer',
    )
    await refusesNew({ team_id: 'nobody' }, "team 'nobody' not found")
    await refusesNew({ customer_id: 'nobody' }, "customer 'nobody' not found")
    const inTeam = await make({ team_id: team.id })
    expect(inTeam.team).toMatchObject({ id: team.id, name: team.name, virtual_keys: [] })
    expect(inTeam).not.toHaveProperty('customer')
    const ofCustomer = await make({ customer_id: customer.id })
    expect(ofCustomer.customer.virtual_keys.map(({ id }: Json) => id)).toEqual([ofCustomer.id])
    expect(ofCustomer.customer.virtual_keys[0]).not.toHaveProperty('customer')
  })

  test('49. The older single `budget` is a budget like any other, and holds.', async () => {
    const budget = { max_limit: 0.000001, reset_duration: '1h' }
    const key = await make({ budget, provider_configs: [openai] })
    expect(key.budgets).toHaveLength(1)
    expect([key.budget_id, key.budget]).toEqual([key.budgets[0].id, key.budgets[0]])
    expect(await chatStatus(key.value)).toBe(200)
    expect(await chatStatus(key.value)).toEqual([402, 'budget_exceeded'])
    await refusesNew({ budget, budgets: [budget] }, "only one of 'budget' or 'budgets' may be set")
    const twice = { budgets: [budget, { max_limit: 2, reset_duration: '1h' }] }
    await refusesNew(twice, 'Duplicate reset_duration in budgets: 1h')
  })

  test('50. A budget of nothing, or less, is 400.', async () => {
    const budgetOf = (max_limit: number) => ({ budgets: [{ max_limit, reset_duration: '1d' }] })
    await refusesNew(budgetOf(0), 'budget max limit cannot be negative or zero: 0.00')
    await refusesNew(budgetOf(-1.5), 'Budget max_limit cannot be negative: -1.50')
    await refusesNew({ rate_limit: { token_max_limit: 10 } }, 'rate limit token reset duration is required')
    await refusesNew({ provider_configs: [{ ...openai, ...budgetOf(0) }] }, expect.stringContaining('0.00'))
    await refusesNew({ expires_at: 'tomorrow' }, 'expires_at must be an RFC3339 timestamp')
    await refusesNew({ expires_at: '2026-11-02T08:15:00Z' }, 'expires_at must be a future timestamp')
    // The rules are judged in one order, whatever the order of the members.
    await refusesNew({ expires_at: 'x', ...budgetOf(0) }, 'budget max limit cannot be negative or zero: 0.00')
  })

  test('51. A provider that nobody knows is 400, as is one that is not named, or named twice.', async () => {
    await refusesNew({ provider_configs: [{ provider: 'nope' }] }, 'invalid provider name: nope')
    await refusesNew({ provider_configs: [{ weight: 1 }] }, 'provider name is required')
    await refusesNew({ provider_configs: [openai, openai] }, 'duplicate provider in provider_configs: openai')
    await refusesNew(
      { provider_configs: [{ ...openai, weight: -0.1 }] },
      'weight for provider openai cannot be negative',
    )
    const { provider_configs } = await make({ provider_configs: [{ provider: 'mistral' }] })
    expect(provider_configs[0]).toMatchObject({
      provider: 'mistral',
      weight: null,
      allowed_models: [],
      blacklisted_models: [],
      allow_all_keys: false,
      keys: [],
      budgets: [],
    })
  })

  test('52. All models by `*`, or some by name, never both.', async () => {
    const why = "wildcard '*' cannot be used with other values in the whitelist"
    const both = ['*', 'gpt-4o']
    for (const member of ['allowed_models', 'blacklisted_models', 'key_ids']) {
      const provider_configs = [{ provider: 'openai', [member]: both }]
      await refusesNew({ provider_configs }, `invalid ${member} for provider openai: ${why}`)
    }
    const mcp_configs = [{ mcp_client_name: 'github', tools_to_execute: both }]
    await refusesNew({ mcp_configs }, `invalid tools_to_execute for mcp client github: ${why}`)
  })

  test('53. A model that is named twice is 400, whatever its case.', async () => {
    await refusesNew(
      { provider_configs: [{ provider: 'openai', allowed_models: ['gpt-4o', 'GPT-4O'] }] },
      "invalid allowed_models for provider openai: duplicate value 'GPT-4O' in whitelist",
    )
  })

  test("54. All of a provider's keys by `*`: then none is listed.", async () => {
    const { provider_configs } = await make({ provider_configs: [openai] })
    expect(provider_configs[0]).toMatchObject({ allow_all_keys: true, keys: [] })
    const named = await make({ provider_configs: [{ ...openai, key_ids: ['main'] }] })
    expect(named.provider_configs[0].allow_all_keys).toBe(false)
    expect(named.provider_configs[0].keys).toMatchObject([
      { key_id: 'main', name: 'main', value: { value: '', env_var: '', from_env: false } },
    ])
  })

  test("55. A key that is not the provider's is 400, which counts how many were found.", async () => {
    await refusesNew(
      { provider_configs: [{ ...openai, key_ids: ['main', 'other'] }] },
      'some keys not found for provider openai: expected 2, found 1',
    )
    await refusesNew(
      { provider_configs: [{ ...openai, provider: 'mistral', key_ids: ['main'] }] },
      'some keys not found for provider mistral: expected 1, found 0',
    )
  })

  test('56. An MCP client that is named twice, or that there is not, is 400.', async () => {
    const github = { mcp_client_name: 'github', tools_to_execute: ['search'] }
    await refusesNew({ mcp_configs: [github, github] }, 'duplicate mcp_client_name: github')
    await refusesNew({ mcp_configs: [{ mcp_client_name: 'x' }] }, 'failed to get MCP client: x')
    const { mcp_configs } = await make({ mcp_configs: [github, { mcp_client_name: 'jira' }] })
    expect(mcp_configs).toMatchObject([
      { mcp_client_name: 'github', tools_to_execute: ['search'], mcp_client: { name: 'github' } },
      { mcp_client_name: 'jira', tools_to_execute: [] },
    ])
    expect(JSON.stringify(mcp_configs)).not.toContain('tools.example')
  })

  test('57. To put a key into a team is to take it from its customer, and the other way round.', async () => {
    const [team, customer] = [await makeTeam(), await makeCustomer()]
    const { id } = await make({ customer_id: customer.id })
    const inTeam = await change(id, { team_id: team.id })
    expect(inTeam.team_id).toBe(team.id)
    expect(inTeam).not.toHaveProperty('customer_id')
    const ofCustomer = await change(id, { customer_id: customer.id })
    expect([ofCustomer.team_id, ofCustomer.customer_id]).toEqual([undefined, customer.id])
    const detached = await change(id, { customer_id: null })
    expect([detached.team_id, detached.customer_id]).toEqual([undefined, undefined])
    await refusesChange(
      id,
      { team_id: team.id, customer_id: customer.id },
      'VirtualKey cannot be attached to both Team and Customer',
    )
    expect((await ask('PUT', `${keys}/nobody`, {})).body.error.message).toBe('Virtual key not found')
  })

  test('58. A provider config that is left out goes, with its budget; what stays, stays as it was.', async () => {
    const limits = { budgets: [{ max_limit: 5, reset_duration: '1d' }] }
    const key = await make({
      description: 'of the tests',
      provider_configs: [
        { ...openai, ...limits },
        { provider: 'mistral', ...limits },
      ],
      mcp_configs: [{ mcp_client_name: 'github' }, { mcp_client_name: 'jira', tools_to_execute: ['*'] }],
    })
    expect(await chatStatus(key.value)).toBe(200)
    const [first, second] = (await keyOf(key.id)).provider_configs
    expect(first.budgets[0].current_usage).toBeGreaterThan(0)

    const left = await change(key.id, { provider_configs: [{ id: first.id, weight: 0.5 }] })
    expect(left.provider_configs).toEqual([{ ...first, weight: 0.5 }])
    expect(left.description).toBe('of the tests')
    const { budgets } = await ok('GET', '/api/governance/budgets')
    const ofConfigs = budgets.map(({ provider_config_id }: Json) => provider_config_id)
    expect(ofConfigs).toContain(first.id)
    expect(ofConfigs).not.toContain(second.id)
    expect(await chatStatus(key.value)).toBe(200)

    // By its provider it is the same config, and its limits go on; without `key_ids` its keys stay allowed.
    const same = await change(key.id, {
      provider_configs: [{ provider: 'openai', budget: { max_limit: 9 } }],
    })
    expect(same.provider_configs[0].id).toBe(first.id)
    expect(same.provider_configs[0].allow_all_keys).toBe(true)
    const [budget] = same.provider_configs[0].budgets
    expect([budget.id, budget.max_limit]).toEqual([first.budgets[0].id, 9])
    expect(budget.current_usage).toBeGreaterThan(first.budgets[0].current_usage)

    const [, jira] = key.mcp_configs
    const tools = await change(key.id, { mcp_configs: [{ mcp_client_name: 'jira' }] })
    expect(tools.mcp_configs).toEqual([jira])
    // Two configs may swap providers.
    const both = await change(key.id, { provider_configs: [{ id: first.id }, { provider: 'groq' }] })
    const [one, other] = both.provider_configs
    const swapped = await change(key.id, {
      provider_configs: [
        { id: one.id, provider: 'groq' },
        { id: other.id, provider: 'openai' },
      ],
    })
    expect(swapped.provider_configs.map(({ id, provider }: Json) => [id, provider])).toEqual([
      [one.id, 'groq'],
      [other.id, 'openai'],
    ])
    expect((await change(key.id, { provider_configs: [] })).provider_configs).toEqual([])
    expect(await chatStatus(key.value)).toEqual([403, 'provider_blocked'])
  })

  test("59. Another key's config is 400, and nothing changes.", async () => {
    const mcp_configs = [{ mcp_client_name: 'github' }]
    const mine = await make({ provider_configs: [openai], mcp_configs })
    const theirs = await make({ provider_configs: [openai], mcp_configs })
    const [{ id }] = theirs.provider_configs
    await refusesChange(
      mine.id,
      { name: unique('renamed'), provider_configs: [{ id, weight: 2 }] },
      `provider config ${id} does not belong to this virtual key`,
    )
    const [{ id: mcpId }] = theirs.mcp_configs
    await refusesChange(
      mine.id,
      { mcp_configs: [{ id: mcpId }] },
      `MCP config ${mcpId} does not belong to this virtual key`,
    )
    await refusesChange(mine.id, { name: theirs.name }, 'A virtual key with this name already exists', 409)
    await refusesChange(
      mine.id,
      { budgets: [{ id: 'b', max_limit: 1 }] },
      'budget b does not belong to this entity',
    )
    expect(await keyOf(theirs.id)).toEqual(theirs)
  })

  test('60. A key whose budgets are taken away is unlimited at once; a lower one refuses at once.', async () => {
    const budgets = [{ max_limit: 10, reset_duration: '1h' }]
    const key = await make({ budgets, provider_configs: [{ ...openai, budgets }] })
    expect(await chatStatus(key.value)).toBe(200)
    const lowered = await change(key.id, { budgets: [{ max_limit: 0.0001, reset_duration: '1h' }] })
    expect(lowered.budgets[0].id).toBe(key.budgets[0].id)
    expect(lowered.budgets[0].current_usage).toBeGreaterThan(0.0001)
    expect(await chatStatus(key.value)).toEqual([402, 'budget_exceeded'])
    expect((await change(key.id, { budgets: [] })).budgets).toEqual([])
    expect(await chatStatus(key.value)).toBe(200)
    const reset = await change(key.id, { reset_budget_usage: true })
    expect(reset.provider_configs[0].budgets[0]).toMatchObject({
      current_usage: 0,
      last_reset: key.provider_configs[0].budgets[0].last_reset,
    })
  })

  test('61. A deleted key is unknown to the next call, and what was for it alone is gone.', async () => {
    const budgets = [{ max_limit: 10, reset_duration: '1h' }]
    const key = await make({ budgets, provider_configs: [{ ...openai, budgets }] })
    expect(await chatStatus(key.value)).toBe(200)
    expect(await ok('DELETE', `${keys}/${key.id}`)).toEqual({ message: 'Virtual key deleted successfully' })
    expect(await chatStatus(key.value)).toEqual([401, 'virtual_key_not_found'])
    expect((await ask('DELETE', `${keys}/${key.id}`)).body.error.message).toBe('Virtual key not found')
    expect((await ask('GET', `${keys}/${key.id}`)).status).toBe(404)
    const left = (await ok('GET', '/api/governance/budgets')).budgets.map(({ id }: Json) => id)
    expect(left).not.toContain(key.budgets[0].id)
    expect(left).not.toContain(key.provider_configs[0].budgets[0].id)
  })

  test('62. Keys of a team and of a customer are listed together where both are asked for.', async () => {
    const customer = await makeCustomer()
    const team = await makeTeam({ customer_id: customer.id })
    const inTeam = await make({ team_id: team.id })
    const direct = await make({ customer_id: customer.id })
    const idsOf = async (query: string) =>
      (await ok('GET', `${keys}?${query}`)).virtual_keys.map(({ id }: Json) => id).sort()
    expect(await idsOf(`team_id=${team.id}`)).toEqual([inTeam.id])
    expect(await idsOf(`customer_id=${customer.id}`)).toEqual([direct.id])
    expect(await idsOf(`team_id=${team.id}&customer_id=${customer.id}`)).toEqual(
      [inTeam.id, direct.id].sort(),
    )
    expect(await ok('GET', `${keys}?team_id=nobody`)).toEqual({
      virtual_keys: [],
      count: 0,
      total_count: 0,
      limit: 25,
      offset: 0,
    })
  })

  test('63. Lists are sorted by name, age, status or spending, either way.', async () => {
    const { id } = await makeCustomer()
    const over = { customer_id: id, provider_configs: [openai] }
    const budgets = [{ max_limit: 10, reset_duration: '1d' }]
    const namedKeys = [
      await make({ ...over, name: `b ${id}`, budgets }),
      await make({ ...over, name: `C ${id}`, is_active: false }),
      await make({ ...over, name: `a ${id}`, budgets }),
    ]
    expect(await chatStatus(namedKeys[0].value)).toBe(200)
    const sorted = async (query: string) => {
      const { virtual_keys } = await ok('GET', `${keys}?customer_id=${id}&${query}`)
      return virtual_keys.map(({ name }: Json) => name[0])
    }
    expect(await sorted('sort_by=name&order=desc')).toEqual(['C', 'b', 'a'])
    expect(await sorted('sort_by=name')).toEqual(['a', 'b', 'C'])
    expect((await sorted('sort_by=budget_spent&order=desc'))[0]).toBe('b')
    expect((await sorted('sort_by=budget_spent'))[2]).toBe('b')
    expect((await sorted('sort_by=status'))[2]).toBe('C')
    expect((await sorted('sort_by=status&order=desc'))[0]).toBe('C')
    expect(await sorted('sort_by=name&limit=1&offset=1')).toEqual(['b'])
    expect(await sorted(`search=C%20${id.slice(0, 8).toUpperCase()}`)).toEqual(['C'])
    const wrong = await ask('GET', `${keys}?sort_by=colour`)
    expect([wrong.status, wrong.body.error.message]).toEqual([400, 'Invalid sort_by parameter'])
  })

  test('64. An export has more than a page: as many keys as there are, up to ten thousand.', async () => {
    const { id } = await makeCustomer()
    const found = await total()
    for (let at = found; at < 110; at++) await make()
    const exported = await ok('GET', `${keys}?export=true&expand=none`)
    expect(exported.count).toBe(exported.total_count)
    expect(exported.count).toBeGreaterThan(100)
    expect(exported.limit).toBe(10_000)
    expect((await ok('GET', `${keys}?limit=500&expand=none`)).limit).toBe(100)
    expect((await ok('GET', `${keys}?customer_id=${id}&export=true`)).virtual_keys).toEqual([])
  })

  test('65. A rotated key has another value: the new one works, the old one does not, all else stays.', async () => {
    const budgets = [{ max_limit: 10, reset_duration: '1d' }]
    const key = await make({ budgets, provider_configs: [openai] })
    expect(await chatStatus(key.value)).toBe(200)
    const before = await keyOf(key.id)
    const { message, virtual_key: rotated } = await ok('POST', `${keys}/${key.id}/rotate`)
    expect(message).toBe('Virtual key rotated successfully')
    expect(rotated.value).toMatch(/^sk-bf-.{36}$/)
    expect(rotated).toEqual({ ...before, value: rotated.value, updated_at: rotated.updated_at })
    expect(rotated.value).not.toBe(key.value)
    expect(await chatStatus(key.value)).toEqual([401, 'virtual_key_not_found'])
    expect(await chatStatus(rotated.value)).toBe(200)
    expect((await ask('POST', `${keys}/nobody/rotate`)).body.error.message).toBe('Virtual key not found')
  })

  test('in its grace the old value goes on and counts on the same limits, until the next rotation at most.', async () => {
    await setCooldown('1h')
    try {
      const budgets = [{ max_limit: 10, reset_duration: '1d' }]
      const key = await make({ budgets, provider_configs: [openai] })
      const rotate = async (): Promise<Json> => (await ok('POST', `${keys}/${key.id}/rotate`)).virtual_key
      const second = await rotate()
      expect(Date.parse(second.previous_value_expires_at)).toBe(now + hourMs)
      expect(await chatStatus(key.value)).toBe(200)
      expect((await quotaOf(key.value)).budgets[0].current_usage).toBeGreaterThan(0)
      const third = await rotate()
      expect(await chatStatus(key.value)).toEqual([401, 'virtual_key_not_found'])
      expect(await chatStatus(second.value)).toBe(200)
      await setClock(now + hourMs)
      expect(await chatStatus(second.value)).toEqual([401, 'virtual_key_not_found'])
      expect(await chatStatus(third.value)).toBe(200)
      expect(await keyOf(key.id)).not.toHaveProperty('previous_value_expires_at')
      await setCooldown(hourMs * 1_000_000)
      expect(await rotate()).toHaveProperty('previous_value_expires_at')
    } finally {
      await setCooldown(0)
    }
  })

  test('66. Many keys are rotated together, each once; those that are unknown are told.', async () => {
    const rotate = (ids: unknown) => ask('POST', `${keys}/rotate`, { ids })
    const message = async (ids: unknown) => {
      const { status, body } = await rotate(ids)
      return [status, body.error.message]
    }
    expect(await message([])).toEqual([400, 'At least one virtual key ID is required'])
    expect(await message([' '])).toEqual([400, 'Virtual key ID cannot be empty'])
    expect(await message(['nobody'])).toEqual([404, 'Virtual key not found'])
    const [one, two] = [await make(), await make()]
    const { body } = await rotate([one.id, two.id, one.id, 'nobody'])
    expect(body.message).toBe('Virtual keys rotated successfully')
    expect(body.virtual_keys.map(({ id }: Json) => id)).toEqual([one.id, two.id])
    expect(body.errors).toEqual({ nobody: 'virtual key not found' })
    expect((await keyOf(one.id)).value).toBe(body.virtual_keys[0].value)
    expect((await rotate([two.id])).body).not.toHaveProperty('errors')
  })

  test('32. A virtual key asks for its quota without any other credential.', async () => {
    const { value, name } = await make()
    for (const headers of [
      { 'x-bf-vk': value },
      { authorization: `bearer ${value}` },
      { 'x-api-key': value },
      { 'x-goog-api-key': value },
      { 'api-key': value },
    ]) {
      const { status, body } = await quota(headers)
      expect([status, body.virtual_key_name]).toEqual([200, name])
    }
  })

  test('67. Without a virtual key the quota is 401: an administrator has none.', async () => {
    const missing = expect.stringMatching(/^Missing virtual key\. Provide it via x-bf-vk header/)
    for (const headers of [{}, { authorization: `Bearer ${gateway.adminKey}` }]) {
      const { status, body } = await quota(headers)
      expect([status, body.error.message]).toEqual([401, missing])
    }
    const unknown = await quota({ 'x-bf-vk': 'sk-bf-nobody' })
    expect([unknown.status, unknown.body.error.message]).toEqual([401, 'Virtual key not found'])
    const { id, value } = await make({ expires_at: new Date(now + hourMs).toISOString() })
    expect((await quota({ 'x-bf-vk': value })).status).toBe(200)
    await setClock(now + hourMs)
    const late = await quota({ 'x-bf-vk': value })
    expect([late.status, late.body.error.message]).toEqual([403, 'Virtual key has expired'])
    expect(await change(id, { expires_at: '' })).not.toHaveProperty('expires_at')
    expect((await quota({ 'x-bf-vk': value })).status).toBe(200)
  })

  test('a quota is read, and nothing else: whoever asks otherwise is told so', async () => {
    const { value } = await make()
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      for (const headers of [{}, { 'x-bf-vk': value }, { authorization: `Bearer ${gateway.adminKey}` }]) {
        const response = await fetch(`${gateway.url}${keys}/quota`, { method, headers })
        expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'GET'])
        expect(await response.json()).toMatchObject({ is_bifrost_error: false, status_code: 405 })
      }
  })

  test('68. A key that is not active reads its quota nevertheless.', async () => {
    const { value } = await make({ is_active: false })
    expect(await quotaOf(value)).toMatchObject({ is_active: false })
    expect(await chatStatus(value)).toEqual([403, 'virtual_key_blocked'])
  })

  test('69. A quota has all of its members, empty where there is nothing to say.', async () => {
    const { value, name } = await make()
    expect(await quotaOf(value)).toEqual({
      virtual_key_name: name,
      is_active: true,
      budgets: [],
      rate_limit: null,
      provider_configs: [],
      model_configs: [],
      team_budgets: [],
      customer_budgets: [],
    })
  })

  test('a quota counts up to the last call, tells what is left and until when, and which models took it.', async () => {
    await setClock(Math.ceil(now / (24 * hourMs)) * 24 * hourMs + hourMs)
    const budget = { max_limit: 10, reset_duration: '1d', calendar_aligned: true }
    const customer = await makeCustomer({ budget })
    const team = await makeTeam({ customer_id: customer.id, budget })
    const key = await make({
      team_id: team.id,
      budgets: [budget],
      rate_limit: {
        request_max_limit: 3,
        request_reset_duration: '1h',
        token_max_limit: 1000,
        token_reset_duration: '1h',
      },
      provider_configs: [{ ...openai, budgets: [budget] }],
    })
    expect(await chatStatus(key.value)).toBe(200)
    const found = await quotaOf(key.value)
    const [own] = found.budgets
    expect(own.current_usage).toBeGreaterThan(0)
    expect(own.remaining).toBeCloseTo(10 - own.current_usage, 9)
    expect(Date.parse(own.resets_at) - Date.parse(own.last_reset)).toBe(24 * hourMs)
    for (const [shared] of [found.team_budgets, found.customer_budgets, found.provider_configs[0].budgets]) {
      expect([shared.current_usage, shared.remaining]).toEqual([own.current_usage, own.remaining])
    }
    expect(found.provider_configs[0].keys).toBeNull()
    const { usage } = (await chat(key.value)).body
    const tokens = usage.prompt_tokens + usage.completion_tokens
    expect((await quotaOf(key.value)).rate_limit).toMatchObject({
      request_current_usage: 2,
      request_remaining: 1,
      token_current_usage: 2 * tokens,
      token_remaining: 1000 - 2 * tokens,
    })
    await expect
      .poll(async () => (await quotaOf(key.value)).budgets[0].per_model_usage, { timeout: 20_000 })
      .toMatchObject([{ provider: 'openai', total_requests: 2, total_tokens: 2 * tokens }])
    const after = (await quotaOf(key.value)).budgets[0]
    expect(after.per_model_usage[0].total_cost).toBeCloseTo(after.current_usage, 9)
  })

  test('70. The flat list has the budgets of all owners, each with the one that owns it.', async () => {
    const budgets = [{ max_limit: 5, reset_duration: '1w' }]
    const team = await makeTeam({ budgets })
    const key = await make({ team_id: team.id, budgets, provider_configs: [{ ...openai, budgets }] })
    const listed = (await ok('GET', '/api/governance/budgets')).budgets
    const owners = ['virtual_key_id', 'team_id', 'provider_config_id', 'customer_id', 'model_config_id']
    const ownersOf = (id: string) => {
      const budget = listed.find((it: Json) => it.id === id)
      return owners.filter((owner) => owner in budget).map((owner) => [owner, budget[owner]])
    }
    const [config] = key.provider_configs
    expect(ownersOf(key.budget_id)).toEqual([['virtual_key_id', key.id]])
    expect(ownersOf(team.budget_id)).toEqual([['team_id', team.id]])
    expect(ownersOf(config.budgets[0].id)).toEqual([['provider_config_id', config.id]])
  })

  test('71. A budget that is reset has used nothing, and lets calls in again.', async () => {
    const budget = { max_limit: 0.000001, reset_duration: '1h' }
    const key = await make({ budget, provider_configs: [openai] })
    expect(await chatStatus(key.value)).toBe(200)
    expect(await chatStatus(key.value)).toEqual([402, 'budget_exceeded'])
    const { budget: reset } = await ok('POST', `/api/governance/budgets/${key.budget_id}/reset`)
    expect(reset.current_usage).toBe(0)
    expect(await chatStatus(key.value)).toBe(200)
  })

  test('a key reads itself and no other, writes nothing, and a list may hide values.', async () => {
    const [mine, theirs] = [await make(), await make()]
    const asMine = { 'x-bf-vk': mine.value }
    const { body } = await ask('GET', keys, undefined, asMine)
    expect([body.count, body.total_count, body.virtual_keys[0].id]).toEqual([1, 1, mine.id])
    expect((await ask('GET', `${keys}/${mine.id}`, undefined, asMine)).body.virtual_key).toEqual(mine)
    expect((await ask('GET', `${keys}/${theirs.id}`, undefined, asMine)).status).toBe(404)
    for (const [method, path] of [
      ['PUT', `${keys}/${mine.id}`],
      ['POST', keys],
      ['DELETE', `${keys}/${mine.id}`],
      ['POST', `${keys}/${mine.id}/rotate`],
    ] as const) {
      expect((await ask(method, path, {}, asMine)).status).toBe(403)
    }
    const customer = await makeCustomer()
    await change(mine.id, { customer_id: customer.id })
    const neighbour = await make({ customer_id: customer.id })
    const seen = (await ask('GET', `${keys}/${mine.id}`, undefined, asMine)).body.virtual_key
    expect(JSON.stringify(seen)).not.toContain(neighbour.value)

    await ok('PUT', '/api/config', { client_config: { redact_virtual_key_values: true } })
    const listed = (await ok('GET', `${keys}?customer_id=${customer.id}`)).virtual_keys
    const hidden = [mine, neighbour].map(({ value }) => `${value.slice(0, 10)}…`)
    expect(listed.map(({ value }: Json) => value).sort()).toEqual(hidden.sort())
    expect((await keyOf(mine.id)).value).toBe(mine.value)
    await ok('PUT', '/api/config', { client_config: { redact_virtual_key_values: false } })
  })
})
