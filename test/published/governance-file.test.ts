import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import type { Answered } from '../setup/frontier.ts'
import { type Gateway, GatewayDidNotStart, startGateway } from '../setup/gateway.ts'
import { call, chatOf } from '../setup/governance.ts'
import { shareStages } from '../setup/stages.ts'

const virtualKey = 'sk-bf-22222222-2222-4222-8222-222222222222'
const keyUnderLoad = 'sk-bf-33333333-3333-4333-8333-333333333333'
const keyOfAgain = 'sk-bf-44444444-4444-4444-8444-444444444444'
/** So dear that a single call shows in a budget. */
const price = 0.01
const now = Date.UTC(2026, 4, 6, 7, 8)

let upstream: FakeUpstream
beforeAll(async () => {
  upstream = await startFakeUpstream()
})
afterAll(() => upstream.close())

/** A file with customers, teams and keys, apart for each test; each section may be another. */
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
      customers: [
        { id: 'c1', name: 'Acme', budget_id: 'b-c1' },
        { id: 'c-named', name: 'Of a first file' },
        { id: 'c-again', name: 'Again' },
      ],
      teams: [
        { id: 't1', name: 'ML', customer_id: 'c1', rate_limit_id: 'rl-t1' },
        { id: 't-again', name: 'Again', customer_id: 'c-again', rate_limit_id: 'rl-again' },
      ],
      budgets: [
        { id: 'b-c1', max_limit: 2000, reset_duration: '1M' },
        { id: 'b-vk', max_limit: 10, reset_duration: '1d', virtual_key_id: 'vk1' },
        { id: 'b-pc', max_limit: 10, reset_duration: '1h', provider_config_id: 7 },
        ...budgetsOfOthers,
      ],
      rate_limits: [
        { id: 'rl-t1', token_max_limit: 100_000, token_reset_duration: '1h' },
        { id: 'rl-again', token_max_limit: 100_000, token_reset_duration: '1h' },
      ],
      virtual_keys: [
        {
          id: 'vk1',
          name: 'app',
          value: virtualKey,
          team_id: 't1',
          provider_configs: [{ id: 7, provider: 'openai', allowed_models: ['*'], key_ids: ['main'] }],
        },
        {
          id: 'vk-load',
          name: 'load',
          value: keyUnderLoad,
          provider_configs: [{ provider: 'openai', allowed_models: ['*'], key_ids: ['*'] }],
        },
        {
          id: 'vk-again',
          name: 'again',
          value: keyOfAgain,
          team_id: 't-again',
          provider_configs: [{ provider: 'openai', allowed_models: ['*'], key_ids: ['main'] }],
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

const budgetsOfOthers = [
  { id: 'b-load', max_limit: 1_000_000, reset_duration: '1Y', virtual_key_id: 'vk-load' },
  { id: 'b-again', max_limit: 20, reset_duration: '1M', calendar_aligned: true, customer_id: 'c-again' },
  { id: 'b-stays', max_limit: 10, reset_duration: '1d', virtual_key_id: 'vk-again' },
]

/** Customers without limits, and nobody else. */
const nobody = {
  customers: [
    { id: 'c1', name: 'Acme' },
    { id: 'c-named', name: 'Of another file' },
  ],
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
  afterAll(async () => {
    await running?.stop()
    await place.remove()
  })

  let running: Gateway | null = null
  /** One gateway at a time, as there is one data directory. */
  const serve = async (config: object): Promise<Gateway> => {
    if (running !== null) expect(await running.stop()).toBe(0)
    running = null
    running = await startGateway({ config, databaseUrl: place.url, dataDirectory, clock: now })
    return running
  }
  const largerBudgets = [
    { id: 'b-c1', max_limit: 3000, reset_duration: '1M' },
    { id: 'b-vk', max_limit: price / 2, reset_duration: '1d', virtual_key_id: 'vk1' },
    { id: 'b-pc', max_limit: 20, reset_duration: '1h', provider_config_id: 7 },
  ]
  const bareKey = { id: 'vk1', name: 'app', value: virtualKey, provider_configs: [] }
  const files = {
    first: () => fileWith(),
    again: () => fileWith(),
    larger: () => fileWith({ budgets: [...largerBudgets, ...budgetsOfOthers] }),
    nobody: () => fileWith(nobody),
    truth: () => fileWith({ ...nobody, virtual_keys: [bareKey] }, { source_of_truth: 'config.json' }),
    emptied: () => fileWith({ ...nobody, customers: [] }, { source_of_truth: 'config.json', providers: {} }),
  }
  const names = Object.keys(files) as (keyof typeof files)[]
  const takePart = shareStages((index) => serve(files[names[index] ?? 'first']()))
  /** Side by side, the tests see the gateway start with one file after the other. */
  const throughStarts =
    (work: (startWith: (name: keyof typeof files) => Promise<Gateway>) => Promise<void>) => () =>
      takePart((stageAt) => work((name) => stageAt(names.indexOf(name))))
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
  const usageOf = async (gateway: Gateway, ids: readonly string[], rateLimit: string) => {
    const [{ body: budgets }, { body: rateLimits }] = await Promise.all([
      ask(gateway, '/api/governance/budgets'),
      ask(gateway, '/api/governance/rate-limits'),
    ])
    return {
      budgets: ids.map((id) => {
        const { current_usage, last_reset } = budgets.budgets.find((it: { id: string }) => it.id === id)
        return [current_usage, last_reset]
      }),
      tokens: rateLimits.rate_limits.find(({ id }: { id: string }) => id === rateLimit).token_current_usage,
    }
  }
  const teamNames = async (gateway: Gateway) =>
    (await ask(gateway, '/api/governance/teams')).body.teams.map(({ name }: { name: string }) => name)

  test.concurrent(
    '104. What limits have counted is there after a restart with the same file, and with another',
    throughStarts(async (startWith) => {
      const first = await startWith('first')
      const { status, body } = await call({ gateway: first }, virtualKey, chatOf('openai/gpt-4o-mini'))
      expect(status).toBe(200)
      const spent = body.usage.total_tokens * price
      const usage = (gateway: Gateway) => usageOf(gateway, ['b-c1', 'b-vk', 'b-pc'], 'rl-t1')
      const before = await usage(first)
      expect(before.budgets.map(([used]) => used)).toEqual([spent, spent, spent])
      expect(before.tokens).toBe(body.usage.total_tokens)

      expect(await usage(await startWith('again'))).toEqual(before)
      const third = await startWith('larger')
      expect(await usage(third)).toEqual(before)
      expect((await call({ gateway: third }, virtualKey, chatOf('openai/gpt-4o-mini'))).status).toBe(402)
    }),
  )

  test.concurrent(
    '105. A team that the file does not name any more stays, unless the file is the source of truth',
    throughStarts(async (startWith) => {
      expect(await teamNames(await startWith('first'))).toEqual(['Again', 'ML'])
      expect(await teamNames(await startWith('nobody'))).toEqual(['Again', 'ML'])

      const whole = await startWith('truth')
      expect(await teamNames(whole)).toEqual([])
      const { body } = await ask(whole, '/api/governance/virtual-keys/vk1')
      expect(body.virtual_key).toMatchObject({ name: 'app', provider_configs: [] })
      expect(body.virtual_key.team_id).toBeUndefined()
      expect((await ask(whole, '/api/governance/budgets')).body.count).toBe(0)
    }),
  )

  test.concurrent(
    '107. A stop under load stores all usage that was charged',
    throughStarts(async (startWith) => {
      const gateway = await startWith('first')
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
      const callers = Promise.all(Array.from({ length: 16 }, caller))
      try {
        await expect.poll(() => tokens, { interval: 5 }).toBeGreaterThan(1000)
        const again = await startWith('again')
        isStopping = true
        await callers
        const { budgets } = await usageOf(again, ['b-load'], 'rl-t1')
        expect(budgets[0]?.[0]).toBeCloseTo(tokens * price, 6)
      } finally {
        isStopping = true
      }
    }),
  )

  test.concurrent(
    '93. What the API changed stays; what the file changes wins; a section that it empties is gone',
    throughStarts(async (startWith) => {
      const nameOf = async (gateway: Gateway) =>
        (await ask(gateway, '/api/governance/customers/c-named')).body.customer.name
      const first = await startWith('first')
      expect(await nameOf(first)).toBe('Of a first file')
      const changed = await put(first, '/api/governance/customers/c-named', { name: 'Of the API' })
      expect(changed.status).toBe(200)
      expect(await nameOf(await startWith('again'))).toBe('Of the API')
      expect(await nameOf(await startWith('nobody'))).toBe('Of another file')

      const emptied = await startWith('emptied')
      expect((await ask(emptied, '/api/governance/customers')).body.count).toBe(0)
      expect((await ask(emptied, '/api/governance/virtual-keys')).body.count).toBe(0)
      expect((await ask(emptied, '/api/providers')).body.total).toBe(0)
    }),
  )

  test.concurrent(
    'a limit that was deleted and that the file makes again under its name begins at nothing',
    throughStarts(async (startWith) => {
      const used = async (gateway: Gateway) => {
        const { budgets } = await usageOf(gateway, ['b-again', 'b-stays'], 'rl-t1')
        const { team } = (await ask(gateway, '/api/governance/teams/t-again')).body
        return [...budgets.map(([dollars]) => dollars), team.rate_limit.token_current_usage]
      }
      const first = await startWith('first')
      const { body } = await call({ gateway: first }, keyOfAgain, chatOf('openai/gpt-4o-mini'))
      const tokens = body.usage.total_tokens
      const spent = tokens * price
      expect(await used(first)).toEqual([spent, spent, tokens])
      expect((await put(first, '/api/governance/customers/c-again', { budgets: [] })).status).toBe(200)
      expect((await put(first, '/api/governance/teams/t-again', { rate_limit: {} })).status).toBe(200)

      const second = await startWith('again')
      expect(await used(second)).toEqual([0, spent, 0])
      await call({ gateway: second }, keyOfAgain, chatOf('openai/gpt-4o-mini'))
      expect(await used(await startWith('larger'))).toEqual([spent, 2 * spent, tokens])
    }),
  )

  test('106. A budget with two owners is refused at start, by its name', async () => {
    const budgets = [{ id: 'b-twice', max_limit: 1, reset_duration: '1d', team_id: 't1' }]
    const customers = [{ id: 'c1', name: 'Acme', budget_id: 'b-twice' }]
    const [code, log] = await refusedBy(fileWith({ budgets, customers }))
    expect(code).toBe(78)
    expect(log).toContain(
      'governance.budgets.b-twice: must have one owner, and has 2: the team t1 and the customer c1',
    )
  })
})
