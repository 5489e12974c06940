import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dial, request, type Wire, type WireAnswer } from './wire.ts'
import { expectManaged, expectRefusal, invalid, type Refusal } from './wording.ts'
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

const notHttp = invalid('The request is not valid HTTP/1.1.')
const unknownKey: Refusal = { status: 401, code: 'unauthorized', message: 'This API key is not valid.' }

const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 20_000 })

describe('HTTP that two readers might understand differently', () => {
  const chunked = 'Transfer-Encoding: chunked'
  const chunk = '2\r\n{}\r\n0\r\n\r\n'
  const head = (...lines: string[]) =>
    [`POST ${chatPath} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n')

  test.each<[string, string]>([
    ['both lengths', `${head('Content-Length: 2', chunked)}${chunk}`],
    ['both lengths, the other way', `${head(chunked, 'Content-Length: 2')}${chunk}`],
    ['two lengths', `${head('Content-Length: 2', 'Content-Length: 3')}{}`],
    ['a length that is no number', `${head('Content-Length: 2, 2')}{}`],
    ['a negative length', `${head('Content-Length: -2')}{}`],
    ['a space before the colon', `${head('Content-Length : 2')}{}`],
    ['a folded header', `${head('X-One: 1\r\n two')}`],
    ['a control character in a header', `${head('X-One: \u0001')}`],
    ['a header without a name', `${head(': x')}`],
    ['a line that is no request', 'hello\r\n\r\n'],
    ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
  ])('%s', async (_name, text) => {
    const { wire, answer } = await answerTo(world, Buffer.from(text, 'latin1'))
    if (text.startsWith(`POST ${chatPath}`)) expectRefusal(answer, notHttp)
    else expectManaged(answer, { ...notHttp, code: 'VALIDATION_ERROR' })
    expect(answer.header('connection')).toBe('close')
    expect(await wire.closed()).toBe('end')
  })

  test.concurrent.each<[string, string]>([
    ['a chunk size that is none', 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a chunk size of too many digits', 'fffffffffffffffff\r\n{}'],
    ['a chunk longer than its size', '1\r\n{}\r\n0\r\n\r\n'],
  ])('%s', async (_name, body) => {
    const { wire, answer } = await answerTo(
      world,
      Buffer.concat([world.post('', [chunked]), Buffer.from(body)]),
    )
    expectRefusal(answer, notHttp)
    expect(await wire.closed()).toBe('end')
  })

  const onlyChunked = 'The only Transfer-Encoding known here is chunked.'
  const oneHost = 'A request names its Host exactly once.'
  const noPath = 'The request target is not a path of this server.'

  test.each<[string, string, string]>([
    ['another transfer coding', head('Transfer-Encoding: gzip, chunked'), onlyChunked],
    ['a second Host', head('Host: elsewhere', 'Content-Length: 0'), oneHost],
    ['no Host', head('Content-Length: 0').replace('Host: localhost\r\n', ''), oneHost],
    [
      'a Host that is none',
      head('Content-Length: 0').replace('localhost', 'a b'),
      'The Host is not a host name.',
    ],
  ])('%s', async (_name, text, message) => {
    const { wire, answer } = await answerTo(world, Buffer.from(text))
    expectRefusal(answer, invalid(message))
    wire.socket.destroy()
  })

  test.each<[string, string]>([
    ['a target that is no path', head('Content-Length: 0').replace(chatPath, 'ftp://localhost/v1/')],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('%s', async (_name, text) => {
    const { wire, answer } = await answerTo(world, Buffer.from(text))
    expectManaged(answer, { ...invalid(noPath), code: 'VALIDATION_ERROR' })
    wire.socket.destroy()
  })

  test.each<[string, (answer: WireAnswer, refusal: Refusal) => void, string]>([
    [chatPath, expectRefusal, 'client_error'],
    ['/v1/gateway/groups', expectManaged, 'HEADERS_TOO_LARGE'],
  ])('a head of more than 32 KiB, at %s', async (path, expectWords, code) => {
    const headers = ['Host: localhost', `X-Long: ${'x'.repeat(33 * 1024)}`]
    const { wire, answer } = await answerTo(world, request(`GET ${path} HTTP/1.1`, headers))
    expectWords(answer, { status: 431, code, message: 'The request headers are too large.' })
    expect(await wire.closed()).toBe('end')
  })
})

describe('bodies above the limit', () => {
  const tooLarge: Refusal = {
    status: 413,
    code: 'payload_too_large',
    message: `The request body is larger than ${2 * mb} bytes.`,
  }

  test('a declared length above the limit is refused before a byte of the body has come', async () => {
    const { wire, answer } = await answerTo(world, world.post('', [`Content-Length: ${2 * mb + 1}`]))
    expectRefusal(answer, tooLarge)
    expect(answer.header('connection')).toBe('close')
    wire.socket.end()
    expect(await wire.closed()).toBe('end')
  })

  test('a body of chunks is refused as soon as it is above the limit, and the caller reads why', async () => {
    const wire = dial(world.gateway.url)
    wire.send(world.post('', ['Transfer-Encoding: chunked']))
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')])
    for (let sent = 0; sent < 2.5 * mb; sent += 65_536) wire.send(chunk)
    expectRefusal(await wire.answer(), tooLarge)
    expect(await wire.closed()).toMatch(/^(?:end|reset)$/)
  })

  test('a body of exactly the limit is served', async () => {
    const body = chatBody()
    const { wire, answer } = await answerTo(world, world.post(body + ' '.repeat(2 * mb - body.length)))
    expect(answer.status).toBe(200)
    await expectKept(world, wire)
  })
})

test('an early refusal is read by a caller who still sends a megabyte, and the connection is kept', async () => {
  const wire = dial(world.gateway.url)
  wire.send(world.post('', [`Content-Length: ${mb}`, 'Authorization: Api-Key sky_unknown.key']))
  expectRefusal(await wire.answer(), unknownKey)
  for (let sent = 0; sent < mb; sent += 65_536) wire.send(Buffer.alloc(65_536, 0x20))
  await expectKept(world, wire)
})

test('an early refusal is read by a caller who announces ten megabytes and sends one before it reads', async () => {
  const wire = dial(world.gateway.url)
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
    const wire = dial(world.gateway.url)
    const body = chatBody()
    wire.send(expecting(body.length))
    expect((await wire.answer()).status).toBe(100)
    wire.send(body)
    expect((await wire.answer()).status).toBe(200)
    await expectKept(world, wire)
  })

  test.each<[string, number, string, number]>([
    ['a key that nobody has', 20, 'Authorization: Api-Key sky_unknown.key', 401],
    ['a length above the limit', 3 * mb, 'X-Nothing: 1', 413],
    ['a body that is no JSON', 20, 'Content-Type: text/plain', 415],
  ])('is not granted to %s', async (_name, length, header, status) => {
    const { wire, answer } = await answerTo(world, expecting(length, header))
    expect(answer.status).toBe(status)
    expect(answer.json()).toHaveProperty('error_code')
    wire.socket.end()
    expect(await wire.closed()).toBe('end')
  })

  test('any other expectation is refused', async () => {
    const { answer } = await answerTo(world, world.post(chatBody(), ['Expect: a-miracle']))
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
      const wire = dial(world.gateway.url)
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
    const wire = dial(world.gateway.url)
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
    const { wire, answer } = await answerTo(world, old(chatBody()))
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ model: slug })
    expect(await wire.closed()).toBe('end')
  })

  test('a stream that the end of the connection ends, without chunks', async () => {
    const { answer } = await answerTo(world, old(chatBody({ stream: true })))
    expect(answer.header('transfer-encoding')).toBeNull()
    expect(answer.header('content-length')).toBeNull()
    expect(answer.body.toString()).toMatch(/^data: \{.*data: \[DONE\]\n\n$/s)
  })

  test('a refusal is read like any other', async () => {
    const { wire, answer } = await answerTo(world, old('{'))
    expectRefusal(answer, invalid('The body is not valid JSON.'))
    expect(await wire.closed()).toBe('end')
  })
})
