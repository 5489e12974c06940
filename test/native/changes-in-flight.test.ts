import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isLong } from '../setup/form.ts'
import { configurationFor } from '../setup/frontier.ts'
import { type GatewayProcess, startGatewayProcess } from '../setup/gateway.ts'
import { call, chatOf, type Governed, openGovernedProcess } from '../setup/governance.ts'
import {
  change,
  type Level,
  type Limits,
  levels,
  makeSpender,
  manage,
  picoOf,
  type Spender,
  setPrices,
} from './spenders.ts'

// A change is made while a call is in flight: the next call is judged by what is now, and the end of the one in flight
// adds its charge to that, and brings nothing back.

const noon = Date.UTC(2026, 10, 3, 12)
const hourMs = 3_600_000
const model = 'openai/in-flight'
/** Each call costs a dollar, which is what it is expected to, and takes four tokens. */
const dollar = { promptTokens: 3, completionTokens: 1 }
const tokensOfCall = 4
const sheet = { input_cost_per_token: '0', output_cost_per_token: '1' }

let world: Governed<GatewayProcess>
/** The world that was begun, or what it became when its gateway was killed. */
let gateway: GatewayProcess

beforeAll(async () => {
  world = await openGovernedProcess(
    { providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'sk-of-the-provider' }] }] },
    { clock: noon },
  )
  gateway = world.gateway
  await setPrices({ gateway }, 'in-flight', sheet)
})
afterAll(async () => {
  await gateway.stop()
  await world.close()
})
beforeEach(() => world.upstream.program(() => dollar))

const ask = async (value: string) => {
  const { status, body } = await call({ gateway }, value, chatOf(model, { max_tokens: 1 }))
  return [status, body?.type ?? null]
}
const admitted = [200, null]
const spent = [402, 'budget_exceeded']
const put = (path: string, body: object) => change({ gateway }, 'PUT', path, body)
const remove = (path: string) => change({ gateway }, 'DELETE', path)

/** A streamed call that has said something and says no more until it is let go on. */
async function inFlight(value: string): Promise<{ finish(): Promise<void> }> {
  world.upstream.program(() => ({ ...dollar, stallAfterChunks: 1 }))
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'x-bf-vk': value, 'content-type': 'application/json' },
    body: JSON.stringify(chatOf(model, { stream: true, max_tokens: 1 })),
  })
  expect(response.status).toBe(200)
  world.upstream.program(() => dollar)
  return {
    async finish() {
      world.upstream.resume()
      expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/)
    },
  }
}

/** A call that has begun, and whose body is still on its way. */
async function slowBody(value: string): Promise<{ finish(): Promise<number> }> {
  const body = JSON.stringify(chatOf(model, { max_tokens: 1 }))
  const headers = {
    'x-bf-vk': value,
    'content-type': 'application/json',
    'content-length': body.length,
    expect: '100-continue',
  }
  const sent = request(`${gateway.url}/v1/chat/completions`, { method: 'POST', headers })
  const answered = once(sent, 'response')
  sent.flushHeaders()
  // It is granted once the gateway knows whose call it is.
  await once(sent, 'continue')
  sent.write(body.slice(0, 10))
  return {
    async finish() {
      sent.end(body.slice(10))
      const [response] = (await answered) as [IncomingMessage]
      await once(response.resume(), 'end')
      return response.statusCode ?? 0
    },
  }
}

type Shown = Readonly<Record<string, unknown>> & { readonly id: string; readonly current_usage: number }

/** All budgets and rate limits, by id. */
async function limitsShown(): Promise<ReadonlyMap<string, Shown>> {
  const [{ budgets }, { rate_limits }] = await Promise.all([
    change({ gateway }, 'GET', '/budgets?from_memory=true'),
    change({ gateway }, 'GET', '/rate-limits?from_memory=true'),
  ])
  return new Map([...budgets, ...rate_limits].map((limit: Shown) => [limit.id, limit]))
}

const budgetOf = async (id: string) => (await limitsShown()).get(id)
const usageOf = async (id: string) => (await budgetOf(id))?.current_usage ?? null

/** What is charged to a counter in each of its generations and periods, in whole dollars. */
async function rollupsOf(counter: string, until: (dollars: number) => boolean): Promise<number> {
  return world.read(async (database) => {
    const rows = await database
      .selectFrom('rollups')
      .select(['used_whole', 'used_pico'])
      .where('counter', '=', counter)
      .execute()
    return rows.reduce((sum, row) => sum + Number(picoOf(row.used_whole, row.used_pico)) / 1e12, 0)
  }, until)
}

