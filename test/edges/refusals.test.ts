import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workspaceKey } from '../setup/frontier.ts'
import { dial, request, type Wire } from './wire.ts'
import { expectNativeRefusal, expectRefusal, invalid, type Refusal } from './wording.ts'
import {
  answerTo,
  chatBody,
  chatPath,
  expectHealthy,
  expectKept,
  openWorld,
  slug,
  type World,
} from './world.ts'

const mb = 2 ** 20

let world: World

beforeAll(async () => {
  world = await openWorld({ server: { max_request_body_mb: 2 } })
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})

const notJson = invalid('The body is not valid JSON.')
const notObject = invalid('The body must be a JSON object.')
const notUtf8 = invalid('The body is not valid UTF-8.')
const unknownKey = 'This API key is not valid.'
const noSuchModel: Refusal = {
  status: 404,
  code: 'model_does_not_exist',
  message: 'The model does not exist or this key may not use it.',
}

const messages = '"messages":[{"role":"user","content":"Hello"}]'
const withMember = (member: string) => `{"model":"${slug}",${messages},${member}}`

describe('bodies that are refused, on a connection that is kept', () => {
  const acted = [
    'model',
    'messages',
    'stream',
    'stream_options',
    'max_tokens',
    'max_completion_tokens',
    'n',
    'metadata',
    'fallbacks',
  ]
  const escaped = (name: string) => `\\u00${name.charCodeAt(0).toString(16).toUpperCase()}${name.slice(1)}`

  test.each<[string, string | Buffer, Refusal]>([
    ['empty', '', notObject],
    ['white space', ' \r\n\t', notObject],
    ['an array', '[1]', notObject],
    ['a string', '"hello"', notObject],
    ['null', 'null', notObject],
    ['prose', 'model=x', notObject],
    ['a byte order mark', `\ufeff${chatBody()}`, notObject],
    ['an object that does not end', chatBody().slice(0, -1), notJson],
    ['a string that does not end', '{"model":"x', notJson],
    ['a string that ends in an escape', '{"model":"x\\', notJson],
    ['brackets of different kinds', withMember('"x":[{]}'), notJson],
    ['a comma too much', withMember('"x":1,'), notJson],
    ['no colon', withMember('"x" 1'), notJson],
    ['a key without quotes', withMember('x:1'), notJson],
    ['single quotes', withMember("'x':1"), notJson],
    ['a word that is none', withMember('"x":nil'), notJson],
    ['a number that is none', withMember('"x":01'), notJson],
    ['a comment', withMember('/* x */"x":1'), notJson],
    ['a second object', `${chatBody()}{}`, notJson],
    ['a bracket after the end', `${chatBody()}}`, notJson],
    ['NUL after the end', `${chatBody()}\0`, invalid('The body contains a NUL byte.')],
    ['NUL in a string', withMember('"x":"\0"'), invalid('The body contains a NUL byte.')],
    ['a byte that is no UTF-8', Buffer.from(withMember('"x":"\u00ff"'), 'latin1'), notUtf8],
    ['an overlong slash', Buffer.from(withMember('"x":"\u00c0\u00af"'), 'latin1'), notUtf8],
    ['half a surrogate pair', Buffer.from(withMember('"x":"\u00ed\u00a0\u0080"'), 'latin1'), notUtf8],
    ['a character cut short', Buffer.from(`${chatBody()}\u00e2\u0082`, 'latin1'), notUtf8],
    ['no model', `{${messages}}`, invalid("'model' must be a non-empty string.")],
    ['a model that is a number', `{"model":1,${messages}}`, invalid("'model' must be a non-empty string.")],
    ['an empty model', `{"model":"",${messages}}`, invalid("'model' must be a non-empty string.")],
    ['no messages', `{"model":"${slug}"}`, invalid("'messages' is required.")],
    ['a stream that is text', withMember('"stream":"true"'), invalid("'stream' must be a boolean.")],
    [
      'stream_options of text',
      withMember('"stream_options":"x"'),
      invalid("'stream_options' must be an object."),
    ],
    [
      'stream_options in a list',
      withMember('"stream_options":[]'),
      invalid("'stream_options' must be an object."),
    ],
    [
      'stream_options of true',
      withMember('"stream_options":true'),
      invalid("'stream_options' must be an object."),
    ],
    [
      'include_usage twice',
      withMember('"stream_options":{"include_usage":false,"include\\u005fusage":true}'),
      invalid("'stream_options' has more than one 'include_usage'."),
    ],
    ['metadata of text', withMember('"metadata":"x"'), invalid("'metadata' must be an object.")],
    ['metadata in a list', withMember('"metadata":[]'), invalid("'metadata' must be an object.")],
    ['metadata of false', withMember('"metadata":false'), invalid("'metadata' must be an object.")],
    [
      'metadata of 16 KiB and one byte',
      withMember(`"metadata":{"x":"${'y'.repeat(16 * 1024 + 1 - 8)}"}`),
      invalid("'metadata' must not be larger than 16384 bytes."),
    ],
    ...acted.map((name): [string, string, Refusal] => [
      `${name} twice`,
      `{"model":"${slug}",${messages},"${name}":null,"${name}":null}`,
      invalid(`The body has more than one '${name}'.`),
    ]),
    ...acted.map((name): [string, string, Refusal] => [
      `${name} twice, once in escapes`,
      `{"${escaped(name)}":null,"${name}":null}`,
      invalid(`The body has more than one '${name}'.`),
    ]),
    ['a model that nobody has', `{"model":"aurora/nowhere",${messages}}`, noSuchModel],
    ['a model with SQL in it', `{"model":"' OR 1=1 --",${messages}}`, noSuchModel],
    ['a model named like a member of objects', `{"model":"__proto__",${messages}}`, noSuchModel],
  ])('%s', async (_name, body, refusal) => {
    const before = world.upstream.served().requests
    const { wire, answer } = await answerTo(world, world.post(body))
    expectRefusal(answer, refusal)
    expect(answer.header('x-baseten-request-id')).toMatch(/^[0-9A-Z]{26}$/)
    expect(world.upstream.served().requests).toBe(before)
    await expectKept(world, wire)
  })
})

