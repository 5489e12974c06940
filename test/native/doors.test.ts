import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dial, request } from '../edges/wire.ts'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { chat, openFrontier } from '../setup/frontier.ts'
import { call, chatOf, type Governed, openGoverned } from '../setup/governance.ts'

const value = 'sk-bf-app'
const slug = 'aurora/lumen'

describe('which door a credential opens', () => {
  let world: Governed
  let federated: string

  beforeAll(async () => {
    world = await openGoverned({
      providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'secret-main' }] }],
      virtual_keys: [{ name: 'app', value, provider_configs: [{ provider: 'openai' }] }],
    })
    const frontier = openFrontier(world.gateway)
    await frontier.createEndpoint(slug)
    federated = await frontier.mintKey(await frontier.createGroup({ models: { [slug]: [] } }))
  })
  afterAll(() => world.close())

  const withHeaders = (headers: Record<string, string>, model: string) =>
    call(world, null, chatOf(model), { headers })

  test.each([
    ['x-bf-vk', value],
    ['authorization', `Bearer ${value}`],
    ['authorization', `bearer ${value}`],
    ['x-api-key', value],
    ['x-goog-api-key', value],
    ['api-key', value],
  ])('a virtual key in %s as %s', async (name, text) => {
    const { status, body } = await withHeaders({ [name]: text }, 'openai/m')
    expect([status, body.extra_fields.provider]).toEqual([200, 'openai'])
  })

  test('a federated key under Bearer or an SDK’s header is the frontier’s', async () => {
    for (const headers of [{ authorization: `Bearer ${federated}` }, { 'x-api-key': federated }]) {
      const { status, body } = await withHeaders(headers, slug)
      expect([status, body.model, 'extra_fields' in body]).toEqual([200, slug, false])
    }
    expect((await chat(world.gateway, federated, { model: slug })).status).toBe(200)
  })

  test('Api-Key decides alone, x-bf-vk goes before Bearer, and what is neither counts as absent', async () => {
    const both = { authorization: `Api-Key ${federated}`, 'x-bf-vk': value }
    expect((await withHeaders(both, slug)).body.model).toBe(slug)
    const own = { authorization: `Bearer ${federated}`, 'x-bf-vk': value }
    expect((await withHeaders(own, 'openai/m')).body.extra_fields.provider).toBe('openai')
    const dummy = { authorization: 'Bearer dummy', 'x-api-key': value }
    expect((await withHeaders(dummy, 'openai/m')).status).toBe(200)
    const wrong = await withHeaders({ authorization: `Api-Key ${value}` }, slug)
    expect([wrong.status, wrong.body]).toEqual([
      401,
      { error: expect.any(String), error_code: 'unauthorized' },
    ])
  })

  test('the frontier has nothing where only the native door has', async () => {
    const answered = await call(
      world,
      null,
      { model: slug, input: 'x' },
      {
        path: '/v1/responses',
        headers: { authorization: `Api-Key ${federated}` },
      },
    )
    expect([answered.status, answered.body.error_code]).toEqual([404, 'client_error'])
  })
})

