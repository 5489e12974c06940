import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Script } from '../fake-upstream.ts'
import { dial, request, type WireAnswer } from './wire.ts'
import { chatBody, chatPath, expectHealthy, openWorld, type World } from './world.ts'

/** What the configuration of the tests gives the gateway for its upstream. */
const upstreamKey = 'key-of-the-upstream'

let world: World

beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})

async function answerTo(bytes: Buffer): Promise<WireAnswer> {
  const wire = dial(world.gateway.url)
  wire.send(bytes)
  const answer = await wire.answer()
  wire.socket.destroy()
  return answer
}

describe('to the upstream', () => {
  const ownHeaders = [
    'Accept: text/event-stream',
    'User-Agent: a-client/1.0',
    'Idempotency-Key: idem-1',
    'OpenAI-Organization: org-1',
    'openai-beta: assistants=v2',
    'Anthropic-Version: 2023-06-01',
  ]
  const foreignHeaders = [
    'Accept-Encoding: gzip, br, zstd',
    'Accept-Language: fr',
    'Cookie: session=1',
    'Cookie: other=2',
    'Origin: https://elsewhere.example',
    'Referer: https://elsewhere.example/x',
    'Proxy-Authorization: Basic eDp5',
    'X-Forwarded-For: 10.0.0.1',
    'X-Forwarded-Host: elsewhere.example',
    'Forwarded: for=10.0.0.1',
    'Via: 1.1 elsewhere',
    'Connection: keep-alive, openai-secret',
    'Keep-Alive: timeout=5',
    'TE: trailers',
    'Trailer: X-Late',
    'Range: bytes=0-1',
    'If-None-Match: "x"',
    'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'X-Request-Id: mine',
    'X-Stainless-Lang: js',
    'X-BF-VK: sk-bf-1',
    'X-HTTP-Method-Override: GET',
    'Content-Language: fr',
    'Date: Sat, 21 Nov 2026 00:00:00 GMT',
  ]

  test('go only the headers that are meant for it', async () => {
    const arrival = world.upstream.nextRequest()
    const body = chatBody()
    const answer = await answerTo(
      world.post(body, ['Content-Type: application/json; charset=utf-8', ...ownHeaders, ...foreignHeaders]),
    )
    expect(answer.status).toBe(200)
    expect((await arrival).headers).toEqual({
      host: new URL(world.upstream.url).host,
      authorization: `Bearer ${upstreamKey}`,
      'content-type': expect.stringMatching(/^application\/json\b/),
      'content-length': String((await arrival).body.length),
      'accept-encoding': 'identity',
      accept: 'text/event-stream',
      'user-agent': 'a-client/1.0',
      'idempotency-key': 'idem-1',
      'openai-organization': 'org-1',
      'openai-beta': 'assistants=v2',
      'anthropic-version': '2023-06-01',
    })
  })

  test.each([
    ['Authorization: Api-Key', 'Authorization: Bearer'],
    ['Authorization: Bearer', 'x-api-key:'],
    ['x-api-key:', 'Authorization: Bearer'],
    ['x-goog-api-key:', 'Cookie: key='],
    ['api-key:', 'Referer: https://x.example/?key='],
  ])('the caller’s key does not go, sent as `%s`', async (start, again) => {
    const arrival = world.upstream.nextRequest()
    const body = chatBody()
    const headers = [
      'Host: localhost',
      `${start} ${world.key}`,
      ...(again.startsWith('Authorization') && start.startsWith('Authorization')
        ? []
        : [`${again} ${world.key}`]),
      `Content-Length: ${body.length}`,
    ]
    const answer = await answerTo(request(`POST ${chatPath}?key=${world.key} HTTP/1.1`, headers, body))
    expect(answer.status).toBe(200)
    const { headers: arrived, path, body: sent } = await arrival
    expect(path).toBe(chatPath)
    expect(JSON.stringify(arrived) + sent).not.toContain(world.key)
  })

  test('a header with bytes beyond ASCII goes as it is', async () => {
    const arrival = world.upstream.nextRequest()
    await answerTo(world.post(chatBody(), ['User-Agent: caf\u00e9/1\u00ff']))
    expect((await arrival).headers['user-agent']).toBe('caf\u00e9/1\u00ff')
  })
})

