import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from '../fake-upstream.ts'
import { chat, openFrontier } from '../setup/frontier.ts'
import { type Gateway, startGateway } from '../setup/gateway.ts'
import { dial, request } from './wire.ts'

const secretOfOpenai = 'secret-of-openai'
const keys = { aurora: 'workspace-key-of-aurora', borealis: 'workspace-key-of-borealis' }

let upstream: FakeUpstream
let gateway: Gateway

beforeAll(async () => {
  upstream = await startFakeUpstream()
  gateway = await startGateway({ config: configuration(upstream.url) })
})
afterAll(async () => {
  await gateway.stop()
  await upstream.close()
})

function configuration(url: string): object {
  const origins = ['https://api.openai.com', 'https://api.x.ai', 'https://models.example.com']
  return {
    version: 2,
    network: { origins: Object.fromEntries(origins.map((origin) => [origin, url])) },
    frontier: {
      workspaces: [
        {
          id: 'aurora',
          slug_prefixes: ['aurora'],
          domains: ['ai.aurora.example'],
          api_keys: [{ name: 'tests', value: keys.aurora, type: 'WORKSPACE_MANAGE_ALL' }],
          secrets: [{ id: 'openai', value: secretOfOpenai }],
          models: [
            {
              id: 'lumen',
              environments: {
                production: { base_url: `${url}/us/v1`, model: 'lumen-2' },
                europe: { base_url: `${url}/eu/v1`, model: 'lumen-2', region: 'EU' },
              },
            },
            { id: 'local', environments: { production: { base_url: `${url}/local/v1` } } },
          ],
        },
        {
          id: 'borealis',
          slug_prefixes: ['borealis'],
          domains: ['models.borealis.example'],
          api_keys: [{ name: 'tests', value: keys.borealis, type: 'WORKSPACE_MANAGE_ALL' }],
          models: [{ id: 'lumen', environments: { production: { base_url: `${url}/v1` } } }],
        },
      ],
    },
  }
}

let made = 0

/** A slug that leads to a target, and a key that may call it. */
async function slugTo(target: object, more: object = {}): Promise<{ slug: string; key: string }> {
  const frontier = openFrontier(gateway, keys.aurora)
  const slug = `aurora/model-${++made}`
  const { status, body } = await frontier.request('POST', '/endpoints', { slug, targets: [target], ...more })
  expect([status, body]).toEqual([200, expect.anything()])
  return { slug, key: await frontier.mintKey(await frontier.createGroup({ models: { [slug]: [] } })) }
}

describe('targets', () => {
  const vendor = { target_model: 'gpt-x', secret_id: 'openai' }

  test.each([
    ['OPENAI', { provider: 'OPENAI', ...vendor }, '/v1/chat/completions'],
    ['XAI', { provider: 'XAI', ...vendor }, '/v1/chat/completions'],
    [
      'OPENAI_COMPATIBLE',
      { provider: 'OPENAI_COMPATIBLE', ...vendor, base_url: 'https://models.example.com/serve/v1/' },
      '/serve/v1/chat/completions',
    ],
  ])(
    '%s is called at its own address, with the secret and its name for the model',
    async (_, target, path) => {
      const { slug, key } = await slugTo(target)
      for (const stream of [false, true]) {
        const answer = await chat(gateway, key, { model: slug, stream })
        expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining(slug)])
        const served = upstream.requests.at(-1)
        expect(served?.path).toBe(path)
        expect(served?.json?.model).toBe('gpt-x')
        expect(served?.headers.authorization).toBe(`Bearer ${secretOfOpenai}`)
      }
      expect(gateway.log()).not.toContain(secretOfOpenai)
    },
  )

  test.each([
    ['ANTHROPIC', { provider: 'ANTHROPIC', ...vendor }],
    ['VERTEX', { provider: 'VERTEX', ...vendor, vertex_config: { project_id: 'p', location: 'l' } }],
    ['BASETEN_MODEL_API', { provider: 'BASETEN_MODEL_API', target_model: 'gpt-x' }],
  ])('%s is kept, and a call to it says that it cannot be made yet', async (provider, target) => {
    const { slug, key } = await slugTo(target)
    const before = upstream.requests.length
    const answer = await chat(gateway, key, { model: slug })
    expect(answer.status).toBe(502)
    expect(await answer.json()).toEqual({
      error: `Targets of provider ${provider} cannot be called yet.`,
      error_code: 'model_unavailable',
    })
    expect(upstream.requests.length).toBe(before)
  })

  test("without a name of its own a model goes by its environment's, or else by its slug", async () => {
    const named = await slugTo({ provider: 'BASETEN', model_id: 'lumen' })
    await chat(gateway, named.key, { model: named.slug })
    expect(upstream.requests.at(-1)?.json?.model).toBe('lumen-2')
    const unnamed = await slugTo({ provider: 'BASETEN', model_id: 'local' })
    await chat(gateway, unnamed.key, { model: unnamed.slug })
    expect(upstream.requests.at(-1)?.json?.model).toBe(unnamed.slug)
  })

  test('an endpoint kept in the EU goes to an environment there, and to any if there is none', async () => {
    const kept = await slugTo({ provider: 'BASETEN', model_id: 'lumen' }, { region: 'EU' })
    await chat(gateway, kept.key, { model: kept.slug })
    expect(upstream.requests.at(-1)?.path).toBe('/eu/v1/chat/completions')
    const free = await slugTo({ provider: 'BASETEN', model_id: 'lumen' })
    await chat(gateway, free.key, { model: free.slug })
    expect(upstream.requests.at(-1)?.path).toBe('/us/v1/chat/completions')
    const homeless = await slugTo({ provider: 'BASETEN', model_id: 'local' }, { region: 'EU' })
    await chat(gateway, homeless.key, { model: homeless.slug })
    expect(upstream.requests.at(-1)?.path).toBe('/local/v1/chat/completions')
  })
})

describe("domains of workspaces' own", () => {
  async function statusUnder(host: string, key: string, slug: string): Promise<number> {
    const body = JSON.stringify({ model: slug, messages: [{ role: 'user', content: 'Hello' }] })
    const wire = dial(gateway.url)
    const head = [`Host: ${host}`, `Authorization: Api-Key ${key}`, `Content-Length: ${body.length}`]
    wire.send(request('POST /v1/chat/completions HTTP/1.1', head, body))
    const { status } = await wire.answer()
    wire.socket.destroy()
    return status
  }

  test("a key works under our names and its workspace's, and under no other workspace's", async () => {
    const { slug, key } = await slugTo({ provider: 'BASETEN', model_id: 'lumen' })
    expect(await statusUnder('localhost', key, slug)).toBe(200)
    expect(await statusUnder('gateway.example', key, slug)).toBe(200)
    expect(await statusUnder('ai.aurora.example', key, slug)).toBe(200)
    expect(await statusUnder('AI.Aurora.Example:8080', key, slug)).toBe(200)
    const before = upstream.requests.length
    expect(await statusUnder('models.borealis.example', key, slug)).toBe(401)
    expect(await statusUnder('Models.Borealis.example:443', key, slug)).toBe(401)
    expect(upstream.requests.length).toBe(before)
  })
})
