import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { workspaceKey } from '../setup/frontier.ts'
import { dial, request, type Wire, type WireAnswer } from './wire.ts'
import { chatBody, chatPath, expectHealthy, openWorld, slug, type World } from './world.ts'

const mb = 2 ** 20

let world: World

beforeAll(async () => {
  world = await openWorld({ server: { max_request_body_mb: 2 } })
})
afterAll(async () => {
  await expectHealthy(world)
  await world.close()
})

interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string | RegExp
}

const connect = (): Wire => dial(world.gateway.url)

async function answerTo(bytes: Buffer): Promise<{ wire: Wire; answer: WireAnswer }> {
  const wire = connect()
  wire.send(bytes)
  return { wire, answer: await wire.answer() }
}

const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 20_000 })

/** A refusal as the data plane words it: whole, in JSON, with the id that the operator finds in the log. */
function expectRefusal(answer: WireAnswer, { status, code, message }: Refusal): void {
  expect([answer.status, answer.json()]).toEqual([
    status,
    {
      error: typeof message === 'string' ? message : expect.stringMatching(message),
      error_code: code,
    },
  ])
  expect(answer.header('content-type')).toBe('application/json')
}

/** The same as management words it. */
function expectManaged(answer: WireAnswer, { status, code, message }: Refusal): void {
  expect([answer.status, answer.json()]).toEqual([
    status,
    { code, message: typeof message === 'string' ? message : expect.stringMatching(message) },
  ])
  expect(answer.header('content-type')).toMatch(/^application\/json/)
}

/** The connection takes another call, and answers that one and nothing else. */
async function expectKept(wire: Wire): Promise<void> {
  wire.send(world.post(chatBody()))
  const answer = await wire.answer()
  expect(answer.status).toBe(200)
  expect(answer.json()).toMatchObject({ model: slug })
  wire.socket.destroy()
}

const invalid = (message: string | RegExp): Refusal => ({ status: 400, code: 'client_error', message })
const notJson = invalid('The body is not valid JSON.')
const notObject = invalid('The body must be a JSON object.')
const notUtf8 = invalid('The body is not valid UTF-8.')
const notHttp = invalid('The request is not valid HTTP/1.1.')
const unknownKey: Refusal = { status: 401, code: 'unauthorized', message: 'This API key is not valid.' }
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
    const { wire, answer } = await answerTo(world.post(body))
    expectRefusal(answer, refusal)
    expect(answer.header('x-baseten-request-id')).toMatch(/^[0-9A-Z]{26}$/)
    expect(world.upstream.served().requests).toBe(before)
    await expectKept(wire)
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
    const { wire, answer } = await answerTo(world.post(body))
    expect(answer.status).toBe(200)
    await expectKept(wire)
  })
})