describe('a workspace’s own domain', () => {
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned(
      {
        client_config: { enforce_auth_on_inference: false },
        providers: [{ provider: 'openai', keys: [{ name: 'main', value: 'secret-main' }] }],
        virtual_keys: [{ name: 'app', value, provider_configs: [{ provider: 'openai' }] }],
      },
      { ofWorkspace: { domains: ['models.aurora.example'] } },
    )
  })
  afterAll(() => world.close())

  async function answeredUnder(host: string, ...headers: string[]) {
    const body = JSON.stringify(chatOf('openai/m'))
    const wire = dial(world.gateway.url)
    const usual = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
    wire.send(request('POST /v1/chat/completions HTTP/1.1', [`Host: ${host}`, ...usual, ...headers], body))
    const { status, body: told } = await wire.answer()
    wire.socket.destroy()
    return [status, JSON.parse(told.toString()).error_code ?? null]
  }

  test('is the frontier’s where nothing is shown, and no other name is', async () => {
    const own = 'models.aurora.example'
    const frontiers = [401, 'unauthorized']
    expect(await answeredUnder(own)).toEqual(frontiers)
    expect(await answeredUnder(`${own.toUpperCase()}:8080`)).toEqual(frontiers)
    // What is no key of ours counts as nothing.
    expect(await answeredUnder(own, 'Authorization: Bearer dummy')).toEqual(frontiers)
    expect(await answeredUnder('localhost')).toEqual([200, null])
  })

  test('opens the native door to a virtual key, as any name does', async () => {
    const own = 'models.aurora.example'
    expect(await answeredUnder(own, `x-bf-vk: ${value}`)).toEqual([200, null])
    expect(await answeredUnder(own, `Authorization: Bearer ${value}`)).toEqual([200, null])
    // One that there is not is refused in the words of the door that it asked for.
    expect(await answeredUnder(own, 'x-bf-vk: sk-bf-nobody')).toEqual([401, null])
  })
})

describe('callers without a credential', () => {
  let world: Governed

  beforeAll(async () => {
    world = await openGoverned({
      client_config: { enforce_auth_on_inference: false },
      providers: [
        { provider: 'openai', keys: [{ name: 'main', value: 'secret-main' }] },
        { provider: 'inside', keys: [{ name: 'inside', value: 'x' }], is_trusted: false },
        {
          provider: 'opened',
          keys: [{ name: 'opened', value: 'x' }],
          is_trusted: false,
          network_config: { allow_private_network: true },
        },
      ],
    })
  })
  afterAll(() => world.close())

  const body = JSON.stringify(chatOf('openai/m'))
  async function statusWith(...headers: string[]): Promise<number> {
    const wire = dial(world.gateway.url)
    const usual = ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
    const hosts = headers.some((line) => line.startsWith('Host:')) ? [] : ['Host: localhost']
    wire.send(request('POST /v1/chat/completions HTTP/1.1', [...hosts, ...usual, ...headers], body))
    const { status } = await wire.answer()
    wire.socket.destroy()
    return status
  }

  test('are served from here, and refused from another page or under another name', async () => {
    expect(await statusWith()).toBe(200)
    expect(await statusWith('Origin: https://evil.example')).toBe(403)
    expect(await statusWith('Sec-Fetch-Site: cross-site')).toBe(403)
    expect(await statusWith('Host: rebound.example')).toBe(403)
  })

  test('reach no private address that came over the API', async () => {
    for (const provider of ['inside', 'opened']) {
      const { status, body: told } = await call(world, null, chatOf(`${provider}/m`))
      expect([status, told.error.code]).toEqual([502, 'provider_connection_failed'])
    }
  })
})

describe('a private address that came over the API', () => {
  let world: Governed
  let upstream: FakeUpstream

  beforeAll(async () => {
    upstream = await startFakeUpstream()
    const network_config = { base_url: upstream.url }
    world = await openGoverned(
      {
        client_config: { enforce_auth_on_inference: false },
        providers: [
          { provider: 'closed', keys: [{ name: 'closed', value: 'x' }], is_trusted: false, network_config },
          {
            provider: 'opened',
            keys: [{ name: 'opened', value: 'x' }],
            is_trusted: false,
            network_config: { ...network_config, allow_private_network: true },
          },
        ],
      },
      { config: { network: { allow_private: ['127.0.0.0/8'] } } },
    )
  })
  afterAll(async () => {
    await world.close()
    await upstream.close()
  })

  test('is reached where both the operator’s file and the provider allow it', async () => {
    expect((await call(world, null, chatOf('closed/m'))).status).toBe(502)
    expect((await call(world, null, chatOf('opened/m'))).status).toBe(200)
    // Connections that one provider may use are not lent to another.
    expect((await call(world, null, chatOf('closed/m'))).status).toBe(502)
  })
})