/** Once so many events of a virtual key are stored, all charges made before them are, too. */
async function eventsStored({ keyId }: Spender, count: number): Promise<number> {
  const { length } = await world.read(
    (database) => database.selectFrom('usage_events').select('id').where('key_id', '=', keyId).execute(),
    (rows) => rows.length >= count,
  )
  return length
}

const idOf = (spender: Spender, level: Level): string => spender.budgets[level][0] ?? ''
const ownerPath = (spender: Spender, level: Exclude<Level, 'provider config'>) =>
  ({
    customer: `/customers/${spender.customerId}`,
    team: `/teams/${spender.teamId}`,
    'virtual key': `/virtual-keys/${spender.keyId}`,
  })[level]

/** Changes the budgets of a level, all that it has. */
function changeBudgets(spender: Spender, level: Level, budgets: readonly object[]): Promise<unknown> {
  if (level !== 'provider config') return put(ownerPath(spender, level), { budgets })
  const config = {
    id: spender.configId,
    provider: 'openai',
    allowed_models: ['*'],
    key_ids: ['*'],
    budgets,
  }
  return put(`/virtual-keys/${spender.keyId}`, { provider_configs: [config] })
}

const budget = (max_limit: number, more: object = {}): Limits => ({
  budgets: [{ max_limit, reset_duration: '1d', ...more }],
})

describe.each(levels)('a budget of a %s', (level) => {
  const ofLevel = (max: number, more: object = {}) => makeSpender({ gateway }, { [level]: budget(max, more) })
  /** In the short form each change is made at one of the levels. */
  const inTurn = (turn: number) => test.runIf(isLong || levels[turn] === level)

  inTurn(0)('that is lowered refuses the next call, and keeps what was used', async () => {
    const spender = await ofLevel(100)
    const id = idOf(spender, level)
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    await changeBudgets(spender, level, [{ id, max_limit: 1 }])
    expect(await ask(spender.value)).toEqual(spent)
    await finish()
    expect(await ask(spender.value)).toEqual(spent)
    expect(await budgetOf(id)).toMatchObject({ max_limit: 1, current_usage: 2 })
  })

  inTurn(1)('that is raised lets the next call in', async () => {
    const spender = await ofLevel(2)
    const id = idOf(spender, level)
    const { finish } = await inFlight(spender.value)
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(spent)
    await changeBudgets(spender, level, [{ id, max_limit: 100 }])
    expect(await ask(spender.value)).toEqual(admitted)
    await finish()
    expect(await budgetOf(id)).toMatchObject({ max_limit: 100, current_usage: 3 })
  })

  inTurn(2)('that is reset has used what the call in flight costs, and no more', async () => {
    const spender = await ofLevel(3)
    const id = idOf(spender, level)
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    expect(await ask(spender.value)).toEqual(spent)
    await change({ gateway }, 'POST', `/budgets/${id}/reset`)
    expect(await usageOf(id)).toBe(0)
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await usageOf(id)).toBe(1)
    await finish()
    expect(await usageOf(id)).toBe(2)
  })

  inTurn(3)('that follows the calendar and is reset keeps its window', async () => {
    const spender = await ofLevel(3, { calendar_aligned: true })
    const id = idOf(spender, level)
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    await change({ gateway }, 'POST', `/budgets/${id}/reset`)
    expect(await ask(spender.value)).toEqual(admitted)
    await finish()
    expect(await budgetOf(id)).toMatchObject({
      current_usage: 2,
      last_reset: expect.stringMatching(/^2026-11-03T00:00:00/),
    })
  })

  inTurn(0).each(['1h', '1M'])('whose duration becomes %s keeps what was used', async (reset_duration) => {
    const spender = await ofLevel(4)
    const id = idOf(spender, level)
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    await changeBudgets(spender, level, [{ id, reset_duration }])
    expect(await usageOf(id)).toBe(1)
    expect(await ask(spender.value)).toEqual(admitted)
    await finish()
    expect(await budgetOf(id)).toMatchObject({ reset_duration, current_usage: 3 })
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(spent)
  })

  inTurn(1)('that comes to follow the calendar keeps what was used, from the start of the day', async () => {
    const spender = await ofLevel(3)
    const id = idOf(spender, level)
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    await changeBudgets(spender, level, [{ id, calendar_aligned: true }])
    expect(await ask(spender.value)).toEqual(admitted)
    await finish()
    expect(await budgetOf(id)).toMatchObject({
      current_usage: 3,
      last_reset: expect.stringMatching(/^2026-11-03T00:00:00/),
    })
    expect(await ask(spender.value)).toEqual(spent)
  })

  inTurn(2)('that is taken away limits nothing, and does not come back with the call in flight', async () => {
    const spender = await ofLevel(1)
    const id = idOf(spender, level)
    const { finish } = await inFlight(spender.value)
    await changeBudgets(spender, level, [])
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(admitted)
    await finish()
    expect(await budgetOf(id)).toBeUndefined()
    // Another of the same kind begins at nothing.
    await changeBudgets(spender, level, [{ max_limit: 1, reset_duration: '1d' }])
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(spent)
  })
})

