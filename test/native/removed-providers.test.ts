import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, chatOf, type Governed, openGoverned } from '../setup/governance.ts'
import { change, makeSpender, manage } from './spenders.ts'

describe('a provider that is removed', () => {
  let world: Governed
  let network_config: object

  beforeAll(async () => {
    world = await openGoverned({}, { config: { network: { allow_private: ['127.0.0.0/8'] } } })
    network_config = { base_url: world.upstream.url, allow_private_network: true }
    const keys = [{ name: 'main', value: 'secret-main', models: ['*'] }]
    expect(await setUp('POST', '', { provider: 'openai', keys, network_config })).toBe(200)
    expect(await setUp('POST', '', { ...house, network_config })).toBe(200)
  })
  afterAll(() => world.close())

  const setUp = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${world.gateway.url}/api/providers${path}`, {
      method,
      headers: { authorization: `Bearer ${world.gateway.adminKey}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    return response.status
  }
  const house = {
    provider: 'house',
    custom_provider_config: { base_provider_type: 'openai', is_key_less: true },
  }

  test('leaves what virtual keys may use of it, and what that has counted, for its return', async () => {
    const { keyId, value } = await makeSpender(world, {})
    const limit = { request_max_limit: 2, request_reset_duration: '1d' }
    const configs = [
      { provider: 'openai', weight: null, allowed_models: ['*'], key_ids: ['*'] },
      { provider: 'house', allowed_models: ['*'], key_ids: ['*'], rate_limit: limit },
    ]
    await change(world, 'PUT', `/virtual-keys/${keyId}`, { provider_configs: configs })
    const statusAt = async (provider: string) => (await call(world, value, chatOf(`${provider}/m`))).status
    expect(await statusAt('house')).toBe(200)

    expect(await setUp('DELETE', '/house')).toBe(200)
    // Its name is none any more, and nobody is known to serve a model that is called so.
    const { status, body } = await call(world, value, chatOf('house/m'))
    expect([status, body.type]).toEqual([400, 'invalid_request_error'])
    expect(await statusAt('openai')).toBe(200)
    const { virtual_key: key } = await change(world, 'GET', `/virtual-keys/${keyId}`)
    const shown = key.provider_configs.map(({ id, provider }: Record<string, unknown>) => ({ id, provider }))
    expect(shown.map(({ provider }: { provider: string }) => provider)).toEqual(['openai', 'house'])
    // What the key has may be written back as it is shown; a key that has it not cannot be given it.
    await change(world, 'PUT', `/virtual-keys/${keyId}`, { provider_configs: shown })
    const given = await manage(world, 'POST', '/virtual-keys', {
      name: 'another',
      provider_configs: [configs[1]],
    })
    expect([given.status, given.body.error.message]).toEqual([400, 'invalid provider name: house'])

    expect(await setUp('POST', '', { ...house, network_config })).toBe(200)
    expect(await statusAt('house')).toBe(200)
    expect(await statusAt('house')).toBe(429)
  })
})
