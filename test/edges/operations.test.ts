import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorld, slug, type World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

async function call(method: string, path: string, body?: unknown, key = world.key) {
  const response = await fetch(`${world.gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

describe('GET /v1/models', () => {
  test('lists what the key may call and what leads somewhere, in the order of its group', async () => {
    const { frontier } = world
    await frontier.createEndpoint('aurora/second')
    await frontier.createEndpoint('aurora/of-nobody')
    const models = { 'aurora/second': [], 'aurora/not-there-yet': [], [slug]: [] }
    const key = await frontier.mintKey(await frontier.createGroup({ models }))
    const listed = await call('GET', '/v1/models', undefined, key)
    const item = (id: string) => ({ id, object: 'model', created: expect.any(Number), owned_by: 'aurora' })
    expect(listed.status).toBe(200)
    expect(listed.headers.get('x-baseten-request-id')).toEqual(expect.any(String))
    expect(listed.body).toEqual({ object: 'list', data: [item('aurora/second'), item(slug)] })
    expect(Math.abs(listed.body.data[0].created - Date.now() / 1000)).toBeLessThan(3600)

    for (const path of [`/v1/models/${slug}`, `/v1/models/${encodeURIComponent(slug)}`]) {
      expect(await call('GET', path, undefined, key)).toMatchObject({ status: 200, body: item(slug) })
    }
  })

  test.each(['aurora/not-there-yet', 'aurora/of-nobody', 'x', '', '%', '%ff', 'aurora%2flumen%00'])(
    '%j is no model of the key',
    async (id) => {
      const { status, body } = await call('GET', `/v1/models/${id}`)
      expect([status, body.error_code]).toEqual([404, 'model_does_not_exist'])
    },
  )

  test('is for keys only, and only to be read', async () => {
    expect((await call('GET', '/v1/models', undefined, 'sky_nobody.knows')).status).toBe(401)
    const posted = await call('POST', '/v1/models', {})
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await call('GET', '/v1/modelsx')).status).toBe(404)
  })

  test('a slug that leaves the group leaves the list at once', async () => {
    const { frontier } = world
    const id = await frontier.createGroup({ models: { [slug]: [] } })
    const key = await frontier.mintKey(id)
    expect((await call('GET', '/v1/models', undefined, key)).body.data).toHaveLength(1)
    await frontier.request('PATCH', `/groups/${id}`, { models: [] })
    expect((await call('GET', '/v1/models', undefined, key)).body).toEqual({ object: 'list', data: [] })
  })
})

describe('POST /v1/embeddings', () => {
  const path = '/v1/embeddings'

  test('passes the bytes but for the model and our metadata, and stamps the slug', async () => {
    const body = `{ "input" : ["a","b"],\n"metadata":{"team":"x"}, "encoding_format":"float","model":"${slug}","dimensions":8.0}`
    const answer = await call('POST', path, body)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ object: 'list', model: slug })
    expect(answer.body.data).toHaveLength(2)
    const served = world.upstream.requests.at(-1)
    expect(served?.path).toBe(path)
    expect(served?.body.toString()).toBe(
      '{ "input" : ["a","b"], "encoding_format":"float","model":"lumen-2","dimensions":8.0}',
    )
  })

  test('is counted by the same limits as chat, by the tokens that were reported', async () => {
    const { frontier, upstream } = world
    const id = await frontier.createGroup({ models: { [slug]: ['TOKEN/DAY 100'] } })
    const key = await frontier.mintKey(id)
    upstream.script({ promptTokens: 60 }, { promptTokens: 60 })
    const embed = () => call('POST', path, { model: slug, input: 'text' }, key)
    expect((await embed()).status).toBe(200)
    expect((await embed()).status).toBe(200)
    const refused = await embed()
    expect([refused.status, refused.body.error_code]).toEqual([429, 'rate_limited'])
    const chat = { model: slug, messages: [{ role: 'user', content: 'Hello' }] }
    expect((await call('POST', '/v1/chat/completions', chat, key)).status).toBe(429)
  })

  test('under a strict limit it is held by its bytes, and nothing is put into it', async () => {
    const { frontier, upstream } = world
    const id = await frontier.createGroup({ models: { [slug]: ['TOKEN/DAY 1000 strict'] } })
    const key = await frontier.mintKey(id)
    const answer = await call('POST', path, { model: slug, input: ['some text', 'more of it'] }, key)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-tollgate-capped-max-tokens')).toBeNull()
    expect(upstream.requests.at(-1)?.json).toEqual({ model: 'lumen-2', input: ['some text', 'more of it'] })
    const tooLong = await call('POST', path, { model: slug, input: 'x'.repeat(1000) }, key)
    expect([tooLong.status, tooLong.body.error_code]).toEqual([400, 'client_error'])
  })

  test.each([
    ['{"input":"x"}', "'model' must be a non-empty string."],
    [`{"model":"${slug}"}`, "'input' is required."],
    [`{"model":"${slug}","input":1,"input":2}`, "The body has more than one 'input'."],
    [`{"model":"${slug}","mod\\u0065l":"x","input":1}`, "The body has more than one 'model'."],
    [`{"model":"${slug}","input":1,"metadata":1}`, "'metadata' must be an object."],
    ['[]', 'The body must be a JSON object.'],
  ])('%s is refused', async (body, error) => {
    expect(await call('POST', path, body)).toMatchObject({
      status: 400,
      body: { error, error_code: 'client_error' },
    })
  })

  test('an error of the provider passes through', async () => {
    world.upstream.script({ status: 429 })
    const answer = await call('POST', path, { model: slug, input: 'x' })
    expect([answer.status, answer.body.error.code]).toEqual([429, 'rate_limit_exceeded'])
  })
})