describe('a virtual key', () => {
  test('that is deactivated refuses the next call, and stays so', async () => {
    const spender = await makeSpender({ gateway }, { 'virtual key': budget(100) })
    const { finish } = await inFlight(spender.value)
    await put(`/virtual-keys/${spender.keyId}`, { is_active: false })
    expect(await ask(spender.value)).toEqual([403, 'virtual_key_blocked'])
    await finish()
    expect(await ask(spender.value)).toEqual([403, 'virtual_key_blocked'])
    expect(await usageOf(idOf(spender, 'virtual key'))).toBe(1)
    const row = await world.read(
      (database) =>
        database
          .selectFrom('virtual_keys')
          .select('is_active')
          .where('id', '=', spender.keyId)
          .executeTakeFirst(),
      () => true,
    )
    expect(row).toEqual({ is_active: 0 })
  })

  test('that is deactivated while a body is still coming refuses that call', async () => {
    const spender = await makeSpender({ gateway }, { 'virtual key': budget(100) })
    const slow = await slowBody(spender.value)
    await put(`/virtual-keys/${spender.keyId}`, { is_active: false })
    expect(await slow.finish()).toBe(403)
    expect(await usageOf(idOf(spender, 'virtual key'))).toBe(0)
  })

  test('that is rotated is unknown by its old value, and goes on spending by its new one', async () => {
    const spender = await makeSpender({ gateway }, { 'virtual key': budget(2) })
    const { finish } = await inFlight(spender.value)
    const { virtual_key } = await change({ gateway }, 'POST', `/virtual-keys/${spender.keyId}/rotate`)
    expect(await ask(spender.value)).toEqual([401, 'virtual_key_not_found'])
    await finish()
    expect(await ask(spender.value)).toEqual([401, 'virtual_key_not_found'])
    expect(await ask(virtual_key.value)).toEqual(admitted)
    expect(await ask(virtual_key.value)).toEqual(spent)
    expect(await usageOf(idOf(spender, 'virtual key'))).toBe(2)
  })

  test('that is deleted is unknown to the next call; those above it are charged all the same', async () => {
    const spender = await makeSpender(
      { gateway },
      {
        customer: budget(100),
        team: budget(100),
        'virtual key': budget(100),
        'provider config': budget(100),
      },
    )
    const { finish } = await inFlight(spender.value)
    await remove(`/virtual-keys/${spender.keyId}`)
    expect(await ask(spender.value)).toEqual([401, 'virtual_key_not_found'])
    await finish()
    expect(await ask(spender.value)).toEqual([401, 'virtual_key_not_found'])
    expect(await usageOf(idOf(spender, 'team'))).toBe(1)
    expect(await usageOf(idOf(spender, 'customer'))).toBe(1)
    expect(await eventsStored(spender, 1)).toBe(1)
    for (const level of ['virtual key', 'provider config'] as const) {
      expect(await rollupsOf(`budget:${idOf(spender, level)}`, () => true)).toBe(0)
      expect(await budgetOf(idOf(spender, level))).toBeUndefined()
    }
  })

  test('that moves to another team is judged by that one; the call in flight was admitted by the first', async () => {
    const spender = await makeSpender({ gateway }, { team: budget(1) })
    const other = await makeSpender({ gateway }, { team: budget(1) })
    const { finish } = await inFlight(spender.value)
    expect(await ask(other.value)).toEqual(admitted)
    await put(`/virtual-keys/${spender.keyId}`, { team_id: other.teamId })
    expect(await ask(spender.value)).toEqual(spent)
    await finish()
    expect(await usageOf(idOf(spender, 'team'))).toBe(1)
    expect(await usageOf(idOf(other, 'team'))).toBe(1)
  })
})