describe('credentials that open no door', () => {
  const missing = 'No API key was sent. Send `Authorization: Api-Key <key>`.'
  const malformed = 'The Authorization header cannot be read. Send `Authorization: Api-Key <key>`.'

  test.each<[string, string, string]>([
    ['none', 'X-Nothing: 1', missing],
    ['an empty header', 'Authorization:', malformed],
    ['a scheme alone', 'Authorization: Api-Key', malformed],
    ['no scheme', 'Authorization: sky_0123.4567', malformed],
    ['SQL', "Authorization: Api-Key ' OR '1'='1' --", unknownKey.message as string],
    ['SQL as Bearer', "Authorization: Bearer sky_'; DROP TABLE keys; --", unknownKey.message as string],
    ['SQL under an SDK’s header', "x-api-key: sky_' UNION SELECT 1 --", unknownKey.message as string],
    ['a key that nobody has', 'Authorization: Api-Key sky_0123456789.abc', unknownKey.message as string],
    ['the key of a workspace', `Authorization: Api-Key ${workspaceKey}`, unknownKey.message as string],
    ['an admin key', 'Authorization: Bearer admin-key-of-the-tests', unknownKey.message as string],
    ['bytes beyond ASCII', 'Authorization: Api-Key \u00e9\u00ff', unknownKey.message as string],
    ['a very long key', `Authorization: Api-Key ${'k'.repeat(16_000)}`, unknownKey.message as string],
  ])('%s', async (_name, header, message) => {
    const headers = ['Host: localhost', 'Content-Type: application/json', 'Content-Length: 2', header]
    const { wire, answer } = await answerTo(request(`POST ${chatPath} HTTP/1.1`, headers, '{}'))
    expectRefusal(answer, { ...unknownKey, message })
    expect(answer.header('www-authenticate')).toBe('Api-Key')
    await expectKept(wire)
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
    const { wire, answer } = await answerTo(request(`GET ${path} HTTP/1.1`, ['Host: localhost']))
    expect(answer.status).toBe(404)
    if (path.startsWith('/v1/'))
      expectRefusal(answer, {
        status: 404,
        code: 'client_error',
        message: 'There is nothing at this path.',
      })
    await expectKept(wire)
  })

  test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'QUERY', 'PROPFIND'])(
    '%s is not how a model is called',
    async (method) => {
      const wire = connect()
      wire.send(request(`${method} ${chatPath} HTTP/1.1`, ['Host: localhost']))
      if (method === 'HEAD') {
        const head = await headOnly(wire)
        expect(head).toMatch(/^HTTP\/1\.1 405 /)
        expect(head).toMatch(/^allow: POST\r$/im)
        return
      }
      const answer = await wire.answer()
      expectRefusal(answer, { status: 405, code: 'client_error', message: 'This path takes POST only.' })
      expect(answer.header('allow')).toBe('POST')
      await expectKept(wire)
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
    const { wire, answer } = await answerTo(world.post(chatBody(), [header]))
    expectRefusal(answer, { status: 415, code: 'client_error', message })
    await expectKept(wire)
  })

  test.each([
    'Content-Type: application/json; charset=utf-8',
    'Content-Type: Application/JSON',
    'Content-Type: application/vnd.api+json',
    'Content-Encoding: identity',
  ])('%s is taken', async (header) => {
    const { answer } = await answerTo(world.post(chatBody(), [header]))
    expect(answer.status).toBe(200)
  })

  test('a body of no type is taken as JSON', async () => {
    const body = chatBody()
    const headers = [
      'Host: localhost',
      `Authorization: Api-Key ${world.key}`,
      `Content-Length: ${body.length}`,
    ]
    const { answer } = await answerTo(request(`POST ${chatPath} HTTP/1.1`, headers, body))
    expect(answer.status).toBe(200)
  })
})

