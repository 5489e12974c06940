import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import type { Answered } from '../setup/frontier.ts'
import { type Gateway, GatewayDidNotStart, startGateway, temporaryFolder } from '../setup/gateway.ts'
import { call, chatOf } from '../setup/governance.ts'

const virtualKey = 'sk-bf-22222222-2222-4222-8222-222222222222'
const keyUnderLoad = 'sk-bf-33333333-3333-4333-8333-333333333333'
/** So dear that a single call shows in a budget. */
const price = 0.01
const now = Date.UTC(2026, 4, 6, 7, 8)

let upstream: FakeUpstream
beforeAll(async () => {
  upstream = await startFakeUpstream()
})
afterAll(() => upstream.close())

/** A file with a customer, a team and a key; each section may be another. */
function fileWith(sections: object = {}, more: object = {}): object {
  return {
    version: 2,
    providers: {
      openai: {
        keys: [{ name: 'main', value: 'sk-of-the-provider' }],
        network_config: { base_url: upstream.url },
      },
    },
    governance: {
      customers: [{ id: 'c1', name: 'Acme', budget_id: 'b-c1' }],
      teams: [{ id: 't1', name: 'ML', customer_id: 'c1', rate_limit_id: 'rl-t1' }],
      budgets: [
        { id: 'b-c1', max_limit: 2000, reset_duration: '1M' },
        { id: 'b-vk', max_limit: 10, reset_duration: '1d', virtual_key_id: 'vk1' },
        { id: 'b-pc', max_limit: 10, reset_duration: '1h', provider_config_id: 7 },
      ],
      rate_limits: [{ id: 'rl-t1', token_max_limit: 100_000, token_reset_duration: '1h' }],
      virtual_keys: [
        {
          id: 'vk1',
          name: 'app',
          value: virtualKey,
          team_id: 't1',
          provider_configs: [{ id: 7, provider: 'openai', allowed_models: ['*'], key_ids: ['main'] }],
        },
      ],
      pricing_overrides: [
        {
          id: 'p1',
          name: 'dear',
          scope_kind: 'global',
          match_type: 'wildcard',
          pattern: 'gpt*',
          request_types: ['chat_completion'],
          patch: { input_cost_per_token: price, output_cost_per_token: price },
        },
      ],
      ...sections,
    },
    ...more,
  }
}

/** A customer without limits, and nobody else. */
const nobody = {
  customers: [{ id: 'c1', name: 'Acme' }],
  teams: [],
  virtual_keys: [],
  budgets: [],
  rate_limits: [],
}

