import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { call, chatOf } from '../setup/governance.ts'

const client = { enforce_auth_on_inference: false }

describe('where calls are led', () => {
  let upstream: FakeUpstream
  beforeAll(async () => {
    upstream = await startFakeUpstream()
  })
  afterAll(() => upstream.close())

  const answered = async (gateway: Gateway, provider: string) => {
    const { status, body } = await call({ gateway }, null, chatOf(`${provider}/m`))
    return status === 200 ? 200 : `${status} ${body.error.message}`
  }
  const manage = async (gateway: Gateway, method: string, path: string, body: object) => {
    const response = await fetch(`${gateway.url}/api/providers${path}`, {
      method,
      headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return response.status
  }
  const notReached = '502 The address of the upstream is not one that this gateway may reach.'

  test('addresses of the file as they are written, of keys too; what the API puts there is not', async () => {
    const named = (name: string) => ({ keys: [{ name, ollama_key_config: { url: upstream.url } }] })
    const gateway = await startGateway({
      config: {
        version: 2,
        client,
        providers: {
          ollama: named('of-ollama'),
          house: {
            keys: [],
            network_config: { base_url: upstream.url },
            custom_provider_config: { base_provider_type: 'openai', is_key_less: true },
          },
        },
      },
    })
    expect([await answered(gateway, 'ollama'), await answered(gateway, 'house')]).toEqual([200, 200])
    // A provider of the API at the same address is not the file's.
    const other = {
      provider: 'vllm',
      network_config: { base_url: upstream.url },
      keys: [{ name: 'of-vllm', value: 'a-key', vllm_key_config: { url: upstream.url } }],
    }
    expect(await manage(gateway, 'POST', '', other)).toBe(400)
    // Nor is a whole address in the place of a path.
    const elsewhere = upstream.url.replace('127.0.0.1', 'localhost')
    const overrides = {
      base_provider_type: 'openai',
      request_path_overrides: { chat_completion: `${elsewhere}/v1/chat/completions` },
    }
    expect(await manage(gateway, 'PUT', '/house', { custom_provider_config: overrides })).toBe(200)
    expect(await answered(gateway, 'house')).toBe(notReached)
    await gateway.stop()
  })

  test('a private address that the API wrote, where both the operator and the provider allow it', async () => {
    const gateway = await startGateway({
      config: { version: 2, client, network: { allow_private: ['127.0.0.0/8'] } },
    })
    const house = {
      provider: 'house',
      network_config: { base_url: upstream.url },
      custom_provider_config: { base_provider_type: 'openai', is_key_less: true },
    }
    expect(await manage(gateway, 'POST', '', house)).toBe(400)
    const meant = { ...house.network_config, allow_private_network: true }
    expect(await manage(gateway, 'POST', '', { ...house, network_config: meant })).toBe(200)
    expect(await answered(gateway, 'house')).toBe(200)
    await gateway.stop()
  })
})