describe('HTTP that two readers might understand differently, on a connection that is closed', () => {
  const chunked = 'Transfer-Encoding: chunked'
  const chunk = '2\r\n{}\r\n0\r\n\r\n'
  const head = (...lines: string[]) =>
    [`POST ${chatPath} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n')

  test.each<[string, string, Refusal]>([
    ['both lengths', `${head('Content-Length: 2', chunked)}${chunk}`, notHttp],
    ['both lengths, the other way', `${head(chunked, 'Content-Length: 2')}${chunk}`, notHttp],
    ['two lengths', `${head('Content-Length: 2', 'Content-Length: 3')}{}`, notHttp],
    ['a length that is no number', `${head('Content-Length: 2, 2')}{}`, notHttp],
    ['a negative length', `${head('Content-Length: -2')}{}`, notHttp],
    ['a space before the colon', `${head('Content-Length : 2')}{}`, notHttp],
    ['a folded header', `${head('X-One: 1\r\n two')}`, notHttp],
    ['a control character in a header', `${head('X-One: \u0001')}`, notHttp],
    ['a header without a name', `${head(': x')}`, notHttp],
    ['a line that is no request', 'hello\r\n\r\n', notHttp],
    ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', notHttp],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', notHttp],
  ])('%s', async (name, text, refusal) => {
    const { wire, answer } = await answerTo(Buffer.from(text, 'latin1'))
    const isTold = text.startsWith(`POST ${chatPath}`)
    if (isTold) expectRefusal(answer, refusal)
    else expect([name, answer.status]).toEqual([name, 400])
    expect(answer.header('connection')).toBe('close')
    expect(await wire.closed()).toBe('end')
  })

  test.concurrent.each<[string, string]>([
    ['a chunk size that is none', 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a chunk size of too many digits', 'fffffffffffffffff\r\n{}'],
    ['a chunk longer than its size', '1\r\n{}\r\n0\r\n\r\n'],
  ])('%s', async (_name, body) => {
    const { wire, answer } = await answerTo(Buffer.concat([world.post('', [chunked]), Buffer.from(body)]))
    expectRefusal(answer, notHttp)
    expect(await wire.closed()).toBe('end')
  })

  test.each<[string, string]>([
    ['another transfer coding', head('Transfer-Encoding: gzip, chunked')],
    ['a second Host', head('Host: elsewhere', 'Content-Length: 0')],
    ['a Host that is none', head('Content-Length: 0').replace('localhost', 'a b')],
    ['no Host', head('Content-Length: 0').replace('Host: localhost\r\n', '')],
    ['a target that is no path', head('Content-Length: 0').replace(chatPath, 'ftp://localhost/v1/')],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('%s is refused', async (_name, text) => {
    const { wire, answer } = await answerTo(Buffer.from(text))
    expect(answer.status).toBe(400)
    expect(answer.json()).toEqual(expect.any(Object))
    wire.socket.destroy()
  })

  test.each<[string, (answer: WireAnswer, refusal: Refusal) => void, string]>([
    [chatPath, expectRefusal, 'client_error'],
    ['/v1/gateway/groups', expectManaged, 'HEADERS_TOO_LARGE'],
  ])('a head of more than 32 KiB, at %s', async (path, expectWords, code) => {
    const headers = ['Host: localhost', `X-Long: ${'x'.repeat(33 * 1024)}`]
    const { wire, answer } = await answerTo(request(`GET ${path} HTTP/1.1`, headers))
    expectWords(answer, { status: 431, code, message: 'The request headers are too large.' })
    expect(await wire.closed()).toBe('end')
  })
})

describe('bodies that are too large', () => {
  const tooLarge: Refusal = {
    status: 413,
    code: 'payload_too_large',
    message: `The request body is larger than ${2 * mb} bytes.`,
  }

  test('a declared length above the limit is refused before a byte of the body has come', async () => {
    const { wire, answer } = await answerTo(world.post('', [`Content-Length: ${2 * mb + 1}`]))
    expectRefusal(answer, tooLarge)
    expect(answer.header('connection')).toBe('close')
    wire.socket.end()
    expect(await wire.closed()).toBe('end')
  })

  test('a body of chunks is refused as soon as it is above the limit, and the caller reads why', async () => {
    const wire = connect()
    wire.send(world.post('', ['Transfer-Encoding: chunked']))
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')])
    for (let sent = 0; sent < 3 * mb; sent += 65_536) wire.send(chunk)
    expectRefusal(await wire.answer(), tooLarge)
    expect(await wire.closed()).toMatch(/^(?:end|reset)$/)
  })

  test('a body of exactly the limit is served', async () => {
    const body = chatBody()
    const { wire, answer } = await answerTo(world.post(body + ' '.repeat(2 * mb - body.length)))
    expect(answer.status).toBe(200)
    await expectKept(wire)
  })
})

test('an early refusal is read by a caller who still sends a megabyte, and the connection is kept', async () => {
  const wire = connect()
  wire.send(world.post('', [`Content-Length: ${mb}`, 'Authorization: Api-Key sky_unknown.key']))
  expectRefusal(await wire.answer(), unknownKey)
  for (let sent = 0; sent < mb; sent += 65_536) wire.send(Buffer.alloc(65_536, 0x20))
  await expectKept(wire)
})

test('an early refusal is read by a caller who sends ten megabytes before it reads', async () => {
  const wire = connect()
  wire.socket.pause()
  wire.send(world.post('', [`Content-Length: ${10 * mb}`, 'Authorization: Api-Key sky_unknown.key']))
  for (let sent = 0; sent < mb; sent += 65_536) wire.send(Buffer.alloc(65_536, 0x20))
  await new Promise((resolve) => wire.socket.write('', resolve))
  wire.socket.resume()
  expectRefusal(await wire.answer(), unknownKey)
  wire.socket.end()
  expect(await wire.closed()).toMatch(/^(?:end|reset)$/)
})

describe('Expect: 100-continue', () => {
  const expecting = (length: number, ...headers: string[]) =>
    world.post('', [`Content-Length: ${length}`, 'Expect: 100-continue', ...headers])

  test('is granted to a call that may come in', async () => {
    const wire = connect()
    const body = chatBody()
    wire.send(expecting(body.length))
    expect((await wire.answer()).status).toBe(100)
    wire.send(body)
    expect((await wire.answer()).status).toBe(200)
    await expectKept(wire)
  })

  test.each<[string, number, string, number]>([
    ['a key that nobody has', 20, 'Authorization: Api-Key sky_unknown.key', 401],
    ['a length above the limit', 3 * mb, 'X-Nothing: 1', 413],
    ['a body that is no JSON', 20, 'Content-Type: text/plain', 415],
  ])('is not granted to %s', async (_name, length, header, status) => {
    const { wire, answer } = await answerTo(expecting(length, header))
    expect(answer.status).toBe(status)
    expect(answer.json()).toHaveProperty('error_code')
    wire.socket.end()
    expect(await wire.closed()).toBe('end')
  })

  test('any other expectation is refused', async () => {
    const { answer } = await answerTo(world.post(chatBody(), ['Expect: a-miracle']))
    expectRefusal(answer, { ...invalid('Expect may only ask for 100-continue.'), status: 417 })
  })
})

describe('callers who leave', () => {
  const ways: [string, (wire: Wire) => void][] = [
    ['by closing their side', ({ socket }) => socket.end()],
    ['by closing', ({ socket }) => socket.destroy()],
    ['by a reset', ({ socket }) => socket.resetAndDestroy()],
  ]

  test.each(ways.flatMap(([way, leave]) => [true, false].map((isStream) => ({ way, leave, isStream }))))(
    '$way are gone, and the upstream is cancelled (stream: $isStream)',
    async ({ leave, isStream }) => {
      world.upstream.script(isStream ? { stallAfterChunks: 1 } : { stallBefore: 'head' })
      const arrival = world.upstream.nextRequest()
      const wire = connect()
      wire.send(world.post(chatBody({ stream: isStream })))
      const served = await arrival
      leave(wire)
      expect(await served.ended).toBe('abandoned')
      await eventually(() => world.metric('tollgate_holds_open')).toBe(0)
      expect(await world.metric('tollgate_streams_open')).toBe(0)
    },
  )

  test('in the middle of a body, leave nothing behind', async () => {
    const before = world.upstream.served().requests
    const wire = connect()
    wire.send(world.post('{"model":', ['Content-Length: 100']))
    wire.socket.end()
    await wire.closed()
    expect(world.upstream.served().requests).toBe(before)
  })

  test('are counted as 499', async () => {
    expect(await world.metric('tollgate_calls_total\\{status="499"\\}')).toBeGreaterThanOrEqual(7)
  })
})

describe('HTTP/1.0', () => {
  const old = (body: string, ...headers: string[]) => {
    const all = [
      `Authorization: Api-Key ${world.key}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...headers,
    ]
    return request(`POST ${chatPath} HTTP/1.0`, all, body)
  }

  test('a whole answer, and the end of the connection', async () => {
    const { wire, answer } = await answerTo(old(chatBody()))
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ model: slug })
    expect(await wire.closed()).toBe('end')
  })

  test('a stream that the end of the connection ends, without chunks', async () => {
    const { answer } = await answerTo(old(chatBody({ stream: true })))
    expect(answer.header('transfer-encoding')).toBeNull()
    expect(answer.header('content-length')).toBeNull()
    expect(answer.body.toString()).toMatch(/^data: \{.*data: \[DONE\]\n\n$/s)
  })

  test('a refusal is read like any other', async () => {
    const { wire, answer } = await answerTo(old('{'))
    expectRefusal(answer, notJson)
    expect(await wire.closed()).toBe('end')
  })
})