describe.each(mostDatabases())('the configuration file on $name', ({ create }) => {
  let place: TestPlace
  let dataDirectory: string
  beforeAll(async () => {
    place = await create()
    dataDirectory = temporaryFolder()
  })
  afterAll(() => place.remove())

  let running: Gateway | null = null
  /** One gateway at a time, as there is one data directory. */
  const serve = async (config: object): Promise<Gateway> => {
    await running?.stop()
    running = null
    running = await startGateway({ config, databaseUrl: place.url, dataDirectory, clock: now })
    return running
  }
  afterEach(async () => {
    await running?.stop()
    running = null
  })
  const refusedBy = async (config: object): Promise<readonly [code: number | null, log: string]> => {
    try {
      return [0, (await serve(config)).log()]
    } catch (error) {
      if (!(error instanceof GatewayDidNotStart)) throw error
      return [error.exitCode, error.log]
    }
  }
  const ask = async (
    gateway: Gateway,
    path: string,
    init: RequestInit = {},
  ): Promise<Pick<Answered, 'status' | 'body'>> => {
    const answer = await fetch(`${gateway.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' },
    })
    return { status: answer.status, body: await answer.json() }
  }
  const put = (gateway: Gateway, path: string, body: object) =>
    ask(gateway, path, { method: 'PUT', body: JSON.stringify(body) })
  const usageOf = async (gateway: Gateway) => {
    const [{ body: budgets }, { body: rateLimits }] = await Promise.all([
      ask(gateway, '/api/governance/budgets'),
      ask(gateway, '/api/governance/rate-limits'),
    ])
    return {
      budgets: Object.fromEntries(
        budgets.budgets.map(({ id, current_usage, last_reset }: Record<string, unknown>) => [
          id,
          [current_usage, last_reset],
        ]),
      ),
      tokens: rateLimits.rate_limits.map((limit: Record<string, unknown>) => limit.token_current_usage),
    }
  }
  const teamNames = async (gateway: Gateway) =>
    (await ask(gateway, '/api/governance/teams')).body.teams.map(({ name }: { name: string }) => name)

  test('104. What limits have counted is there after a restart with the same file, and with another', async () => {
    const first = await serve(fileWith())
    const { status, body } = await call({ gateway: first }, virtualKey, chatOf('openai/gpt-4o-mini'))
    expect(status).toBe(200)
    const spent = body.usage.total_tokens * price
    const before = await usageOf(first)
    expect(Object.values(before.budgets).map((entry) => (entry as [number])[0])).toEqual([
      spent,
      spent,
      spent,
    ])
    expect(before.tokens).toEqual([body.usage.total_tokens])
    expect(await first.stop()).toBe(0)

    const second = await serve(fileWith())
    expect(await usageOf(second)).toEqual(before)

    const larger = fileWith({
      budgets: [
        { id: 'b-c1', max_limit: 3000, reset_duration: '1M' },
        { id: 'b-vk', max_limit: spent / 2, reset_duration: '1d', virtual_key_id: 'vk1' },
        { id: 'b-pc', max_limit: 20, reset_duration: '1h', provider_config_id: 7 },
      ],
    })
    const third = await serve(larger)
    expect(await usageOf(third)).toEqual(before)
    expect((await call({ gateway: third }, virtualKey, chatOf('openai/gpt-4o-mini'))).status).toBe(402)
  })

  test('105. A team that the file does not name any more stays, unless the file is the source of truth', async () => {
    const split = await serve(fileWith({ ...nobody, teams: [] }))
    expect(await teamNames(split)).toEqual(['ML'])

    const key = { id: 'vk1', name: 'app', value: virtualKey, provider_configs: [] }
    const whole = await serve(
      fileWith({ ...nobody, teams: [], virtual_keys: [key] }, { source_of_truth: 'config.json' }),
    )
    expect(await teamNames(whole)).toEqual([])
    const { body } = await ask(whole, '/api/governance/virtual-keys/vk1')
    expect(body.virtual_key).toMatchObject({ name: 'app', provider_configs: [] })
    expect(body.virtual_key.team_id).toBeUndefined()
    expect((await ask(whole, '/api/governance/budgets')).body.count).toBe(0)
  })

  test('106. A budget with two owners is refused at start, by its name', async () => {
    const budgets = [{ id: 'b-twice', max_limit: 1, reset_duration: '1d', team_id: 't1' }]
    const customers = [{ id: 'c1', name: 'Acme', budget_id: 'b-twice' }]
    const [code, log] = await refusedBy(fileWith({ budgets, customers }))
    expect(code).toBe(78)
    expect(log).toContain(
      'governance.budgets.b-twice: must have one owner, and has 2: the team t1 and the customer c1',
    )
  })

  test('107. A stop under load stores all usage that was charged', async () => {
    const underLoad = fileWith({
      ...nobody,
      budgets: [{ id: 'b-load', max_limit: 1_000_000, reset_duration: '1Y', virtual_key_id: 'vk-load' }],
      virtual_keys: [
        {
          id: 'vk-load',
          name: 'load',
          value: keyUnderLoad,
          provider_configs: [{ provider: 'openai', allowed_models: ['*'], key_ids: ['*'] }],
        },
      ],
    })
    const gateway = await serve(underLoad)
    let isStopping = false
    let tokens = 0
    const caller = async () => {
      while (!isStopping) {
        const answer = await call({ gateway }, keyUnderLoad, chatOf('openai/gpt-4o-mini')).catch(() => null)
        if (answer?.status === 200) tokens += answer.body.usage.total_tokens
        else if (answer === null || answer.status === 503) return
        else throw new Error(`not expected: ${answer.status} ${answer.text}`)
      }
    }
    const callers = Array.from({ length: 16 }, caller)
    await expect.poll(() => tokens, { interval: 5 }).toBeGreaterThan(1000)
    expect(await gateway.stop()).toBe(0)
    isStopping = true
    await Promise.all(callers)

    const { budgets } = await usageOf(await serve(underLoad))
    expect(budgets['b-load'][0]).toBeCloseTo(tokens * price, 6)
  })

  test('93. What the API changed stays; what the file changes wins; a section that it empties is gone', async () => {
    const nameOf = async (gateway: Gateway) =>
      (await ask(gateway, '/api/governance/customers/c1')).body.customer.name
    const named = (name: string) => fileWith({ ...nobody, customers: [{ id: 'c1', name }] })
    const first = await serve(named('Of a first file'))
    expect((await put(first, '/api/governance/customers/c1', { name: 'Of the API' })).status).toBe(200)

    expect(await nameOf(await serve(named('Of a first file')))).toBe('Of the API')
    expect(await nameOf(await serve(named('Of another file')))).toBe('Of another file')

    const emptied = await serve(
      fileWith({ ...nobody, customers: [] }, { source_of_truth: 'config.json', providers: {} }),
    )
    expect((await ask(emptied, '/api/governance/customers')).body.count).toBe(0)
    expect((await ask(emptied, '/api/governance/virtual-keys')).body.count).toBe(0)
    expect((await ask(emptied, '/api/providers')).body.total).toBe(0)
  })

  test('a limit that was deleted and that the file makes again under its name begins at nothing', async () => {
    const value = 'sk-bf-44444444-4444-4444-8444-444444444444'
    const world = fileWith({
      customers: [{ id: 'c-again', name: 'Again' }],
      teams: [{ id: 't-again', name: 'Again', customer_id: 'c-again', rate_limit_id: 'rl-again' }],
      budgets: [
        {
          id: 'b-again',
          max_limit: 20,
          reset_duration: '1M',
          calendar_aligned: true,
          customer_id: 'c-again',
        },
        { id: 'b-stays', max_limit: 10, reset_duration: '1d', virtual_key_id: 'vk-again' },
      ],
      rate_limits: [{ id: 'rl-again', token_max_limit: 100_000, token_reset_duration: '1h' }],
      virtual_keys: [
        {
          id: 'vk-again',
          name: 'again',
          value,
          team_id: 't-again',
          provider_configs: [{ provider: 'openai', allowed_models: ['*'], key_ids: ['main'] }],
        },
      ],
    })
    const used = async (gateway: Gateway) => {
      const { budgets } = await usageOf(gateway)
      const { team } = (await ask(gateway, '/api/governance/teams/t-again')).body
      return [budgets['b-again'][0], budgets['b-stays'][0], team.rate_limit.token_current_usage]
    }
    const first = await serve(world)
    const { body } = await call({ gateway: first }, value, chatOf('openai/gpt-4o-mini'))
    const tokens = body.usage.total_tokens
    const spent = tokens * price
    expect(await used(first)).toEqual([spent, spent, tokens])
    expect((await put(first, '/api/governance/customers/c-again', { budgets: [] })).status).toBe(200)
    expect((await put(first, '/api/governance/teams/t-again', { rate_limit: {} })).status).toBe(200)

    const second = await serve(world)
    expect(await used(second)).toEqual([0, spent, 0])
    await call({ gateway: second }, value, chatOf('openai/gpt-4o-mini'))
    const third = await serve(world)
    expect(await used(third)).toEqual([spent, 2 * spent, tokens])
  })
})
