import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { call, chatOf, type Governed, openGoverned } from '../setup/governance.ts'

const value = 'sk-bf-app'
const custom = { custom_provider_config: { base_provider_type: 'openai' } }

describe('one call as its caller wants it', () => {
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned(
      {
        providers: [
          {
            provider: 'house',
            keys: [
              { name: 'first', value: 'secret-first' },
              { name: 'second', value: 'secret-second', weight: 0 },
            ],
            network_config: { max_retries: 2, retry_backoff_initial: 1, retry_backoff_max: 5 },
            ...custom,
          },
          { provider: 'other', keys: [{ name: 'third', value: 'secret-third' }], ...custom },
          {
            provider: 'silent',
            keys: [{ name: 'fourth', value: 'secret-fourth' }],
            network_config: { default_request_timeout_in_seconds: 1 },
            ...custom,
          },
        ],
        virtual_keys: [
          {
            name: 'app',
            value,
            provider_configs: ['house', 'other', 'silent'].map((provider) => ({ provider })),
          },
        ],
      },
      { config: { client: { stream_keepalive_seconds: 0.05 } } },
    )
  })
  afterAll(() => world.close())
  beforeEach(() => world.upstream.program(() => undefined))

  const ask = (model: string, more: object = {}, headers: Record<string, string> = {}) =>
    call(world, value, chatOf(model, more), { headers })
  function scripted(scripts: Readonly<Record<string, readonly Script[]>>): void {
    const left = new Map(Object.entries(scripts).map(([secret, list]) => [`Bearer ${secret}`, [...list]]))
    world.upstream.program(({ headers }) => left.get(headers.authorization ?? '')?.shift())
  }
  const failing = { status: 500 }

  test('fewer retries than the operator allows, and never more', async () => {
    const sentFor = async (headers: Record<string, string>) => {
      scripted({ 'secret-first': Array(9).fill(failing) })
      const before = world.upstream.served().requests
      expect((await ask('house/m', {}, headers)).status).toBe(500)
      return world.upstream.served().requests - before
    }
    expect(await sentFor({})).toBe(3)
    expect(await sentFor({ 'x-bf-max-retries': '1' })).toBe(2)
    expect(await sentFor({ 'x-bf-max-retries': '0' })).toBe(1)
    expect(await sentFor({ 'x-bf-max-retries': '7' })).toBe(3)
  })

  test('a shorter time for an answer, whole or streamed, and never a longer one', async () => {
    const quietly: Script = { headDelayMs: 60_000 }
    for (const more of [{}, { stream: true }]) {
      scripted({ 'secret-first': [quietly, quietly, quietly] })
      const late = await ask('house/m', more, { 'x-bf-timeout-ms': '60', 'x-bf-max-retries': '0' })
      expect([late.status, late.body.error.message]).toEqual([
        504,
        "The provider did not answer in time. The request's x-bf-timeout-ms says how long it is waited for.",
      ])
    }
    scripted({ 'secret-fourth': [quietly] })
    const longer = await ask('silent/m', {}, { 'x-bf-timeout-ms': '60000' })
    expect([longer.status, longer.body.error.message]).toEqual([
      504,
      expect.stringContaining('network_config.default_request_timeout_in_seconds'),
    ])
    // What is left of a whole answer is not waited for longer, either.
    scripted({ 'secret-first': [{ cutAfterBytes: 10, cutBy: 'hang' }] })
    const half = await ask('house/m', {}, { 'x-bf-timeout-ms': '60', 'x-bf-max-retries': '0' })
    expect([half.status, half.body.error.message]).toEqual([504, expect.stringContaining('x-bf-timeout-ms')])
  })

  test('where a stream tells of itself', async () => {
    const told = async (kind: string) => {
      const { text } = await ask('house/m', { stream: true }, { 'x-bf-stream-extra-fields': kind })
      return [text.split('"extra_fields"').length - 1, text.split('data: {').length - 1]
    }
    expect((await told('none'))[0]).toBe(0)
    expect((await told('Edges'))[0]).toBe(2)
    const [all, chunks] = await told('all')
    expect(all).toBe(chunks)
  })

  test.each([
    ['x-bf-timeout-ms', '0', 'a whole number from 1'],
    ['x-bf-timeout-ms', '1.5', 'a whole number from 1'],
    ['x-bf-max-retries', '-1', 'a whole number from 0'],
    ['x-bf-stream-extra-fields', 'some', 'one of edges, all, none'],
  ])('%s: %s is 400, and is not sent', async (name, text, allowed) => {
    const before = world.upstream.served().requests
    const { status, body } = await ask('house/m', {}, { [name]: text })
    expect([status, body.error.message]).toEqual([400, `${name} must be ${allowed}`])
    expect(world.upstream.served().requests).toBe(before)
  })

  test('a stream that falls silent is kept alive by comments, which an SDK passes over', async () => {
    scripted({ 'secret-first': [{ stallAfterChunks: 1, text: 'one two three' }] })
    const response = await fetch(`${world.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-bf-vk': value },
      body: JSON.stringify(chatOf('house/m', { stream: true })),
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (text.split('\n\n: keepalive\n\n').length < 3) text += (await reader?.read())?.value ?? ''
    // Only after the first content, and between events.
    expect(text).toMatch(/^data: \{.*\}\n\n(: keepalive\n\n)+$/s)
    await world.upstream.resume()
    for (let part = await reader?.read(); !part?.done; part = await reader?.read()) text += part?.value
    expect(text).toMatch(/data: \[DONE\]\n\n$/)

    scripted({ 'secret-first': [{ stallAfterChunks: 1 }] })
    const sdk = new OpenAI({ baseURL: `${world.gateway.url}/v1`, apiKey: value })
    const stream = await sdk.chat.completions.create({
      model: 'house/m',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
    })
    const timer = setTimeout(() => void world.upstream.resume(), 200)
    const finishes: (string | null | undefined)[] = []
    for await (const chunk of stream) finishes.push(chunk.choices[0]?.finish_reason)
    clearTimeout(timer)
    expect(finishes.at(-1)).toBe('stop')
  })

  test('what was tried again, with another key or elsewhere is counted, by why', async () => {
    const counts = async () => {
      const response = await fetch(`${world.gateway.url}/metrics`, {
        headers: { authorization: `Bearer ${world.gateway.adminKey}` },
      })
      return (await response.text())
        .split('\n')
        .filter((line) => /^tollgate_(key_rotation|retries|fallbacks)/.test(line))
    }
    const countOf = (lines: readonly string[], name: string) =>
      Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? 0)
    const before = await counts()
    scripted({
      'secret-first': [{ status: 429 }],
      'secret-second': [{ status: 401 }, failing],
    })
    expect((await ask('house/m', { fallbacks: ['other/m'] })).status).toBe(200)
    scripted({ 'secret-first': Array(3).fill(failing) })
    expect((await ask('house/m', { fallbacks: ['other/m'] })).body.extra_fields.provider).toBe('other')
    const after = await counts()
    const grown = (name: string) => countOf(after, name) - countOf(before, name)
    const rotations = 'tollgate_key_rotation_events_total'
    expect({
      limited: grown(
        `${rotations}{provider="house",key_id="first",key_name="first",fail_reason="rate_limit_error"}`,
      ),
      dead: grown(
        `${rotations}{provider="house",key_id="second",key_name="second",fail_reason="authentication_error"}`,
      ),
      retries: grown('tollgate_retries_total{provider="house",fail_reason="provider_server_error"}'),
      fallbacks: grown('tollgate_fallbacks_total{provider="house",fail_reason="provider_server_error"}'),
    }).toEqual({ limited: 1, dead: 1, retries: 2, fallbacks: 1 })
  })

  test('when a provider’s bucket fills again is waited for, where that is what was missing', async () => {
    const gaps = async (headers: Record<string, string>, status: number) => {
      scripted({ 'secret-third': [{ status, headers }] })
      return ask('other/m')
    }
    const reset = { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '2.4s' }
    const limited = await gaps({ ...reset, 'x-ratelimit-reset-requests': '90s' }, 429)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3'])
    // Other errors have such headers too, and mean nothing by them.
    const broken = await gaps(reset, 500)
    expect([broken.status, broken.headers.get('retry-after')]).toEqual([500, null])
    const said = await gaps({ ...reset, 'retry-after': '1' }, 500)
    expect([said.status, said.headers.get('retry-after')]).toEqual([500, '1'])
    const hours = await gaps({ 'retry-after': '9'.repeat(12) }, 503)
    expect([hours.status, hours.headers.get('retry-after')]).toEqual([503, '86400'])
  })

  test('a key whose bucket is empty for long is left alone, and the other is taken', async () => {
    scripted({ 'secret-first': [{ status: 429, headers: { 'x-ratelimit-reset-requests': '1m30s' } }] })
    expect((await ask('house/m')).body.extra_fields.routing_info.key).toBe('second')
    expect((await ask('house/m')).body.extra_fields.routing_info.key).toBe('second')
  })
})