describe('answers that the upstream sends compressed, though it was asked not to', () => {
  test.each(['gzip', 'br', 'deflate'] as const)('%s, whole', async (encoding) => {
    const text = 'Encore '.repeat(1000)
    world.upstream.script({ encoding, text })
    const arrival = world.upstream.nextRequest()
    const { answer } = await answerTo(world.post(chatBody(), ['Accept-Encoding: gzip, br']))
    expect((await arrival).headers['accept-encoding']).toBe('identity')
    expect(answer.header('content-encoding')).toBeNull()
    expect(answer.json()).toMatchObject({ model: slug, choices: [{ message: { content: text } }] })
  })

  test('gzip, streamed: events go on as they come', async () => {
    world.upstream.script({ encoding: 'gzip', stallBefore: 'done' })
    const arrival = world.upstream.nextRequest()
    const wire = connect()
    let text = ''
    wire.socket.on('data', (piece) => {
      text += piece.toString()
    })
    wire.send(world.post(chatBody({ stream: true })))
    await arrival
    await eventually(() => text).toContain('"finish_reason":"stop"')
    expect(text).not.toContain('[DONE]')
    world.upstream.resume()
    const answer = await wire.answer()
    expect(answer.body.toString()).toMatch(/data: \[DONE\]\n\n$/)
  })

  test('a compressed error', async () => {
    world.upstream.script({ encoding: 'gzip', status: 422, error: { message: 'no such thing' } })
    const { answer } = await answerTo(world.post(chatBody()))
    expect(answer.status).toBe(422)
    expect(answer.json()).toEqual({ error: { message: 'no such thing' } })
  })

  test('a whole answer that unpacks to more than a hundred times its size is never complete', async () => {
    world.upstream.script({ encoding: 'gzip', paddingBytes: 16 * mb })
    const wire = connect()
    wire.send(world.post(chatBody()))
    const outcome = await wire.answer().catch(() => null)
    if (outcome !== null) expect(outcome.status).toBe(502)
    wire.socket.destroy()
  })

  test('nor is a stream that does', async () => {
    world.upstream.script({ encoding: 'gzip', paddingBytes: 16 * mb })
    const wire = connect()
    wire.send(world.post(chatBody({ stream: true })))
    await expect(wire.answer()).rejects.toThrow('the connection ended')
  })

  test('an encoding that nobody knows is no answer', async () => {
    world.upstream.script({ headers: { 'content-encoding': 'rot13' } })
    const { answer } = await answerTo(world.post(chatBody()))
    expectRefusal(answer, { status: 502, code: 'model_unavailable', message: /Content-Encoding/ })
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
      const first = await answerTo(world.post(chatBody(), [`Authorization: Api-Key ${full}`]))
      expect(first.answer.status).toBe(200)
    }
    const { wire, answer } = await answerTo(request(line, headers, body))
    expect(answer.status).toBe(status)
    expect(answer.json()).toEqual({ error: expect.any(String), error_code: expect.any(String) })
    wire.socket.destroy()
  })
})

