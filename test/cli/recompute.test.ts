import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { documentedFetch } from '../setup/contract.ts'
import { mostDatabases, type TestPlace } from '../setup/databases.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { type Gateway, masterKeyOfTests, startGateway } from '../setup/gateway.ts'
import { tollgate } from './run.ts'

const at = Date.UTC(2026, 10, 2, 8, 15)
const hourMs = 3_600_000

describe.each(mostDatabases())('recompute-costs on $name', ({ create }) => {
  let upstream: FakeUpstream
  let place: TestPlace
  let gateway: Gateway
  let budgetId: string

  /**
   * Four calls of 100 tokens in and 10 out: of a model at a dollar a token, of one whose provider says what it costs, of
   * one that is not known any more later on, and an hour later of the first one again.
   */
  beforeAll(async () => {
    upstream = await startFakeUpstream({ script: { promptTokens: 100, completionTokens: 10 } })
    place = await create()
    const network = { origins: { 'https://api.openai.com': upstream.url } }
    gateway = await startGateway({ config: { network }, databaseUrl: place.url, clock: at })
    await ask('POST', '/api/providers', { provider: 'openai' })
    await ask('POST', '/api/providers/openai/keys', { id: 'main', name: 'main', value: 'key-of-the-vendor' })
    const config = { provider: 'openai', weight: 1, allowed_models: ['*'], key_ids: ['*'] }
    const { virtual_key } = await ask('POST', '/api/governance/virtual-keys', {
      name: 'app',
      provider_configs: [config],
      budget: { max_limit: 1_000_000, reset_duration: '1Y' },
    })
    budgetId = virtual_key.budget.id
    const first = await price('first', 1, 1)
    await price('reported', 5, 5)
    const gone = await price('gone', 0.25, 0)
    await call(virtual_key.value, 'first')
    const usage = '{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,"cost":0.123456789012}'
    upstream.script({ usage })
    await call(virtual_key.value, 'reported')
    await call(virtual_key.value, 'gone')
    await gateway.setClock(at + hourMs)
    await call(virtual_key.value, 'first')
    await ask('PUT', `/api/governance/pricing-overrides/${first}`, { patch: rates(2, 0.5) })
    await ask('DELETE', `/api/governance/pricing-overrides/${gone}`)
    await gateway.stop()
  })
  afterAll(async () => {
    await gateway.stop()
    await upstream.close()
    await place.remove()
  })

  // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
  async function ask(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await documentedFetch(`${gateway.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.adminKey}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const json = await answer.json()
    if (!answer.ok) throw new Error(JSON.stringify(json))
    return json
  }
  const rates = (input: number, output: number) => ({
    input_cost_per_token: input,
    output_cost_per_token: output,
  })
  async function price(pattern: string, input: number, output: number): Promise<string> {
    const { pricing_override } = await ask('POST', '/api/governance/pricing-overrides', {
      name: pattern,
      scope_kind: 'global',
      match_type: 'exact',
      pattern,
      request_types: ['chat_completion'],
      patch: rates(input, output),
    })
    return pricing_override.id
  }
  async function call(value: string, model: string): Promise<void> {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-bf-vk': value },
      body: JSON.stringify({ model: `openai/${model}`, messages: [{ role: 'user', content: 'hi' }] }),
    })
    expect([model, answer.status, answer.ok ? '' : await answer.text()]).toEqual([model, 200, ''])
    await answer.arrayBuffer()
  }

  const recompute = async (...args: readonly string[]) => {
    const flags = ['--database-url', place.url, '--master-key', masterKeyOfTests, '--data', temporaryFolder()]
    return tollgate(['recompute-costs', ...flags, ...args])
  }
  const recomputed = async (...args: readonly string[]) => {
    const { code, output, errors } = await recompute('--json', ...args)
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    return JSON.parse(output)
  }
  /** Microdollars and the rest, of events oldest first, of their sums by model, and of what the budget was charged. */
  const stored = () =>
    place.look(async (read) => {
      const events = await read
        .selectFrom('usage_events')
        .innerJoin('native_calls', 'native_calls.id', 'usage_events.id')
        .select(['upstream_model', 'cost_whole', 'cost_pico', 'priced'])
        .orderBy('usage_events.at')
        .orderBy('usage_events.id')
        .execute()
      const buckets = await read
        .selectFrom('usage_buckets')
        .select(['model', 'starts_at', 'calls', 'cost_whole', 'cost_pico'])
        .orderBy('model')
        .orderBy('starts_at')
        .execute()
      const charged = await read
        .selectFrom('rollups')
        .select(['used_whole', 'used_pico'])
        .where('counter', '=', `budget:${budgetId}`)
        .execute()
      return { events, buckets, charged }
    })

  test('prices calls anew by what is in force, keeps what providers said and what nobody knows, and leaves budgets alone', async () => {
    const before = await stored()
    expect(before.events.map(({ cost_whole, cost_pico }) => [cost_whole, cost_pico])).toEqual([
      [110_000_000, 0],
      [123_456, 789_012],
      [25_000_000, 0],
      [110_000_000, 0],
    ])

    const counts = { calls: 4, changed: 2, reported: 1, unpriced: 1 }
    const costs = { cost_before: 245.123456789012, cost_after: 435.123456789012, difference: 190 }
    expect(await recomputed('--dry-run')).toEqual({ dry_run: true, ...counts, ...costs })
    expect(await stored()).toEqual(before)

    // Only the calls of the range.
    const later = await recomputed('--from', '2026-11-02T09:00:00Z')
    expect(later).toEqual({
      dry_run: false,
      calls: 1,
      changed: 1,
      reported: 0,
      unpriced: 0,
      cost_before: 110,
      cost_after: 205,
      difference: 95,
    })
    const sums = async () =>
      (await stored()).buckets.map(({ model, calls, cost_whole, cost_pico }) => [
        model,
        calls,
        cost_whole,
        cost_pico,
      ])
    expect(await sums()).toEqual([
      ['openai/first', 1, 110_000_000, 0],
      ['openai/first', 1, 205_000_000, 0],
      ['openai/gone', 1, 25_000_000, 0],
      ['openai/reported', 1, 123_456, 789_012],
    ])

    const { code, output } = await recompute()
    expect([code, output]).toEqual([
      0,
      [
        '4 calls, of which 1 cost something else now.',
        '1 cost what their provider said, and 1 have no price now: these are as they were.',
        'Before $340.123456789012, now $435.123456789012 (+95).',
        '',
      ].join('\n'),
    ])
    expect(await recomputed()).toMatchObject({ changed: 0, difference: 0 })
    const after = await stored()
    expect(after.events.map(({ cost_whole }) => cost_whole)).toEqual([
      205_000_000, 123_456, 25_000_000, 205_000_000,
    ])
    expect((await sums()).map(([, , whole]) => whole)).toEqual([
      205_000_000, 205_000_000, 25_000_000, 123_456,
    ])
    expect(after.charged).toEqual(before.charged)
    expect(before.charged).toEqual([{ used_whole: 245_123_456, used_pico: 789_012 }])
  })

  test('a range that is none is wrong usage', async () => {
    const { code, errors } = await recompute('--from', 'yesterday')
    expect([code, errors]).toEqual([2, '--from: must be a day or an instant, such as 2026-11-01T08:00:00Z\n'])
  })
})