describe('a party', () => {
  test.each(['team', 'customer'] as const)(
    'a %s that is deleted limits nothing any more, and is charged nothing',
    async (level) => {
      const other = level === 'team' ? 'customer' : 'team'
      const spender = await makeSpender(
        { gateway },
        { [level]: budget(2), [other]: budget(100), 'virtual key': budget(100) },
      )
      const { finish } = await inFlight(spender.value)
      expect(await ask(spender.value)).toEqual(admitted)
      expect(await ask(spender.value)).toEqual(spent)
      await remove(ownerPath(spender, level))
      expect(await ask(spender.value)).toEqual(admitted)
      await finish()
      const key = await change({ gateway }, 'GET', `/virtual-keys/${spender.keyId}`)
      expect(key.virtual_key.customer_id).toBeUndefined()
      expect(await usageOf(idOf(spender, 'virtual key'))).toBe(3)
      // The way to the customer leads over the team, and was there when the call in flight was admitted.
      expect(await usageOf(idOf(spender, other))).toBe(level === 'team' ? 2 : 3)
      expect(await eventsStored(spender, 3)).toBe(3)
      expect(await rollupsOf(`budget:${idOf(spender, level)}`, () => true)).toBe(1)
      expect(await budgetOf(idOf(spender, level))).toBeUndefined()
      expect((await manage({ gateway }, 'GET', ownerPath(spender, level))).status).toBe(404)
    },
  )

  test('a team that is deleted while a body is still coming is not charged for that call', async () => {
    const spender = await makeSpender({ gateway }, { team: budget(100), 'virtual key': budget(100) })
    const slow = await slowBody(spender.value)
    await remove(ownerPath(spender, 'team'))
    expect(await slow.finish()).toBe(200)
    expect(await usageOf(idOf(spender, 'virtual key'))).toBe(1)
    expect(await eventsStored(spender, 1)).toBe(1)
    expect(await rollupsOf(`budget:${idOf(spender, 'team')}`, () => true)).toBe(0)
  })

  test.each(['team', 'customer', 'virtual key'] as const)(
    'the budgets of a %s have used nothing once that is asked for, in the windows that they are in',
    async (level) => {
      const spender = await makeSpender(
        { gateway },
        {
          [level]: {
            budgets: [
              { max_limit: 2, reset_duration: '1d' },
              { max_limit: 2, reset_duration: '1M', calendar_aligned: true },
            ],
          },
        },
      )
      expect(await ask(spender.value)).toEqual(admitted)
      const { finish } = await inFlight(spender.value)
      expect(await ask(spender.value)).toEqual(spent)
      const before = await limitsShown()
      await put(ownerPath(spender, level), { reset_budget_usage: true })
      expect(await ask(spender.value)).toEqual(admitted)
      expect(await ask(spender.value)).toEqual(spent)
      await finish()
      const after = await limitsShown()
      for (const id of spender.budgets[level]) {
        expect(after.get(id)).toMatchObject({
          current_usage: 2,
          last_reset: before.get(id)?.last_reset,
          reset_duration: before.get(id)?.reset_duration,
        })
      }
    },
  )
})

describe('a raise of a budget', () => {
  test('opens the next call, for as many windows as it is for; its end closes it', async () => {
    const spender = await makeSpender({ gateway }, { 'virtual key': budget(1) })
    const id = idOf(spender, 'virtual key')
    const path = `/virtual-keys/${spender.keyId}/budgets/${id}/override`
    const { finish } = await inFlight(spender.value)
    expect(await ask(spender.value)).toEqual(spent)
    await put(path, { amount: 1, mode: 'cycles', cycles: 1 })
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(spent)
    await finish()
    expect(await budgetOf(id)).toMatchObject({ current_usage: 2, effective_max_limit: 2 })
    await put(path, { amount: 2, mode: 'forever' })
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(spent)
    await put(path, { amount: 3, mode: 'forever' })
    const last = await inFlight(spender.value)
    await remove(path)
    expect(await ask(spender.value)).toEqual(spent)
    await last.finish()
    expect(await budgetOf(id)).toMatchObject({ max_limit: 1, current_usage: 4 })
    expect((await budgetOf(id))?.effective_max_limit).toBeUndefined()
  })
})