describe('management', () => {
  const path = '/v1/gateway/groups'
  const authorized = [
    'Host: localhost',
    `Authorization: Api-Key ${workspaceKey}`,
    'Content-Type: application/json',
  ]
  const managed = (method: string, body: string | Buffer, ...headers: string[]) =>
    request(
      `${method} ${path} HTTP/1.1`,
      [...authorized, `Content-Length: ${Buffer.byteLength(body)}`, ...headers],
      body,
    )
  const isNoJson: Refusal = { status: 400, code: 'VALIDATION_ERROR', message: 'The body is not JSON.' }

  async function expectKeptByManagement(wire: Wire): Promise<void> {
    wire.send(request(`GET ${path} HTTP/1.1`, authorized))
    expect((await wire.answer()).status).toBe(200)
    wire.socket.destroy()
  }

  test.each<[string, string | Buffer]>([
    ['malformed JSON', '{"metadata":'],
    ['NUL', '{"metadata":{"external_entity_id":"\0"}}'],
    ['bytes that are no UTF-8', Buffer.from('{"x":"\u00ff"}', 'latin1')],
  ])('%s', async (_name, body) => {
    const { wire, answer } = await answerTo(managed('POST', body))
    expectManaged(answer, isNoJson)
    await expectKeptByManagement(wire)
  })

  test('nesting of 100,000 levels does no harm', async () => {
    const { wire, answer } = await answerTo(managed('POST', `${'['.repeat(100_000)}${']'.repeat(100_000)}`))
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'VALIDATION_ERROR' })
    await expectKeptByManagement(wire)
  })

  test.each<[string, string]>([
    ['no credential', 'X-Nothing: 1'],
    ['SQL in one', "Authorization: Api-Key ' OR '1'='1"],
    [
      'a Basic password with SQL',
      `Authorization: Basic ${Buffer.from("admin:' OR 1=1 --").toString('base64')}`,
    ],
  ])('%s', async (_name, header) => {
    const { wire, answer } = await answerTo(request(`GET ${path} HTTP/1.1`, ['Host: localhost', header]))
    expectManaged(answer, { status: 401, code: 'UNAUTHORIZED', message: /./ })
    await expectKeptByManagement(wire)
  })

  test('a path of nothing, and a method that a path does not take', async () => {
    const nothing = await answerTo(request('GET /v1/gateway/nothing HTTP/1.1', authorized))
    expectManaged(nothing.answer, {
      status: 404,
      code: 'NOT_FOUND',
      message: 'There is nothing at this path.',
    })
    await expectKeptByManagement(nothing.wire)
    const wrong = await answerTo(request(`DELETE ${path} HTTP/1.1`, authorized))
    expectManaged(wrong.answer, { status: 405, code: 'METHOD_NOT_ALLOWED', message: /POST/ })
    expect(wrong.answer.header('allow')?.split(', ').toSorted()).toEqual(['GET', 'POST'])
    await expectKeptByManagement(wrong.wire)
  })

  test('a body above 1 MiB, declared or in chunks', async () => {
    const tooLarge: Refusal = {
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
      message: `The request body is larger than ${mb} bytes.`,
    }
    const declared = await answerTo(
      request(`POST ${path} HTTP/1.1`, [...authorized, `Content-Length: ${mb + 1}`], ' '),
    )
    expectManaged(declared.answer, tooLarge)
    declared.wire.socket.destroy()
    const wire = connect()
    wire.send(request(`POST ${path} HTTP/1.1`, [...authorized, 'Transfer-Encoding: chunked']))
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')])
    for (let sent = 0; sent < 2 * mb; sent += 65_536) wire.send(chunk)
    expectManaged(await wire.answer(), tooLarge)
    wire.socket.destroy()
  })

  test('an early refusal is read by a caller who still sends a megabyte', async () => {
    const wire = connect()
    wire.send(request(`POST ${path} HTTP/1.1`, ['Host: localhost', `Content-Length: ${mb}`]))
    expectManaged(await wire.answer(), { status: 401, code: 'UNAUTHORIZED', message: /./ })
    for (let sent = 0; sent < mb; sent += 65_536) wire.send(Buffer.alloc(65_536, 0x20))
    wire.socket.end()
    expect(await wire.closed()).toMatch(/^(?:end|reset)$/)
  })

  test('both lengths', async () => {
    const { wire, answer } = await answerTo(managed('POST', '{}', 'Transfer-Encoding: chunked'))
    expectManaged(answer, { status: 400, code: 'VALIDATION_ERROR', message: notHttp.message })
    expect(await wire.closed()).toBe('end')
  })

  test('100 Continue is granted to whom may come in, and to nobody else', async () => {
    const expecting = 'Expect: 100-continue'
    const wire = connect()
    wire.send(request(`POST ${path} HTTP/1.1`, [...authorized, 'Content-Length: 2', expecting]))
    expect((await wire.answer()).status).toBe(100)
    wire.send('{}')
    expect((await wire.answer()).status).toBe(400)
    await expectKeptByManagement(wire)
    const refused = await answerTo(
      request(`POST ${path} HTTP/1.1`, ['Host: localhost', 'Content-Length: 2', expecting]),
    )
    expectManaged(refused.answer, { status: 401, code: 'UNAUTHORIZED', message: /./ })
    const tooLarge = await answerTo(
      request(`POST ${path} HTTP/1.1`, [...authorized, `Content-Length: ${2 * mb}`, expecting]),
    )
    expect(tooLarge.answer.status).toBe(413)
  })
})

