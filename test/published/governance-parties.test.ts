import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rateCounter } from '../../src/tenancy/governance/limits/limit-rows.ts'
import { mostDatabases } from '../setup/databases.ts'
import { type GovernanceWorld, openGovernance } from './governance-world.ts'
import type { Answer } from './management-world.ts'

const dayMs = 86_400_000

describe.each(mostDatabases())('customers and teams on $name', ({ open }) => {
  let world: GovernanceWorld
  let call: GovernanceWorld['call']
  let made = 0

  beforeAll(async () => {
    world = await openGovernance(await open())
    call = world.call
    await world.addProvider('openai')
    await world.addMcpClient('github')
  })
  afterAll(async () => {
    expect(world.bugs).toEqual([])
    await world.close()
  })

  const unique = (name: string) => `${name} ${++made}`
  const later = (ms = 1000) => world.setClock(world.now() + ms)
  const message = (answer: Answer) => [answer.status, answer.body.error?.message]
  const makeCustomer = async (over: object = {}) => {
    const answer = await call('POST', '/customers', { name: unique('Acme'), ...over })
    expect(answer.status, answer.text).toBe(200)
    return answer.body.customer
  }
  const makeTeam = async (over: object = {}) => {
    const answer = await call('POST', '/teams', { name: unique('ML'), ...over })
    expect(answer.status, answer.text).toBe(200)
    return answer.body.team
  }
  const teamOf = async (id: string) => (await call('GET', `/teams/${id}`)).body.team
  const refusesTeam = async (over: object, why: string) => {
    const name = unique('refused')
    expect(message(await call('POST', '/teams', { name, ...over }))).toEqual([400, why])
    expect((await call('GET', `/teams?search=${encodeURIComponent(name)}`)).body.teams).toEqual([])
  }
  /** A customer, its team with a budget, and in that a key with one of everything. */
  const makeTree = async () => {
    const customer = await makeCustomer({ budgets: [{ max_limit: 2000, reset_duration: '1M' }] })
    const team = await makeTeam({
      customer_id: customer.id,
      budget: { max_limit: 500, reset_duration: '1M', calendar_aligned: true },
    })
    const key = await world.addKey({
      name: unique('app'),
      description: 'demo',
      teamId: team.id,
      mcpClient: 'github',
      provider: {
        name: 'openai',
        limits: {
          budgets: [{ maxLimit: '5', resetDuration: '1d' }],
          rateLimit: {
            tokens: { max: 1000, resetDuration: '1h' },
            requests: { max: null, resetDuration: null },
          },
        },
      },
    })
    const [listed] = (await call('GET', `/teams?customer_id=${customer.id}`)).body.teams
    return { customer, team, key, listed }
  }

  test('1 Where there are no teams, the list is empty and counts none', async () => {
    const answer = await call('GET', '/teams')
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('{"teams":[],"count":0,"total_count":0,"limit":0,"offset":0}')
  })

  test('2 Teams are listed oldest first, each with all that is its own', async () => {
    const { id } = await makeCustomer()
    const first = await makeTeam({ customer_id: id })
    later()
    const second = await makeTeam({ customer_id: id })
    const { body } = await call('GET', `/teams?customer_id=${id}`)
    expect(body.count).toBe(2)
    expect(body.teams.map((team: { id: string }) => team.id)).toEqual([first.id, second.id])
    for (const team of body.teams) {
      const own = ['id', 'name', 'virtual_keys', 'profile', 'config', 'claims', 'created_at', 'updated_at']
      expect(Object.keys(team)).toEqual(expect.arrayContaining(own))
    }
  })

  test('3 A team shows its customer, its budget and the values of its virtual keys', async () => {
    const { customer, key, listed } = await makeTree()
    expect(listed.customer.name).toBe(customer.name)
    expect(listed.budget.max_limit).toBe(500)
    expect(listed.virtual_keys[0].value).toBe(key.value)
  })

  test('4 Below a customer, its teams name it no more: an empty object stands for it', async () => {
    const { listed } = await makeTree()
    expect(listed.customer.teams[0].customer).toEqual({})
  })

  test('5 Below a customer, its teams show their budgets and virtual keys', async () => {
    const { customer, team, key, listed } = await makeTree()
    const direct = await world.addKey({ name: unique('direct'), customerId: customer.id })
    const [nested] = listed.customer.teams
    expect(nested.budget).toEqual(listed.budget)
    expect(nested.virtual_keys).toEqual(listed.virtual_keys)
    expect([nested.virtual_keys[0].id, nested.virtual_keys[0].team_id]).toEqual([key.id, team.id])
    const { body } = await call('GET', `/customers/${customer.id}`)
    expect(body.customer.virtual_keys.map(({ id }: { id: string }) => id)).toEqual([direct.id])
    expect(body.customer.teams[0].virtual_keys[0]).not.toHaveProperty('customer')
    expect(body.customer.budget.customer_id).toBe(customer.id)
  })

  test('6 A provider config shows its budgets, its rate limit and its keys', async () => {
    const { listed, key } = await makeTree()
    const [config] = listed.virtual_keys[0].provider_configs
    expect(config.id).toBe(key.configId)
    expect(config.budgets[0].calendar_aligned).toBe(false)
    expect(config.budgets[0].provider_config_id).toBe(key.configId)
    expect(config.rate_limit.token_max_limit).toBe(1000)
    expect(config.rate_limit.request_max_limit).toBe(null)
    expect(config.keys[0].key_id).toEqual(expect.any(String))
  })

  test("7 A provider's secret is nowhere in a list, nor any member of a cloud", async () => {
    const { listed } = await makeTree()
    const [providerKey] = listed.virtual_keys[0].provider_configs[0].keys
    expect(providerKey.value).toEqual({ value: '', env_var: '', from_env: false })
    expect(Object.keys(providerKey).filter((name) => /^(azure|vertex|bedrock)_/.test(name))).toEqual([])
    expect((await call('GET', '/teams')).text).not.toContain('secret-of-openai')
  })

  test('8 A list of one customer has only its teams', async () => {
    const [one, other] = [await makeTree(), await makeTree()]
    const { body } = await call('GET', `/teams?customer_id=${one.customer.id}`)
    expect(body.teams.map(({ id }: { id: string }) => id)).toEqual([one.team.id])
    expect(one.team.id).not.toBe(other.team.id)
    const all = await call('GET', '/teams?customer_id=')
    expect(all.body.count).toBeGreaterThan(1)
  })

  test('9 A list of a customer that there is not is empty', async () => {
    for (const id of ['unknown', '%00']) {
      const { status, body } = await call('GET', `/teams?customer_id=${id}`)
      expect([status, body.teams, body.total_count]).toEqual([200, [], 0])
    }
  })

  test('10 From memory and otherwise, a budget shows what was spent a moment ago', async () => {
    const { customer, team } = await makeTree()
    await world.spend(team.budget_id, '0.5')
    for (const query of ['&from_memory=true&limit=0&search=nothing', '']) {
      const { body } = await call('GET', `/teams?customer_id=${customer.id}${query}`)
      expect(body.teams).toBeInstanceOf(Array)
      expect(body.teams[0].budget.current_usage).toBe(0.5)
    }
  })

  test('11 Only the word true makes a list come from memory', async () => {
    const answer = await call('GET', '/teams?from_memory=1&limit=1')
    expect([answer.status, answer.body.count, answer.body.limit]).toEqual([200, 1, 1])
  })

  test('12 A team without a customer has neither of its members', async () => {
    const team = await makeTeam()
    expect(team).not.toHaveProperty('customer')
    expect(team).not.toHaveProperty('customer_id')
  })

  test('13 What was never said of a team is an empty object', async () => {
    const { id, profile, config, claims } = await makeTeam()
    expect([profile, config, claims]).toEqual([{}, {}, {}])
    const given = { profile: { max_limit: 5, nested: [{ a: 1.5 }] }, claims: null }
    const { body } = await call('PUT', `/teams/${id}`, given)
    expect([body.team.profile, body.team.config, body.team.claims]).toEqual([given.profile, {}, {}])
    for (const field of ['profile', 'config', 'claims']) {
      for (const value of [[], 'text', 5, true, { text: 'x'.repeat(65_536) }]) {
        const refused = await call('PUT', `/teams/${id}`, { [field]: value })
        expect(message(refused)).toEqual([400, `${field} must be a JSON object`])
      }
    }
    expect((await teamOf(id)).profile).toEqual(given.profile)
  })

  test('14 Budgets are listed by the length of their windows, and the first is the budget', async () => {
    const team = await makeTeam({
      budgets: [
        { max_limit: 100, reset_duration: '1M' },
        { max_limit: 10, reset_duration: '1d' },
      ],
    })
    expect(team.budgets.map((it: { reset_duration: string }) => it.reset_duration)).toEqual(['1d', '1M'])
    expect([team.budget.id, team.budget_id]).toEqual([team.budgets[0].id, team.budgets[0].id])
  })

  test('15 A body that is no JSON object is 400 Invalid JSON, in the body that every failure has', async () => {
    for (const body of [
      '{',
      '',
      '[]',
      'null',
      '"text"',
      '{"name":"a"} x',
      new Uint8Array([0x7b, 0xff, 0x7d]),
    ]) {
      const { status, text } = await call('POST', '/teams', body)
      expect([status, text]).toEqual([
        400,
        '{"is_bifrost_error":false,"status_code":400,"error":{"message":"Invalid JSON"},"extra_fields":{}}',
      ])
    }
    const plain = { headers: { 'content-type': 'text/plain' } }
    expect((await call('POST', '/teams', { name: unique('plain'), email: 'a@b' }, plain)).status).toBe(200)
  })

  test('16 A team that there is not is 404, without a type', async () => {
    for (const [method, body] of [['GET'], ['PUT', {}], ['DELETE']] as const) {
      const answer = await call(method, '/teams/none', body)
      expect(message(answer)).toEqual([404, 'Team not found'])
      expect(answer.body).not.toHaveProperty('type')
      expect(message(await call(method, '/customers/none', body))).toEqual([404, 'Customer not found'])
      expect(message(await call(method, '/teams/%ff', body))).toEqual([400, 'Invalid team ID encoding'])
      expect(message(await call(method, '/customers/%zz', body))).toEqual([
        400,
        'Invalid customer ID encoding',
      ])
    }
  })

  test('17 A limit of nothing is 25', async () => {
    const mark = unique('page')
    for (let index = 0; index < 30; index += 1) await makeTeam({ name: `${mark} ${index}` })
    const list = (query: string) => call('GET', `/teams?search=${encodeURIComponent(mark)}${query}`)
    for (const query of ['&limit=0', '', '&limit=', '&offset=0']) {
      const { body } = await list(query)
      expect([body.limit, body.count, body.teams.length, body.total_count]).toEqual([25, 25, 25, 30])
    }
    const [first, rest] = [await list('&limit=25'), await list('&limit=25&offset=25')]
    expect([rest.body.count, rest.body.total_count, rest.body.offset]).toEqual([5, 30, 25])
    const ids = [...first.body.teams, ...rest.body.teams].map(({ id }: { id: string }) => id)
    expect(new Set(ids).size).toBe(30)
  })

  test('18 A limit above 100 is 100', async () => {
    for (const path of ['/teams', '/customers', '/budgets', '/rate-limits']) {
      expect((await call('GET', `${path}?limit=500`)).body.limit).toBe(100)
    }
  })

  test('19 A limit or offset that is no number is 400', async () => {
    for (const path of ['/teams', '/customers', '/budgets', '/rate-limits']) {
      for (const [name, value] of [
        ['limit', 'abc'],
        ['limit', '1.5'],
        ['offset', '1e2'],
        ['offset', '9'.repeat(20)],
      ]) {
        const answer = await call('GET', `${path}?${name}=${value}`)
        expect(message(answer)).toEqual([400, `Invalid ${name} parameter: must be a number`])
      }
    }
  })

  test('20 A limit or offset below nothing is 400', async () => {
    for (const path of ['/teams', '/customers', '/budgets', '/rate-limits']) {
      for (const name of ['limit', 'offset']) {
        const answer = await call('GET', `${path}?${name}=-1`)
        expect(message(answer)).toEqual([400, `Invalid ${name} parameter: must be non-negative`])
      }
    }
  })

  test('21 A search finds part of a name whatever its case, and takes every character as it is', async () => {
    const mark = unique('search')
    for (const name of ['Alpha', 'beta', '100%_\\', 'Äpfel']) {
      await makeTeam({ name: `${mark} ${name}` })
      await makeCustomer({ name: `${mark} ${name}` })
    }
    const found = async (text: string) => {
      const search = encodeURIComponent(`${mark.toUpperCase()} ${text}`)
      const [teams, customers] = [
        (await call('GET', `/teams?search=${search}`)).body.teams,
        (await call('GET', `/customers?search=${search}`)).body.customers,
      ]
      expect(customers.map(({ name }: { name: string }) => name)).toEqual(
        teams.map(({ name }: { name: string }) => name),
      )
      return teams.map(({ name }: { name: string }) => name.slice(mark.length + 1))
    }
    expect(await found('ALP')).toEqual(['Alpha'])
    expect(await found('100%')).toEqual(['100%_\\'])
    expect(await found('100%_\\')).toEqual(['100%_\\'])
    expect(await found('%')).toEqual([])
    expect(await found('_')).toEqual([])
    expect(await found('ÄPF')).toEqual(['Äpfel'])
    expect(await found('äpf')).toEqual([])
    expect((await call('GET', '/teams?search=%00')).body.teams).toEqual([])
    expect((await call('GET', `/teams?search=${'_'.repeat(10_000)}`)).body.teams).toEqual([])
  })

  test('22 A method that a path does not know is 405, in the body that every failure has', async () => {
    const answer = await call('PATCH', '/teams/x')
    expect([answer.status, answer.body.is_bifrost_error, answer.body.status_code]).toEqual([405, false, 405])
  })

  test('33 A team needs a name', async () => {
    for (const name of [undefined, null, '', '  \t']) {
      expect(message(await call('POST', '/teams', { name }))).toEqual([400, 'Team name is required'])
      expect(message(await call('POST', '/customers', { name }))).toEqual([400, 'Customer name is required'])
    }
    const { id, name } = await makeTeam()
    expect(message(await call('PUT', `/teams/${id}`, { name: ' ' }))).toEqual([400, 'Team name is required'])
    expect((await teamOf(id)).name).toBe(name)
    await makeTeam({ name: '🙂'.repeat(255) })
    for (const bad of ['n'.repeat(256), 'a\0b', 'half \ud800 pair']) {
      expect((await call('POST', '/teams', { name: bad })).status).toBe(400)
    }
  })

  test('34 A name that another team has is 409', async () => {
    const { name } = await makeTeam()
    const answer = await call('POST', '/teams', { name })
    expect(message(answer)).toEqual([409, 'A team with this name already exists'])
    const customer = await makeCustomer()
    expect(message(await call('POST', '/customers', { name: customer.name }))).toEqual([
      409,
      'A customer with this name already exists',
    ])
  })

  test('35 A budget in both forms is 400', async () => {
    const budget = { max_limit: 1, reset_duration: '1d' }
    await refusesTeam({ budget, budgets: [budget] }, "only one of 'budget' or 'budgets' may be set")
    await makeTeam({ budget, budgets: null })
  })

  test('36 Two budgets over the same window are 400', async () => {
    const pair = (one: string, other: string) => ({
      budgets: [
        { max_limit: 1, reset_duration: one },
        { max_limit: 2, reset_duration: other },
      ],
    })
    await refusesTeam(pair('1d', '1d'), 'duplicate reset_duration in budgets: 1d')
    await refusesTeam(pair('1d', 'daily'), 'duplicate reset_duration in budgets: daily')
    await makeTeam(pair('1d', '24h'))
  })

  test('37 A rate limit needs a duration for each ceiling and a ceiling for each duration', async () => {
    const cases: [object, string][] = [
      [{ token_max_limit: 10 }, 'rate limit token reset duration is required'],
      [{ request_max_limit: 10 }, 'rate limit request reset duration is required'],
      [{ token_reset_duration: '1h' }, 'rate limit token max limit is required'],
      [
        { token_max_limit: 0, token_reset_duration: '1h' },
        'rate limit token max limit cannot be negative or zero: 0',
      ],
      [
        { request_max_limit: -5, request_reset_duration: '1h' },
        'rate limit request max limit cannot be negative or zero: -5',
      ],
      [
        { token_max_limit: 1, token_reset_duration: '1x' },
        'invalid rate limit token reset duration (must be a positive duration): 1x',
      ],
      [
        { request_max_limit: 1, request_reset_duration: 'never' },
        'invalid rate limit request reset duration (must be a positive duration): never',
      ],
      [
        { request_max_limit: 2 ** 53, request_reset_duration: '1h' },
        'rate limit request max limit must be an integer up to 2^53 - 1: 9007199254740992',
      ],
    ]
    for (const [rate_limit, why] of cases) await refusesTeam({ rate_limit }, `Invalid rate limit: ${why}`)
    const { rate_limit } = await makeTeam({
      rate_limit: { token_max_limit: 2 ** 53 - 1, token_reset_duration: '1h' },
    })
    expect(rate_limit.token_max_limit).toBe(2 ** 53 - 1)
    expect(await makeTeam({ rate_limit: {} })).not.toHaveProperty('rate_limit')
  })

  test('38 A team of a customer that there is not is refused, and nothing is stored', async () => {
    await refusesTeam({ customer_id: 'c-none' }, "customer 'c-none' not found")
    const before = (await call('GET', '/budgets')).body.count
    const withBudget = { customer_id: 'x\0', budgets: [{ max_limit: 1, reset_duration: '1d' }] }
    await refusesTeam(withBudget, "customer 'x\0' not found")
    expect((await call('GET', '/budgets')).body.count).toBe(before)
  })

  test("39 Another team's name cannot be taken", async () => {
    const [one, other] = [await makeTeam(), await makeTeam()]
    const answer = await call('PUT', `/teams/${one.id}`, { name: other.name })
    expect(message(answer)).toEqual([409, 'A team with this name already exists'])
    expect((await call('PUT', `/teams/${one.id}`, { name: one.name })).status).toBe(200)
    const [first, second] = [await makeCustomer(), await makeCustomer()]
    expect((await call('PUT', `/customers/${first.id}`, { name: second.name })).status).toBe(409)
  })

  test('40 An empty rate limit takes it away', async () => {
    const rate_limit = { request_max_limit: 5, request_reset_duration: '1m' }
    const { id, rate_limit_id } = await makeTeam({ rate_limit })
    const listed = async () => (await call('GET', '/rate-limits')).body
    const before = await listed()
    expect(before.rate_limits.map((it: { id: string }) => it.id)).toContain(rate_limit_id)
    const { body } = await call('PUT', `/teams/${id}`, { rate_limit: {} })
    expect(body.team).not.toHaveProperty('rate_limit_id')
    expect(body.team).not.toHaveProperty('rate_limit')
    expect((await listed()).count).toBe(before.count - 1)
  })

  test('41 A change of the name leaves budgets and what they have counted', async () => {
    const { id, budget, rate_limit } = await makeTeam({
      budgets: [{ max_limit: 5, reset_duration: '1d' }],
      rate_limit: { token_max_limit: 7, token_reset_duration: '1h' },
    })
    await world.spend(budget.id, '1.25')
    later()
    const { body } = await call('PUT', `/teams/${id}`, { name: unique('renamed'), rate_limit: null })
    expect(body.team.budgets).toEqual([{ ...budget, current_usage: 1.25 }])
    expect(body.team.rate_limit).toEqual(rate_limit)
    expect(body.team.updated_at > body.team.created_at).toBe(true)
  })

  test('42 A deleted team leaves its virtual keys, which go on, and takes its limits along', async () => {
    const { team, key, customer } = await makeTree()
    const { body } = await call('DELETE', `/teams/${team.id}`)
    expect(body).toEqual({ message: 'Team deleted successfully' })
    const fact = world.tenancy
      .snapshot()
      .governance.findVirtualKey(world.tenancy.digestOf(key.value), world.now())
    expect([fact?.id, fact?.teamId]).toEqual([key.id, null])
    const { budgets } = (await call('GET', '/budgets')).body
    expect(budgets.map(({ id }: { id: string }) => id)).not.toContain(team.budget_id)
    expect((await call('GET', `/customers/${customer.id}`)).body.customer.teams).toEqual([])
    expect((await call('DELETE', `/teams/${team.id}`)).status).toBe(404)
  })

  test('43 A new customer answers with empty lists, whatever else was sent', async () => {
    const name = unique('Acme')
    const { status, body } = await call('POST', '/customers', { name, email: 'ops@acme.example' })
    expect([status, body.message]).toEqual([200, 'Customer created successfully'])
    expect([body.customer.name, body.customer.teams, body.customer.virtual_keys]).toEqual([name, [], []])
  })

  test('44 The older form of a budget is refused where there are two', async () => {
    const budgets = [
      { max_limit: 1, reset_duration: '1d' },
      { max_limit: 2, reset_duration: '1w' },
    ]
    const { id } = await makeCustomer({ budgets })
    const answer = await call('PUT', `/customers/${id}`, { budget: { max_limit: 5, reset_duration: '1d' } })
    expect(message(answer)).toEqual([
      400,
      "deprecated 'budget' field cannot be used when multiple budgets already exist; use 'budgets'",
    ])
    const one = await makeCustomer({ budget: budgets[0] })
    const changed = (await call('PUT', `/customers/${one.id}`, { budget: { max_limit: 5 } })).body.customer
    expect(changed.budgets).toMatchObject([{ id: one.budget_id, max_limit: 5, reset_duration: '1d' }])
    const bare = (await call('PUT', `/customers/${one.id}`, { budget: {} })).body.customer
    expect(bare).not.toHaveProperty('budgets')
    expect(message(await call('PUT', `/customers/${one.id}`, { budget: { max_limit: 5 } }))).toEqual([
      400,
      'both max_limit and reset_duration are required when creating a new budget',
    ])
  })

  test('45 A budget of somebody else cannot be named', async () => {
    const budgets = [{ max_limit: 1, reset_duration: '1d' }]
    const [one, other] = [await makeCustomer({ budgets }), await makeCustomer({ budgets })]
    const foreign = other.budget_id
    const answer = await call('PUT', `/customers/${one.id}`, { budgets: [{ ...budgets[0], id: foreign }] })
    expect(message(answer)).toEqual([400, `budget ${foreign} does not belong to this entity`])
  })

  test('46 Usage can be reset while the window stays', async () => {
    const { id, budget } = await makeTeam({ budgets: [{ max_limit: 5, reset_duration: '1d' }] })
    await world.spend(budget.id, '3')
    later(5000)
    const { body } = await call('PUT', `/teams/${id}`, { reset_budget_usage: true })
    expect(body.team.budget).toMatchObject({ current_usage: 0, last_reset: budget.last_reset })
    await world.spend(budget.id, '2')
    expect((await teamOf(id)).budget.current_usage).toBe(2)
  })

  test('70 The flat list has the budgets of all owners, each with the one that owns it', async () => {
    const before = (await call('GET', '/budgets')).body.count
    later()
    const budgets = [{ maxLimit: '1', resetDuration: '1d' }]
    const team = await makeTeam({ budgets: [{ max_limit: 1, reset_duration: '1d' }] })
    const key = await world.addKey({
      name: unique('app'),
      limits: { budgets },
      provider: { name: 'openai', limits: { budgets } },
    })
    const { body } = await call('GET', '/budgets')
    expect([body.count, body.total_count]).toEqual([before + 3, before + 3])
    const owner = /^(virtual_key|provider_config|team|customer|model_config)_id$/
    const owners = body.budgets
      .slice(before)
      .map((budget: object) => Object.entries(budget).filter(([name]) => owner.test(name)))
    expect(owners).toHaveLength(3)
    expect(owners).toEqual(
      expect.arrayContaining([
        [['team_id', team.id]],
        [['virtual_key_id', key.id]],
        [['provider_config_id', key.configId]],
      ]),
    )
    const paged = await call('GET', `/budgets?limit=1&offset=${before + 2}`)
    expect(paged.body.budgets).toEqual([body.budgets.at(-1)])
  })

  test('71 A budget that is reset has used nothing, and lets calls in again', async () => {
    const reset = async (id: string) => (await call('POST', `/budgets/${id}/reset`)).body.budget
    const [rolling, aligned] = (
      await makeTeam({
        budgets: [
          { max_limit: 5, reset_duration: '1h' },
          { max_limit: 5, reset_duration: '1d', calendar_aligned: true },
        ],
      })
    ).budgets
    for (const { id } of [rolling, aligned]) {
      await world.spend(id, '5')
      expect(world.admits(id)).toBe(false)
    }
    later(60_000)
    const restarted = await reset(rolling.id)
    expect(restarted).toMatchObject({ current_usage: 0, last_reset: new Date(world.now()).toISOString() })
    expect(await reset(rolling.id)).toMatchObject({ current_usage: 0 })
    expect(await reset(aligned.id)).toMatchObject({ current_usage: 0, last_reset: aligned.last_reset })
    for (const { id } of [rolling, aligned]) expect(world.admits(id)).toBe(true)
    expect(message(await call('POST', '/budgets/none/reset'))).toEqual([404, 'Budget not found'])
  })

  test('Ceilings in dollars are exact, and refused where no budget can have them', async () => {
    const budget = (text: string) =>
      `{"name":${JSON.stringify(unique('ML'))},"budgets":[{"max_limit":${text},"reset_duration":"1d"}]}`
    const exact = await call('POST', '/teams', budget('8999999999.000000000001'))
    const fact = world.tenancy.snapshot().governance.team(exact.body.team.id)
    expect(fact?.budgets[0]?.maxLimit).toEqual({ whole: 8_999_999_999_000_000, pico: 1 })
    for (const [text, why] of [
      ['0', 'budget max limit cannot be negative or zero: 0.00'],
      ['-5', 'Budget max_limit cannot be negative: -5.00'],
      ['0.0000000000001', 'Budget max_limit cannot be below 0.000000000001: 0.0000000000001'],
      ['9000000000.1', 'Budget max_limit cannot be above 9000000000: 9000000000.1'],
    ] as const) {
      expect(message(await call('POST', '/teams', budget(text)))).toEqual([400, why])
    }
    expect((await call('POST', '/teams', budget('"5"'))).status).toBe(400)
  })

  test('Windows that no calendar has are refused for budgets that follow it', async () => {
    const aligned = (reset_duration: string) => ({
      budgets: [{ max_limit: 1, reset_duration, calendar_aligned: true }],
    })
    await refusesTeam(aligned('1h'), 'calendar_aligned is not supported for sub-day reset durations: 1h')
    await refusesTeam(aligned('2w'), 'calendar_aligned requires a single day, week, month or year: 2w')
    await refusesTeam(
      { budgets: [{ max_limit: 1, reset_duration: '0h' }] },
      'Invalid reset duration (must be a positive duration): 0h',
    )
  })

  test('A budget that begins to follow the calendar keeps its usage, from the beginning of the period', async () => {
    const { id, budget } = await makeTeam({ budgets: [{ max_limit: 5, reset_duration: '1d' }] })
    await world.spend(budget.id, '3')
    later()
    const aligned = (await call('PUT', `/teams/${id}`, { calendar_aligned: true })).body.team
    expect(aligned.calendar_aligned).toBe(true)
    const midnight = new Date(Math.floor(world.now() / dayMs) * dayMs).toISOString()
    expect(aligned.budget).toMatchObject({ id: budget.id, current_usage: 3, last_reset: midnight })
    const longer = { budgets: [{ id: budget.id, reset_duration: '1w' }] }
    expect((await call('PUT', `/teams/${id}`, longer)).body.team.budget).toMatchObject({
      id: budget.id,
      reset_duration: '1w',
      max_limit: 5,
      current_usage: 3,
    })
  })

  test('A longer window beside shorter ones begins with what the next shorter one has used', async () => {
    const budgets = [
      { max_limit: 5, reset_duration: '1h' },
      { max_limit: 50, reset_duration: '1d' },
    ]
    const team = await makeTeam({ budgets })
    await world.spend(team.budgets[0].id, '1')
    await world.spend(team.budgets[1].id, '2.000000000001')
    const all = [...budgets, { max_limit: 500, reset_duration: '1M' }, { max_limit: 1, reset_duration: '1m' }]
    const changed = (await call('PUT', `/teams/${team.id}`, { budgets: all })).body.team
    expect(changed.budgets.map((it: { current_usage: number }) => it.current_usage)).toEqual([
      0, 1, 2.000000000001, 2.000000000001,
    ])
    expect(changed.budgets.slice(1, 3).map((it: { id: string }) => it.id)).toEqual(
      team.budgets.map((it: { id: string }) => it.id),
    )
    await call('PUT', `/teams/${team.id}`, { budgets: [] })
    expect(await teamOf(team.id)).not.toHaveProperty('budgets')
  })

  test('A half of a rate limit that was taken away comes back with nothing counted', async () => {
    const tokens = { token_max_limit: 10, token_reset_duration: '1h' }
    const requests = { request_max_limit: 10, request_reset_duration: '1h' }
    const { id, rate_limit } = await makeTeam({ rate_limit: { ...tokens, ...requests } })
    const fact = () => world.tenancy.snapshot().governance.team(id)?.rateLimit
    const startsAt = fact()?.tokens?.startsAt ?? 0
    const charge = { counter: rateCounter(rate_limit.id, 'tokens'), startsAt, endsAt: startsAt + 3_600_000 }
    world.counters.adjust({ ...charge, generation: 0, amount: { whole: 7, pico: 0 } })
    expect((await teamOf(id)).rate_limit.token_current_usage).toBe(7)
    const raised = { ...tokens, token_max_limit: 20, ...requests }
    const kept = (await call('PUT', `/teams/${id}`, { rate_limit: raised })).body.team.rate_limit
    expect(kept).toMatchObject({ id: rate_limit.id, token_max_limit: 20, token_current_usage: 7 })
    const half = (await call('PUT', `/teams/${id}`, { rate_limit: requests })).body.team.rate_limit
    expect(half).toMatchObject({ id: rate_limit.id, token_max_limit: null, token_current_usage: 0 })
    const whole = (await call('PUT', `/teams/${id}`, { rate_limit: raised })).body.team.rate_limit
    expect(whole).toMatchObject({ id: rate_limit.id, token_max_limit: 20, token_current_usage: 0 })
    expect(fact()?.tokens?.generation).toBe(1)
  })

  test('A team can be moved, and let go, and a deleted customer lets go of all', async () => {
    const { customer, team } = await makeTree()
    const direct = await world.addKey({ name: unique('direct'), customerId: customer.id })
    expect((await call('PUT', `/teams/${team.id}`, { customer_id: '' })).body.team).not.toHaveProperty(
      'customer',
    )
    await call('PUT', `/teams/${team.id}`, { customer_id: customer.id })
    expect((await teamOf(team.id)).customer.id).toBe(customer.id)
    expect((await call('DELETE', `/customers/${customer.id}`)).status).toBe(200)
    expect(await teamOf(team.id)).not.toHaveProperty('customer_id')
    expect(world.tenancy.snapshot().governance.virtualKey(direct.id)?.customerId).toBe(null)
  })

  test('An answer goes as far into the tree as is asked', async () => {
    const { customer, team } = await makeTree()
    const list = async (expand: string) =>
      (await call('GET', `/teams?customer_id=${customer.id}&expand=${expand}`)).body.teams[0]
    expect(await list('full')).toEqual((await call('GET', `/teams/${team.id}`)).body.team)
    const shallow = await list('shallow')
    expect([shallow.virtual_keys, shallow.customer.teams, shallow.customer.virtual_keys]).toEqual([
      [],
      [],
      [],
    ])
    expect(shallow.customer.budget.max_limit).toBe(2000)
    const none = await list('none')
    expect(none).not.toHaveProperty('customer')
    expect(none.budget.max_limit).toBe(500)
    expect((await call('GET', '/teams?expand=deep')).status).toBe(400)
    const customers = await call('GET', '/customers?expand=shallow&limit=100')
    const found = customers.body.customers.find(({ id }: { id: string }) => id === customer.id)
    expect([found.teams[0].id, found.teams[0].customer, found.teams[0].virtual_keys]).toEqual([
      team.id,
      {},
      [],
    ])
  })

  test('A budget of a virtual key can be raised for some of its windows', async () => {
    const limits = { budgets: [{ maxLimit: '10', resetDuration: '1h' }] }
    const key = await world.addKey({ name: unique('app'), limits })
    const [budget] = world.tenancy.snapshot().governance.virtualKey(key.id)?.budgets ?? []
    const path = `/virtual-keys/${key.id}/budgets/${budget?.id}/override`
    const raised = await call('PUT', path, { amount: 2.5, mode: 'cycles', cycles: 2 })
    expect(raised.status, raised.text).toBe(200)
    expect(raised.body.effective_max_limit).toBe(12.5)
    expect(raised.body.budget).toMatchObject({
      max_limit: 10,
      override_max_limit: 2.5,
      override_mode: 'cycles',
      override_remaining_cycles: 2,
      effective_max_limit: 12.5,
    })
    await world.spend(budget?.id ?? '', '11')
    expect(world.admits(budget?.id ?? '')).toBe(true)
    later(3_600_000)
    const flat = async () => {
      const { budgets } = (await call('GET', '/budgets')).body
      return budgets.find(({ id }: { id: string }) => id === budget?.id)
    }
    expect(await flat()).toMatchObject({ override_remaining_cycles: 1, effective_max_limit: 12.5 })
    later(3_600_000)
    expect(await flat()).not.toHaveProperty('effective_max_limit')
    const forever = await call('PUT', path, { amount: 1, mode: 'forever' })
    expect(forever.body.budget).toMatchObject({ override_mode: 'forever', effective_max_limit: 11 })
    const ended = await call('DELETE', path)
    expect(ended.body.effective_max_limit).toBe(10)
    for (const body of [
      { mode: 'forever' },
      { amount: 0, mode: 'forever' },
      { amount: 1, mode: 'once' },
      { amount: 1, mode: 'cycles', cycles: 0 },
    ]) {
      expect((await call('PUT', path, body)).status).toBe(400)
    }
    const [foreign, unknown] = [path.replace(key.id, 'none'), path.replace(budget?.id ?? '', 'none')]
    const forEver = { amount: 1, mode: 'forever' }
    expect(message(await call('PUT', foreign, forEver))).toEqual([404, 'Virtual key not found'])
    expect(message(await call('PUT', unknown, forEver))).toEqual([404, 'Budget not found'])
  })

  test('A restart finds what budgets have used, whatever became of their windows', async () => {
    const { id, budget } = await makeTeam({ budgets: [{ max_limit: 9, reset_duration: '1d' }] })
    await world.spend(budget.id, '1.5')
    later()
    await call('PUT', `/teams/${id}`, { budgets: [{ id: budget.id, reset_duration: '1M' }] })
    await world.spend(budget.id, '0.25')
    await call('PUT', `/teams/${id}`, {
      budgets: [{ id: budget.id }, { max_limit: 90, reset_duration: 'never' }],
    })
    await call('PUT', `/teams/${id}`, { calendar_aligned: false })
    const used = (await teamOf(id)).budgets.map((it: { current_usage: number }) => it.current_usage)
    expect(used).toEqual([1.75, 1.75])
    const { budgets } = (await call('GET', '/budgets')).body
    const restarted = await world.usedAfterRestart()
    expect(budgets.some((it: { current_usage: number }) => it.current_usage > 0)).toBe(true)
    for (const it of budgets) expect([it.id, restarted(it.id)]).toEqual([it.id, it.current_usage])
  })
})