describe('a rate limit', () => {
  const both = {
    token_max_limit: 100,
    token_reset_duration: '1d',
    request_max_limit: 100,
    request_reset_duration: '1d',
  }
  const limited = (type: string) => [429, type]
  const setUp = async (rate_limit: object) => {
    const spender = await makeSpender({ gateway }, { team: { rate_limit } as Limits })
    const { team } = await change({ gateway }, 'GET', `/teams/${spender.teamId}`)
    return { spender, id: team.rate_limit_id as string }
  }

  test('that is lowered refuses the next call, and counts the one in flight once', async () => {
    const { spender, id } = await setUp(both)
    const { finish } = await inFlight(spender.value)
    await put(`/teams/${spender.teamId}`, { rate_limit: { ...both, request_max_limit: 1 } })
    expect(await ask(spender.value)).toEqual(limited('request_limited'))
    await put(`/teams/${spender.teamId}`, { rate_limit: { ...both, token_max_limit: tokensOfCall } })
    expect(await ask(spender.value)).toEqual(limited('token_limited'))
    await finish()
    expect((await limitsShown()).get(id)).toMatchObject({
      token_max_limit: tokensOfCall,
      token_current_usage: tokensOfCall,
      request_current_usage: 1,
    })
  })

  test('whose durations change keeps what both halves have counted', async () => {
    const { spender, id } = await setUp(both)
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    const hourly = { ...both, token_reset_duration: '1h', request_reset_duration: '2h', request_max_limit: 3 }
    await put(`/teams/${spender.teamId}`, { rate_limit: hourly })
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(limited('request_limited'))
    await finish()
    expect((await limitsShown()).get(id)).toMatchObject({
      token_current_usage: 3 * tokensOfCall,
      request_current_usage: 3,
    })
  })

  test('of which a half goes and comes again counts that half from nothing', async () => {
    const { spender, id } = await setUp(both)
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    const { token_max_limit, token_reset_duration, ...requests } = both
    await put(`/teams/${spender.teamId}`, { rate_limit: requests })
    await put(`/teams/${spender.teamId}`, { rate_limit: { ...both, token_max_limit: tokensOfCall } })
    expect(await ask(spender.value)).toEqual(admitted)
    await finish()
    expect((await limitsShown()).get(id)).toMatchObject({
      token_max_limit: tokensOfCall,
      token_current_usage: tokensOfCall,
      request_current_usage: 3,
    })
    expect([token_max_limit, token_reset_duration]).toEqual([100, '1d'])
  })
})

describe('a window that ends', () => {
  test('while a call is in flight is not charged for it: the next one is', async () => {
    const spender = await makeSpender(
      { gateway },
      { team: { budgets: [{ max_limit: 2, reset_duration: '1h' }] } },
    )
    const id = idOf(spender, 'team')
    expect(await ask(spender.value)).toEqual(admitted)
    const { finish } = await inFlight(spender.value)
    await gateway.setClock(noon + hourMs)
    expect(await usageOf(id)).toBe(0)
    await finish()
    expect(await usageOf(id)).toBe(1)
    expect(await ask(spender.value)).toEqual(admitted)
    expect(await ask(spender.value)).toEqual(spent)
  })
})

describe('a kill in the middle of it all', () => {
  const restart = async () => {
    await gateway.stop('SIGKILL')
    gateway = await startGatewayProcess({
      config: configurationFor(world.upstream.url),
      databaseUrl: world.databaseUrl,
      dataDirectory: world.gateway.dataDirectory,
      clock: noon + hourMs,
    })
  }

  test('leaves every limit with what it had used; what was in flight is charged to strict budgets alone', async () => {
    const strict = await makeSpender(
      { gateway },
      { team: budget(1_000_000, { strict: true }), 'virtual key': budget(100) },
    )
    expect(await ask(strict.value)).toEqual(admitted)
    await inFlight(strict.value)
    const id = idOf(strict, 'team')
    await changeBudgets(strict, 'team', [{ id, reset_duration: '1w' }])
    // Whose call has not ended by a reset is charged after it.
    const forgiven = await makeSpender({ gateway }, { team: budget(1_000_000, { strict: true }) })
    expect(await ask(forgiven.value)).toEqual(admitted)
    await inFlight(forgiven.value)
    await change({ gateway }, 'POST', `/budgets/${idOf(forgiven, 'team')}/reset`)
    expect(await usageOf(idOf(forgiven, 'team'))).toBe(0)
    const strictIds = new Set([id, idOf(forgiven, 'team')])

    const before = await limitsShown()
    expect(before.size).toBeGreaterThan(20)
    await restart()
    const after = await limitsShown()
    expect(after.get(id)?.current_usage).toBe(2)
    expect(after.get(idOf(forgiven, 'team'))?.current_usage).toBe(1)
    const others = (limits: ReadonlyMap<string, Shown>) =>
      new Map([...limits].filter(([other]) => !strictIds.has(other)))
    expect(others(after)).toEqual(others(before))
    expect(await ask(strict.value)).toEqual(admitted)

    expect(await usageOf(id)).toBe(3)
    if (!isLong) return
    const again = await limitsShown()
    await restart()
    expect(await limitsShown()).toEqual(again)
  })
})