describe('a gateway that is short of patience and of memory', () => {
  let short: World

  beforeAll(async () => {
    short = await openWorld({ server: { max_request_body_mb: 8, max_buffered_mb: 1, body_idle_seconds: 2 } })
  })
  afterAll(async () => {
    await expectHealthy(short)
    await short.close()
  })

  test.concurrent.each<[string, string]>([
    ['does not begin', ''],
    ['stops in the middle', '{"model":'],
  ])('a body that %s is refused with 408', async (_name, start) => {
    const wire = dial(short.gateway.url)
    wire.send(short.post(start, ['Content-Length: 100']))
    expectRefusal(await wire.answer(), {
      status: 408,
      code: 'client_error',
      message: 'The request body stopped arriving.',
    })
    expect(await wire.closed()).toBe('end')
  })

  test('bodies above the memory for them are refused until there is room again', async () => {
    const body = chatBody({ padding: 'x'.repeat(700 * 1024) })
    const spaces = 1000
    const holder = dial(short.gateway.url)
    const began = short.post(body, [`Content-Length: ${body.length + spaces}`])
    await new Promise((resolve) => holder.socket.write(began, resolve))
    let sent = 0
    const holding = setInterval(() => {
      if (sent < spaces - 1) holder.send(' ')
      sent += 1
    }, 200)
    const another = async () => {
      const wire = dial(short.gateway.url)
      wire.send(short.post(body))
      const answer = await wire.answer()
      wire.socket.destroy()
      return answer
    }
    await eventually(async () => (await another()).status).toBe(503)
    const refused = await another()
    clearInterval(holding)
    expectRefusal(refused, {
      status: 503,
      code: 'model_unavailable',
      message: 'The gateway cannot take this call now. Try again shortly.',
    })
    expect(refused.header('retry-after')).toBe('1')
    holder.send(' '.repeat(spaces - sent))
    expect((await holder.answer()).status).toBe(200)
    expect((await another()).status).toBe(200)
    holder.socket.destroy()
  })
})

test('the log tells of calls, and holds neither keys nor content', async () => {
  const lines = () => world.gateway.log()
  await eventually(() => lines().includes('"status":499')).toBe(true)
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