describe('bodies that look odd and are served', () => {
  test.each<[string, string]>([
    ['nesting of 100,000 levels', withMember(`"x":${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
    ['nesting of objects', withMember(`"x":${'{"y":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
    ['stream_options of null', withMember('"stream_options":null')],
    ['metadata of null', withMember('"metadata":null')],
    ['metadata of exactly 16 KiB', withMember(`"metadata":{"x":"${'y'.repeat(16 * 1024 - 8)}"}`)],
    ['a member that we do not act on twice', withMember('"temperature":1,"temperature":0')],
    ['NUL in an escape', withMember('"x":"\\u0000"')],
    ['half a surrogate pair in an escape', withMember('"x":"\\ud800"')],
    ['members of ours deeper down', withMember('"x":{"model":1,"model":2,"stream":"x"}')],
    ['white space around it', ` \r\n\t${chatBody()} \r\n\t`],
  ])('%s', async (_name, body) => {
    const { wire, answer } = await answerTo(world, world.post(body))
    expect(answer.status).toBe(200)
    await expectKept(world, wire)
  })
})

describe('credentials that open no door', () => {
  const malformed = 'The Authorization header cannot be read. Send `Authorization: Api-Key <key>`.'

  test.each<[string, string, string]>([
    ['a scheme alone', 'Authorization: Api-Key', malformed],
    ['no scheme', 'Authorization: sky_0123.4567', malformed],
    ['SQL', "Authorization: Api-Key ' OR '1'='1' --", unknownKey],
    ['SQL as Bearer', "Authorization: Bearer sky_'; DROP TABLE keys; --", unknownKey],
    ['SQL under an SDK’s header', "x-api-key: sky_' UNION SELECT 1 --", unknownKey],
    ['a key that nobody has', 'Authorization: Api-Key sky_0123456789.abc', unknownKey],
    ['the key of a workspace', `Authorization: Api-Key ${workspaceKey}`, unknownKey],
    ['bytes beyond ASCII', 'Authorization: Api-Key \u00e9\u00ff', unknownKey],
    ['a very long key', `Authorization: Api-Key ${'k'.repeat(16_000)}`, unknownKey],
  ])('%s', async (_name, header, message) => {
    const headers = ['Host: localhost', 'Content-Type: application/json', 'Content-Length: 2', header]
    const { wire, answer } = await answerTo(world, request(`POST ${chatPath} HTTP/1.1`, headers, '{}'))
    expectRefusal(answer, { status: 401, code: 'unauthorized', message })
    expect(answer.header('www-authenticate')).toBe('Api-Key')
    await expectKept(world, wire)
  })

  const needed = 'virtual key is required. Provide a virtual key via the x-bf-vk header.'
  const notFound = 'virtual key not found. The provided virtual key does not exist or has been revoked.'

  test.each<[string, string, string]>([
    ['none', 'X-Nothing: 1', needed],
    ['an empty header', 'Authorization:', needed],
    ['a scheme that nobody reads', 'Authorization: Digest username="x"', needed],
    ['an admin key', 'Authorization: Bearer admin-key-of-the-tests', needed],
    ['a key of a provider', 'x-api-key: sk-ant-0123456789', needed],
    ['junk as a virtual key', 'x-bf-vk: junk', notFound],
    ['SQL as a virtual key', "x-bf-vk: ' OR '1'='1' --", notFound],
    ['a virtual key that nobody has', 'Authorization: Bearer SK-BF-0123456789', notFound],
  ])('%s, at the native door', async (_name, header, message) => {
    const headers = ['Host: localhost', 'Content-Type: application/json', 'Content-Length: 2', header]
    const { wire, answer } = await answerTo(world, request(`POST ${chatPath} HTTP/1.1`, headers, '{}'))
    expectNativeRefusal(answer, 401, message)
    await expectKept(world, wire)
  })
})

describe('paths and methods', () => {
  test.each([
    '/v1/nowhere',
    '/v1/chat/completions/',
    '/v1/chat',
    '/v1/',
    '/v1/chat%2Fcompletions',
    '//v1/x/../..',
  ])('there is nothing at %s', async (path) => {
    const { wire, answer } = await answerTo(world, request(`GET ${path} HTTP/1.1`, ours()))
    expect(answer.status).toBe(404)
    if (path.startsWith('/v1/'))
      expectRefusal(answer, {
        status: 404,
        code: 'client_error',
        message: 'There is nothing at this path.',
      })
    await expectKept(world, wire)
  })

  test('whoever shows no key is told so in the words of the native door', async () => {
    const nowhere = await answerTo(world, request('GET /v1/nowhere HTTP/1.1', ['Host: localhost']))
    expectNativeRefusal(nowhere.answer, 404, 'There is nothing at this path.')
    await expectKept(world, nowhere.wire)
    const wrong = await answerTo(world, request(`GET ${chatPath} HTTP/1.1`, ['Host: localhost']))
    expectNativeRefusal(wrong.answer, 405, 'This path takes POST only.')
    expect(wrong.answer.header('allow')).toBe('POST')
    await expectKept(world, wrong.wire)
  })

  function ours(): string[] {
    return ['Host: localhost', `Authorization: Api-Key ${world.key}`]
  }

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'QUERY', 'PROPFIND'])(
    '%s is not how a model is called',
    async (method) => {
      const wire = dial(world.gateway.url)
      wire.send(request(`${method} ${chatPath} HTTP/1.1`, ours()))
      if (method === 'HEAD') {
        const head = await headOnly(wire)
        expect(head).toMatch(/^HTTP\/1\.1 405 /)
        expect(head).toMatch(/^allow: POST\r$/im)
        return
      }
      const answer = await wire.answer()
      expectRefusal(answer, { status: 405, code: 'client_error', message: 'This path takes POST only.' })
      expect(answer.header('allow')).toBe('POST')
      await expectKept(world, wire)
    },
  )

  /** An answer to HEAD declares a body that never comes, so it is read as bytes. */
  function headOnly({ socket }: Wire): Promise<string> {
    let text = ''
    return new Promise((resolve) => {
      socket.on('data', (piece) => {
        text += piece.toString('latin1')
        if (text.endsWith('\r\n\r\n')) resolve(text)
      })
    })
  }
})

describe('media types', () => {
  const askJson = 'Send the body as application/json.'
  const askPlain = 'Send the body without a content encoding.'

  test.each([
    ['Content-Type: text/plain', askJson],
    ['Content-Type: multipart/form-data; boundary=x', askJson],
    ['Content-Type: application/jsonp', askJson],
    ['Content-Type: application/x-www-form-urlencoded', askJson],
    ['Content-Type:', askJson],
    ['Content-Encoding: gzip', askPlain],
    ['Content-Encoding: br, gzip', askPlain],
  ])('%s is refused', async (header, message) => {
    const { wire, answer } = await answerTo(world, world.post(chatBody(), [header]))
    expectRefusal(answer, { status: 415, code: 'client_error', message })
    await expectKept(world, wire)
  })

  test.each([
    'Content-Type: application/json; charset=utf-8',
    'Content-Type: Application/JSON',
    'Content-Type: application/vnd.api+json',
    'Content-Encoding: identity',
  ])('%s is taken', async (header) => {
    const { answer } = await answerTo(world, world.post(chatBody(), [header]))
    expect(answer.status).toBe(200)
  })

  test('a body of no type is taken as JSON', async () => {
    const body = chatBody()
    const headers = [
      'Host: localhost',
      `Authorization: Api-Key ${world.key}`,
      `Content-Length: ${body.length}`,
    ]
    const { answer } = await answerTo(world, request(`POST ${chatPath} HTTP/1.1`, headers, body))
    expect(answer.status).toBe(200)
  })
})

describe('the order of checks: a request is refused for the first of its faults', () => {
  const steps = [
    { fault: 'path', status: 404 },
    { fault: 'key', status: 401 },
    { fault: 'size', status: 413 },
    { fault: 'JSON', status: 400 },
    { fault: 'slug', status: 404 },
    { fault: 'limits', status: 429 },
    { fault: 'upstream', status: 502 },
  ] as const

  test.each(steps)('$fault is next: $status', async ({ fault, status }) => {
    const from = steps.findIndex((step) => step.fault === fault)
    const has = (name: (typeof steps)[number]['fault']) =>
      steps.findIndex((step) => step.fault === name) >= from
    const full = await world.frontier.mintKey(
      await world.frontier.createGroup({ models: { [slug]: ['REQUEST/DAY 1'] } }),
    )
    const line = `POST ${has('path') ? '/v1/nowhere' : chatPath} HTTP/1.1`
    const key = has('key') ? 'sky_unknown.key' : full
    const chosen = has('slug') ? 'aurora/nowhere' : slug
    const body = `{"model":"${chosen}",${messages}${has('JSON') ? '' : '}'}`
    const length = has('size') ? 3 * mb : body.length
    const headers = ['Host: localhost', `Authorization: Api-Key ${key}`, `Content-Length: ${length}`]

    if (fault === 'upstream') world.upstream.script({ status: 401 })
    else if (has('limits')) {
      // The limit is spent by a call that is served.
      const first = await answerTo(world, world.post(chatBody(), [`Authorization: Api-Key ${full}`]))
      expect(first.answer.status).toBe(200)
    }
    const { wire, answer } = await answerTo(world, request(line, headers, body))
    expect(answer.status).toBe(status)
    expect(answer.json()).toEqual({ error: expect.any(String), error_code: expect.any(String) })
    wire.socket.destroy()
  })
})

test('the log tells of calls, and holds neither keys nor content', async () => {
  const lines = () => world.gateway.log()
  await expect.poll(lines, { timeout: 20_000 }).toContain('"status":429')
  expect(lines()).toContain(`"key":"${world.key.split('.')[0]}"`)
  for (const secret of [
    world.key,
    workspaceKey,
    'key-of-the-upstream',
    'sky_unknown.key',
    'DROP TABLE',
    'Hello',
  ]) {
    expect(lines()).not.toContain(secret)
  }
})
