import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import type { Answered } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { call, chatOf } from '../setup/governance.ts'
import { tollgate } from './run.ts'

const file = join(import.meta.dirname, 'bifrost.config.json')
const config = JSON.parse(readFileSync(file, 'utf8'))
const virtualKey = 'sk-bf-11111111-1111-4111-8111-111111111111'

/** All that the file names, but for the key of Azure: it is disabled. */
const environment = {
  OPENAI_API_KEY: 'sk-of-openai',
  OPENAI_BASE_URL: 'https://api.openai.com',
  X_A: 'a',
  AZURE_ENDPOINT: 'https://house.openai.azure.com',
  ADMIN_USER: 'ops',
  ADMIN_PASS: 'password-of-ops',
  VK_APP: virtualKey,
  GITHUB_TOKEN: 'token',
}

const unread = [
  'a_section_of_a_later_version',
  'config_store',
  'encryption_key',
  'framework',
  'logs_store',
  'plugins',
  'vector_store',
  'webhooks',
]
const warned = [
  ...unread,
  'client.prometheus_labels',
  'mcp.client_configs',
  'providers.azure.keys.0.value',
].sort()

/** Of the other gateway's own documentation. */
const brokenRules = ['governance.routing_rules.r2', 'governance.routing_rules.r3']

let upstream: FakeUpstream
let gateway: Gateway
beforeAll(async () => {
  upstream = await startFakeUpstream()
  gateway = await startGateway({
    config: { ...config, client: { ...config.client, enforce_auth_on_inferense: true } },
    configName: 'config.json',
    environment: { ...environment, OPENAI_BASE_URL: upstream.url },
  })
})
afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

const ask = async (path: string): Promise<Answered['body']> => {
  const authorization = `Basic ${Buffer.from('ops:password-of-ops').toString('base64')}`
  return (await fetch(`${gateway.url}${path}`, { headers: { authorization } })).json()
}

test('check accepts a Bifrost config.json unchanged, with a warning for each section that is not acted on', async () => {
  const { code, output } = await tollgate(['check', '--json', file], environment)
  const { valid, faults, warnings } = JSON.parse(output)
  expect({ code, valid, faults }).toEqual({ code: 0, valid: true, faults: [] })
  expect(warnings.map(({ path }: { path: string }) => path).sort()).toEqual(
    [...warned, ...brokenRules].sort(),
  )
})

test('check names a secret whose variable is not set', async () => {
  const { code, output } = await tollgate(['check', '--json', file], { ...environment, VK_APP: '' })
  expect(code).toBe(78)
  expect(JSON.parse(output).faults).toEqual([
    { path: 'governance.virtual_keys.0.value', message: 'VK_APP is not set in the environment' },
  ])
})

test('91. A documented config.json of another gateway starts unchanged, and a member that is not known is a warning', async () => {
  const settings = gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('"setting"'))
    .map((line) => JSON.parse(line).setting)
  const leftOut = [...brokenRules, 'governance.virtual_keys.vk1.mcp_configs.1.mcp_client_name']
  expect(settings.sort()).toEqual([...warned, ...leftOut, 'client.enforce_auth_on_inferense'].sort())
})

test('a call with its virtual key is answered by its provider', async () => {
  const called = await call({ gateway }, virtualKey, chatOf('openai/fast'), { headers: { 'x-tenant': 'a' } })
  expect([called.status, called.body?.extra_fields?.provider]).toEqual([200, 'openai'])
  expect(upstream.requests.at(-1)).toMatchObject({
    path: '/v1/chat/completions',
    headers: { authorization: 'Bearer sk-of-openai', 'x-a': 'a' },
    json: { model: 'gpt-4o-mini' },
  })
  const ruled = await call({ gateway }, virtualKey, chatOf('in-house/large'), {
    headers: { 'x-tenant': 'a', 'x-tier': 'fast' },
  })
  expect([ruled.status, ruled.body?.extra_fields?.routing_info?.key]).toEqual([200, 'openai-main'])
})

test('what it demands of calls holds', async () => {
  expect((await call({ gateway }, virtualKey, chatOf('openai/fast'))).status).toBe(400)
  const headers = { 'x-tenant': 'a' }
  expect((await call({ gateway }, null, chatOf('openai/fast'), { headers })).status).toBe(401)
})

test('its customers, limits and keys are there, and its login opens management', async () => {
  expect((await fetch(`${gateway.url}/api/governance/teams`)).status).toBe(401)
  const { teams } = await ask('/api/governance/teams')
  expect(teams).toMatchObject([
    {
      id: 't1',
      name: 'ML',
      profile: { cost_center: 'env.NOT_A_VARIABLE' },
      customer: { id: 'c1', budget_id: 'b-c1', rate_limit: { id: 'rl-c1', token_max_limit: 1_000_000 } },
      budgets: [{ id: 'b-t1', max_limit: 500.5, calendar_aligned: true, config_hash: expect.any(String) }],
      virtual_keys: [{ id: 'vk1', value: virtualKey, budgets: [{ id: 'b-vk', max_limit: 10 }] }],
    },
  ])
  const { budgets } = await ask('/api/governance/budgets')
  expect(budgets.map(({ id }: { id: string }) => id).sort()).toEqual([
    'b-c1',
    'b-model',
    'b-provider',
    'b-t1',
    'b-vk',
  ])
})
