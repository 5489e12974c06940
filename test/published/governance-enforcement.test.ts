import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mostDatabases } from '../setup/databases.ts'
import { call, chatOf, type Governed, openGoverned, type VirtualKeyWish } from '../setup/governance.ts'

const noon = Date.UTC(2026, 10, 3, 12)
const minuteMs = 60_000
const model = 'openai/gpt-4o-mini'

/** A virtual key whose value is its name's. */
function key(name: string, wish: Omit<VirtualKeyWish, 'name' | 'value'> = {}): VirtualKeyWish {
  return { name, value: `sk-bf-${name}`, provider_configs: [{ provider: 'openai' }], ...wish }
}

const tiny = [{ max_limit: 0.000_000_001, reset_duration: '1h' }]
const onePerHour = { request_max_limit: 1, request_reset_duration: '1h' }
const openai = { provider: 'openai', keys: [{ name: 'openai-main', value: 'secret-of-openai' }] }
const azure = { provider: 'azure', keys: [{ name: 'azure-main', value: 'secret-of-azure' }] }
const groq = { provider: 'groq', keys: [{ name: 'groq-main', value: 'secret-of-groq' }] }

describe.each(mostDatabases())('enforcement on $name', ({ create }) => {
  // One gateway. What its tests leave it with, the next part begins with: at last, a later day and other settings.
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned(
      {
        providers: [openai, azure, groq],
        mcp_clients: ['gh'],
        customers: [{ name: 'acme', rate_limit: onePerHour }],
        teams: [
          { name: 'spenders', budgets: tiny },
          { name: 'of-acme', customer: 'acme' },
        ],
        virtual_keys: [
          key('plain'),
          key('off', {
            is_active: false,
            expires_at: noon - 1,
            budgets: [{ max_limit: 0, reset_duration: '1h' }],
          }),
          key('over', { expires_at: noon }),
          key('nothing', { provider_configs: [] }),
          key('not-4o', { provider_configs: [{ provider: 'openai', blacklisted_models: ['gpt-4o'] }] }),
          key('in-team', { team: 'spenders' }),
          key('in-customer', { team: 'of-acme' }),
          key('both', { budgets: tiny, rate_limit: onePerHour }),
          key('two', {
            provider_configs: [
              { provider: 'openai', weight: 1, budgets: tiny },
              { provider: 'azure', weight: 0.000_001 },
            ],
          }),
          key('two-more', {
            provider_configs: [{ provider: 'openai', budgets: tiny }, { provider: 'azure' }],
          }),
          key('poor', { budgets: tiny, provider_configs: [{ provider: 'openai' }, { provider: 'azure' }] }),
          key('unweighted', { provider_configs: [{ provider: 'azure' }, { provider: 'openai' }] }),
          key('counted', {
            rate_limit: { id: 'of-counted', token_max_limit: 1_000_000, token_reset_duration: '1h' },
          }),
          key('once', { rate_limit: onePerHour }),
          key('minutely', { rate_limit: { request_max_limit: 1, request_reset_duration: '1m' } }),
          key('daily', {
            budgets: [
              { id: 'of-daily', max_limit: 0.000_000_001, reset_duration: '1d', calendar_aligned: true },
            ],
          }),
          key('unpriced', { budgets: [{ max_limit: 10, reset_duration: '1h' }] }),
          key('tools', { mcp_configs: [{ mcp_client_name: 'gh', tools_to_execute: ['search'] }] }),
          key('lister', {
            provider_configs: [{ provider: 'openai', allowed_models: ['gpt-4o', 'gpt-4o-mini'] }],
          }),
        ],
      },
      { clock: noon, place: await create() },
    )
  })
  afterAll(() => world.close())

  const manage = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${world.gateway.url}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${world.gateway.adminKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
    return { status: response.status, body: (await response.json()) as any }
  }

  const configure = async (client_config: object) => {
    const { status, body } = await manage('PUT', '/config', { client_config })
    expect([status, body]).toEqual([200, expect.anything()])
  }

  describe('where a virtual key is needed', () => {
    beforeEach(() => world.upstream.program(() => undefined))

    const ask = (name: string, body: object = chatOf(model)) => call(world, `sk-bf-${name}`, body)
    /** Who the last call was sent to, by the credential. */
    const servedBy = () => {
      const { authorization, 'api-key': apiKey } = world.upstream.requests.at(-1)?.headers ?? {}
      return authorization ?? apiKey
    }
    const refusal = (status: number, type: string, message: unknown) => ({
      status,
      body: {
        type,
        is_bifrost_error: false,
        status_code: status,
        error: { type, code: type, message },
      },
    })

    test('85. Where a virtual key is needed, a call without one is 401 `virtual_key_required`.', async () => {
      expect(await call(world, null, chatOf(model))).toMatchObject(
        refusal(
          401,
          'virtual_key_required',
          'virtual key is required. Provide a virtual key via the x-bf-vk header.',
        ),
      )
    })

    test('87. An inactive virtual key is told that first, whatever else is wrong with it.', async () => {
      expect(await ask('off')).toMatchObject(refusal(403, 'virtual_key_blocked', 'Virtual key is inactive'))
      expect(await ask('over')).toMatchObject(refusal(403, 'virtual_key_blocked', 'Virtual key has expired'))
    })

    test('88. A virtual key without provider configs may use no provider.', async () => {
      expect(await ask('nothing')).toMatchObject(
        refusal(403, 'provider_blocked', "Provider 'openai' is not allowed for this virtual key"),
      )
      const bare = await ask('nothing', chatOf('gpt-4o-mini'))
      expect(bare).toMatchObject({ status: 403, body: { type: 'provider_blocked' } })
    })

    test('89. A blacklist goes before the list of what is allowed, in whatever case.', async () => {
      expect(await ask('not-4o', chatOf('openai/GPT-4o'))).toMatchObject(
        refusal(403, 'model_blocked', "Model 'GPT-4o' is not allowed for this virtual key"),
      )
      expect((await ask('not-4o')).status).toBe(200)
    })

    test("90. A team's spent budget refuses the calls of its virtual keys, and says when it opens.", async () => {
      expect((await ask('in-team')).status).toBe(200)
      const refused = await ask('in-team')
      expect(refused).toMatchObject(
        refusal(
          402,
          'budget_exceeded',
          expect.stringMatching(/^Budget exceeded: Team budget exceeded: \d+\.\d{4} >= 0\.0000 dollars$/),
        ),
      )
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(refused.headers.get('x-bf-governance-decision')).toBe('budget_exceeded')
      expect(refused.body.extra_fields).toMatchObject({
        provider: 'openai',
        model_requested: 'gpt-4o-mini',
        original_model_requested: 'gpt-4o-mini',
        resolved_model_used: 'gpt-4o-mini',
        request_type: 'chat_completion',
      })
    })

    test('91. A spent request limit of the customer above the team refuses, and names the customer.', async () => {
      expect((await ask('in-customer')).status).toBe(200)
      expect(await ask('in-customer')).toMatchObject(
        refusal(
          429,
          'request_limited',
          'Rate limit check failed: rate limit violated for Customer: request limit exceeded (1/1, resets every 1h)',
        ),
      )
    })

    test('92. Over both its budget and its rate limit, a virtual key is told of the rate limit.', async () => {
      expect((await ask('both')).status).toBe(200)
      expect(await ask('both')).toMatchObject({ status: 429, body: { type: 'request_limited' } })
    })

    test('93. Without a provider in the name, one whose budget is spent is passed over.', async () => {
      await ask('two')
      const answered = await ask('two', chatOf('gpt-4o-mini'))
      expect(answered).toMatchObject({ status: 200, body: { extra_fields: { provider: 'azure' } } })
      expect(servedBy()).toBe('secret-of-azure')
      expect(world.upstream.requests.at(-1)?.path).toBe('/openai/v1/chat/completions')
    })

    test('94. A refusal of the provider config moves on to a fallback; one of the virtual key does not.', async () => {
      const withFallback = chatOf(model, { fallbacks: ['azure/gpt-4o-mini'] })
      await ask('two-more')
      expect(await ask('two-more', withFallback)).toMatchObject({
        status: 200,
        body: {
          extra_fields: {
            routing_info: { provider: 'azure', is_fallback: true, primary_provider: 'openai' },
          },
        },
      })
      expect(servedBy()).toBe('secret-of-azure')

      await ask('poor')
      const before = world.upstream.served().requests
      expect(await ask('poor', withFallback)).toMatchObject({
        status: 402,
        body: { type: 'budget_exceeded' },
      })
      expect(world.upstream.served().requests).toBe(before)
    })

    test('95. Without weights, a model is served by a provider of the virtual key that knows it.', async () => {
      const seen = new Set<unknown>()
      for (let index = 0; index < 5; index += 1) {
        await ask('unweighted', chatOf('gpt-4o-mini'))
        seen.add(servedBy())
      }
      expect([...seen]).toEqual(['secret-of-azure'])
    })

    test('96. A stream is charged once, however often its usage is told.', async () => {
      world.upstream.script({ usageAt: 'twice', promptTokens: 700, completionTokens: 50 })
      const { status, text } = await ask('counted', chatOf(model, { stream: true }))
      expect(status).toBe(200)
      expect(text.match(/"usage":\{/g)).toHaveLength(1)
      const { charged, events } = await world.read(
        async (database) => ({
          charged: await database
            .selectFrom('rollups')
            .select('used_whole')
            .where('counter', '=', 'rate:of-counted:token')
            .execute(),
          events: await database
            .selectFrom('usage_events')
            .select(['input_tokens', 'output_tokens', 'node_id'])
            .where('key_id', '=', 'counted')
            .execute(),
        }),
        // Two readings: the transaction that stores both may come between them.
        ({ charged, events }) => charged.length > 0 && events.length > 0,
      )
      expect(charged).toEqual([{ used_whole: 750 }])
      expect(events).toEqual([{ input_tokens: 700, output_tokens: 50, node_id: null }])
    })

    test('97. A call that the provider fails at without usage counts as no request.', async () => {
      world.upstream.script({ status: 500 })
      expect((await ask('once')).status).toBe(500)
      expect((await ask('once')).status).toBe(200)
      expect((await ask('once')).status).toBe(429)
    })

    test('101. Under a budget, a model without a known price is refused.', async () => {
      expect(await ask('unpriced', chatOf('openai/home-made'))).toMatchObject(
        refusal(
          403,
          'model_blocked',
          "Model 'home-made' has no price and budgets are enforced. Set one at /api/governance/pricing-overrides; 0 is a price.",
        ),
      )
      expect((await ask('plain', chatOf('openai/home-made'))).status).toBe(200)
    })

    test('102. A tool that the virtual key may not run is 403 `mcp_tool_blocked`.', async () => {
      const execute = (name: string) =>
        call(world, 'sk-bf-tools', { name, arguments: '{}' }, { path: '/v1/mcp/tool/execute' })
      expect(await execute('gh-delete')).toMatchObject(
        refusal(403, 'mcp_tool_blocked', "MCP tool 'gh-delete' is not allowed for virtual key 'tools'"),
      )
      expect((await execute('other-search')).status).toBe(403)
      expect((await execute('gh-search')).status).toBe(501)
    })

    test('103. The list of models holds those that the virtual key may use, and no more.', async () => {
      const { status, body } = await call(world, 'sk-bf-lister', null, { path: '/v1/models' })
      expect(status).toBe(200)
      expect(body.data.map(({ id }: { id: string }) => id)).toEqual(['openai/gpt-4o', 'openai/gpt-4o-mini'])
    })
  })

  describe('windows of limits', () => {
    const lateInTheDay = Date.UTC(2026, 10, 3, 23, 59)
    const status = async (name: string) => (await call(world, `sk-bf-${name}`, chatOf(model))).status
    test('98. A window that is over counts nothing more, without anybody resetting it.', async () => {
      expect([await status('minutely'), await status('minutely')]).toEqual([200, 429])
      await world.gateway.setClock(noon + minuteMs)
      expect(await status('minutely')).toBe(200)
    })

    test('99. An aligned day begins at midnight, whenever its budget was spent.', async () => {
      await world.gateway.setClock(lateInTheDay)
      expect([await status('daily'), await status('daily')]).toEqual([200, 402])
      await world.gateway.setClock(lateInTheDay + minuteMs + 1000)
      expect(await status('daily')).toBe(200)
      const { body } = await manage('GET', '/governance/budgets?from_memory=true')
      const budget = body.budgets.find(({ id }: { id: string }) => id === 'of-daily')
      expect(budget.last_reset).toMatch(/^2026-11-04T00:00:00(\.000)?Z$/)
    })

    test('100. No calendar has hours: such a budget cannot be aligned.', async () => {
      const answered = await manage('POST', '/governance/teams', {
        name: 'hourly',
        budgets: [{ max_limit: 10, reset_duration: '1h', calendar_aligned: true }],
      })
      expect(answered).toMatchObject({
        status: 400,
        body: { error: { message: 'calendar_aligned is not supported for sub-day reset durations: 1h' } },
      })
    })
  })

  describe('where no virtual key is needed', () => {
    beforeAll(() => configure({ enforce_auth_on_inference: false }))

    test('86. A virtual key that there is not is refused even where none is needed.', async () => {
      expect(await call(world, 'junk', chatOf(model))).toMatchObject({
        status: 401,
        body: {
          type: 'virtual_key_not_found',
          error: {
            message: 'virtual key not found. The provided virtual key does not exist or has been revoked.',
          },
        },
      })
      expect((await call(world, null, chatOf(model))).status).toBe(200)
    })

    test('84. Headers that are demanded and missing are all named, before any key is asked for.', async () => {
      await configure({ enforce_auth_on_inference: true, required_headers: ['X-A', 'X-B'] })
      const missing = await call(world, null, chatOf(model))
      expect(missing).toMatchObject({
        status: 400,
        body: {
          type: 'missing_required_headers',
          error: { message: 'missing required headers: X-A, X-B' },
        },
      })
      const some = await call(world, null, chatOf(model), { headers: { 'x-b': '1' } })
      expect(some.body.error.message).toBe('missing required headers: X-A')
      const all = await call(world, null, chatOf(model), { headers: { 'x-a': '1', 'x-b': '1' } })
      expect(all.body.type).toBe('virtual_key_required')
    })
  })
})