/** More than an upstream of good manners would send. */
const chatter = {
  'set-cookie': 'session=1',
  server: 'lumen/2',
  'www-authenticate': 'Bearer realm="lumen"',
  location: 'http://127.0.0.1:1/',
  'x-ratelimit-remaining-requests': '7',
  'ratelimit-limit': '7',
  'openai-organization': 'org-of-the-operator',
  'openai-version': '2020-10-01',
  'cf-ray': '1',
  'strict-transport-security': 'max-age=1',
  'access-control-allow-origin': '*',
  'x-powered-by': 'lumen',
  'content-language': 'fr',
  'retry-after': '7',
  'openai-processing-ms': '42',
  'x-request-id': 'req-of-the-upstream',
}

const ownNames = [
  'connection',
  'content-type',
  'date',
  'openai-processing-ms',
  'retry-after',
  'x-baseten-request-id',
  'x-request-id',
  'x-tollgate-upstream-request-id',
]

describe('to the caller', () => {
  test.each<[string, Script, object, string[]]>([
    ['a whole answer', {}, {}, ['content-length']],
    ['a stream', {}, { stream: true }, ['transfer-encoding', 'cache-control', 'x-accel-buffering']],
    ['an error', { status: 429 }, {}, ['content-length']],
    ['a redirect', { status: 302 }, {}, ['content-length']],
  ])('with %s go only the headers that are meant for it', async (_name, script, more, framing) => {
    world.upstream.script({ ...script, headers: chatter })
    const answer = await answerTo(world.post(chatBody(more)))
    const expected = new Set([...ownNames, ...framing])
    if (script.status === 302) {
      expect(answer.status).toBe(502)
      for (const name of ['openai-processing-ms', 'retry-after', 'x-tollgate-upstream-request-id'])
        expected.delete(name)
    } else {
      expect(answer.header('x-tollgate-upstream-request-id')).toBe('req-of-the-upstream')
      expect(answer.header('openai-processing-ms')).toBe('42')
      expect(answer.header('retry-after')).toBe('7')
    }
    expect(new Set(answer.headerNames.filter((name) => name !== 'keep-alive'))).toEqual(expected)
    expect(answer.header('x-request-id')).toBe(answer.header('x-baseten-request-id'))
  })

  test.each([
    ['trace-7/1:a=b', true],
    ['<script>', false],
    ['x'.repeat(129), false],
    ['', false],
  ])('the caller’s own request id comes back only where it is harmless: %s', async (id, isEchoed) => {
    const answer = await answerTo(world.post(chatBody(), [`X-Request-Id: ${id}`]))
    const expected = isEchoed ? id : answer.header('x-baseten-request-id')
    expect(answer.header('x-request-id')).toBe(expected)
  })

  test.each([400, 401, 402, 403, 404, 407, 409, 422, 429, 451, 500, 501, 503, 504, 599])(
    'an error %d that holds our credential comes without it',
    async (status) => {
      world.upstream.script({
        status,
        error: { message: `Incorrect API key: ${upstreamKey}, in full ${upstreamKey}.`, code: 'x' },
        headers: {
          'x-request-id': upstreamKey,
          'openai-processing-ms': upstreamKey,
          'retry-after': upstreamKey,
          'content-type': `application/json; key=${upstreamKey}`,
        },
      })
      const answer = await answerTo(world.post(chatBody()))
      const values = answer.headerNames.map((name) => answer.header(name))
      expect(JSON.stringify(values) + answer.body).not.toContain(upstreamKey)
      const isOurs = [401, 402, 403].includes(status)
      expect(answer.status).toBe(isOurs ? 502 : status)
      expect(answer.json()).toEqual(
        isOurs
          ? { error: 'The model is not available.', error_code: 'model_unavailable' }
          : { error: { message: 'Incorrect API key: [secret], in full [secret].', code: 'x' } },
      )
    },
  )

  test.each([301, 302, 304, 307, 308])(
    'a redirect %d is not followed, and says nothing of where',
    async (status) => {
      const before = world.upstream.served().requests
      world.upstream.script({
        status,
        body: 'See elsewhere',
        headers: { location: `${world.upstream.url}/v1/chat/completions` },
      })
      const answer = await answerTo(world.post(chatBody()))
      expect(answer.status).toBe(502)
      expect(answer.json()).toEqual({
        error: 'The model is not available.',
        error_code: 'model_unavailable',
      })
      expect(world.upstream.served().requests).toBe(before + 1)
    },
  )

  test('any other error comes with its status and its bytes', async () => {
    const body = '{ "error" : {"message":"No \\u00e9", "model":"lumen-2" , "n":1.0} }\n'
    world.upstream.script({ status: 418, body, contentType: 'application/problem+json' })
    const answer = await answerTo(world.post(chatBody()))
    expect([answer.status, answer.body.toString()]).toEqual([418, body])
    expect(answer.header('content-type')).toBe('application/problem+json')
  })
})
