import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tollgate } from '../cli/run.ts'
import { documentedFetch } from '../setup/contract.ts'
import { temporaryFolder } from '../setup/folders.ts'
import { call, chatOf, type Governed, openGoverned } from '../setup/governance.ts'

const value = 'sk-bf-app'
const model = 'openai/gpt-4o-mini'

describe('headers that calls must have', () => {
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned(
      {
        providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'secret-main' }] }],
        virtual_keys: [{ name: 'app', value, provider_configs: [{ provider: 'openai' }] }],
      },
      {
        config: {
          client: { required_headers: { 'X-Region': 'eu-(north|west)-\\d+', 'X-Pass': 'env.PASS' } },
        },
        environment: { PASS: 'open(sesame' },
      },
    )
  })
  afterAll(() => world.close())

  const demand = async (required_headers: unknown) => {
    const response = await documentedFetch(`${world.gateway.url}/api/config`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${world.gateway.adminKey}` },
      body: JSON.stringify({ client_config: { required_headers } }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: answers are judged by what the tests expect of them
    return { status: response.status, body: (await response.json()) as any }
  }
  const told = async (headers: Record<string, string>) => {
    const { status, body } = await call(world, value, chatOf(model), { headers })
    return status === 200 ? 200 : `${status} ${body.error.message}`
  }
  const wrong = (name: string) => `400 invalid required header value: ${name}`

  test('the file demands values by name: a pattern of all of it, and what a variable holds', async () => {
    const right = { 'x-region': 'eu-west-1', 'x-pass': 'open(sesame' }
    expect(await told(right)).toBe(200)
    expect(await told({ ...right, 'x-region': 'eu-west-1b' })).toBe(wrong('X-Region'))
    expect(await told({ ...right, 'x-region': 'in eu-west-1' })).toBe(wrong('X-Region'))
    // The name of a variable is not what it holds, and what it holds is no pattern.
    expect(await told({ ...right, 'x-pass': 'env.PASS' })).toBe(wrong('X-Pass'))
    expect(await told({ 'x-pass': 'x' })).toBe('400 missing required headers: X-Region')
  })

  test('a text stands for itself, and the API says so of patterns as soon as it has answered', async () => {
    expect(await demand({ 'X-Tenant': 'acme.+', 'X-Any': '*' })).toMatchObject({ status: 200 })
    const tenant = (text: string) => told({ 'x-tenant': text, 'x-any': 'anything' })
    expect(await tenant('acme.+')).toBe(200)
    expect(await tenant('acme-7')).toBe(200)
    expect(await tenant('acme')).toBe(wrong('X-Tenant'))
    expect(await demand(['X-Any'])).toMatchObject({ status: 200 })
    expect(await told({ 'x-any': '1' })).toBe(200)
    expect(await demand(null)).toMatchObject({ status: 200 })
    expect(await told({})).toBe(200)
  })

  test.each([
    ['acme(', 'missing closing \\)'],
    ['(a)\\1', 'invalid escape sequence'],
    ['a(?=b)', 'invalid or unsupported Perl syntax'],
    ['a)|(b', 'unexpected \\)|missing'],
    ['(a{100}){100}', 'too large|repeats|invalid repeat'],
    ['env.NOWHERE', 'NOWHERE is not set in the environment'],
  ])('what cannot be held against anything is refused when it is written: %s', async (text, why) => {
    const { status, body } = await demand({ 'X-Tenant': text })
    expect([status, body.error.message]).toEqual([
      400,
      expect.stringMatching(new RegExp(`^client_config\\.required_headers\\.X-Tenant: .*(${why})`)),
    ])
    expect(await told({})).toBe(200)
  })

  test('a pattern that would take others forever judges a long value at once', async () => {
    await demand({ 'X-Tenant': '(a+)+b' })
    expect(await told({ 'x-tenant': 'a'.repeat(4000) })).toBe(wrong('X-Tenant'))
    expect(await told({ 'x-tenant': `${'a'.repeat(4000)}b` })).toBe(200)
  })
})

test.each([
  ['acme(', /^client\.required_headers\.X-Tenant: .*missing closing/m],
  ['env.NOWHERE', /^client\.required_headers\.X-Tenant: NOWHERE is not set in the environment/m],
])('a file with such a value does not start, and is told so beforehand: %s', async (text, why) => {
  const folder = temporaryFolder()
  const file = join(folder, 'tollgate.json')
  writeFileSync(file, JSON.stringify({ version: 2, client: { required_headers: { 'X-Tenant': text } } }))
  const checked = await tollgate(['check', file])
  expect([checked.code, checked.output + checked.errors]).toEqual([78, expect.stringMatching(why)])
  const started = await tollgate(['serve', '--port', '0', '--data', folder, '--config', file])
  expect([started.code, started.errors]).toEqual([78, expect.stringMatching(why)])
})
