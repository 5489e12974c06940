import { afterEach, expect, test } from 'vitest'
import type { Exchange } from '../gateway/exchange.ts'
import { dial, echo, openTestServer, post, promised, refuse, type TestServer } from './test-kit.ts'

// What only the fast path does, or does by itself. Everything else is shown for both paths by the other tests here.

const megabyte = 2 ** 20

const open: TestServer[] = []
async function serve(...args: Parameters<typeof openTestServer>): Promise<TestServer> {
  const opened = await openTestServer(...args)
  open.push(opened)
  return opened
}
afterEach(async () => {
  for (const { server } of open.splice(0)) {
    await server.close(0)
    expect(server.stats()).toMatchObject({ connections: 0, serving: 0, bufferedBytes: 0 })
  }
})

const declared = (bytes: number) =>
  `POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`
const say = (exchange: Exchange, text: string) => exchange.respond(200, [], Buffer.from(text))

test('an answer is a head with length and date, and the body', async () => {
  const now = Date.UTC(2026, 10, 21, 8, 49, 37, 999)
  const { port } = await serve(
    (exchange) => exchange.respond(418, ['X-A', 'b', 'content-type', 'text/plain'], Buffer.from('short')),
    {},
    { clock: () => now },
  )
  const client = dial(port)
  client.send(post('/v1/x', ''))
  const lines = [
    "HTTP/1.1 418 I'm a Teapot",
    'X-A: b',
    'content-type: text/plain',
    'date: Sat, 21 Nov 2026 08:49:37 GMT',
    'content-length: 5',
    'connection: keep-alive',
  ]
  expect(await client.until(/short$/)).toBe(`${lines.join('\r\n')}\r\n\r\nshort`)
})

test('a stream is a head and chunks, an empty one of which is none', async () => {
  const { port } = await serve((exchange) => {
    exchange.start(200, ['x-a', 'b'])
    for (const piece of ['', 'one', '', 'seventeen letters']) exchange.write(Buffer.from(piece))
    exchange.end()
  })
  const client = dial(port)
  client.send(post('/v1/x', ''))
  const text = await client.until(/\r\n0\r\n\r\n$/)
  expect(text).toMatch(
    /^HTTP\/1.1 200 OK\r\nx-a: b\r\ndate: .*\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n3\r\none\r\n11\r\nseventeen letters\r\n0\r\n\r\n$/,
  )
})

test.each([
  ['a line of its own', 'x-a', 'b\r\nx-c: d'],
  ['a bare line feed', 'x-a', 'b\nc'],
  ['a bare carriage return', 'x-a', 'b\rc'],
  ['letters whose low bytes are a line end', 'x-a', 'b\u010d\u010ax-c: d'],
  ['a NUL', 'x-a', 'b\0'],
  ['a line end in a name', 'x-a: b\r\nx-c', 'd'],
  ['a colon in a name', 'x-a:', 'b'],
  ['no name', '', 'b'],
])('a header with %s is a bug and sends nothing, and the connection is kept', async (_, name, value) => {
  const { port, bugs } = await serve((exchange) => {
    if (exchange.path === '/v1/whole') exchange.respond(200, [name, value], Buffer.from('ok'))
    else if (exchange.path === '/v1/stream') exchange.start(200, [name, value])
    else say(exchange, 'kept')
  })
  const client = dial(port)
  for (const path of ['/v1/whole', '/v1/stream']) {
    client.send(post(path, ''))
    await client.until(/internal"\}$/)
  }
  client.send(post('/v1/x', ''))
  const text = await client.until(/kept$/)
  expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 500', 'HTTP/1.1 500', 'HTTP/1.1 200'])
  expect(text).not.toMatch(/x-c/)
  expect(bugs).toHaveLength(2)
})

test('an exchange that has been answered cannot touch the next one', async () => {
  const seen: Exchange[] = []
  const second = promised<Exchange>()
  const { port } = await serve((exchange) => {
    seen.push(exchange)
    if (seen.length === 1) say(exchange, 'first')
    else second.fulfil(exchange)
  })
  const client = dial(port)
  client.send(post('/v1/1', ''))
  await client.until(/first$/)
  client.send(post('/v1/2', ''))
  const current = await second.promise
  const [stale] = seen
  stale?.cut()
  stale?.start(200, [])
  expect(stale?.write(Buffer.from('stale'))).toBe(true)
  stale?.end()
  if (stale !== undefined) say(stale, 'stale')
  say(current, 'second')
  expect(await client.until(/second$/)).not.toMatch(/stale/)
})

test('a request that comes behind one in flight is served after it, in whatever pieces', async () => {
  const first = promised<Exchange>()
  const { port } = await serve((exchange) =>
    exchange.path === '/v1/first' ? first.fulfil(exchange) : echo(exchange),
  )
  const client = dial(port)
  client.send(post('/v1/first', ''))
  const exchange = await first.promise
  const next = post('/v1/x', 'the next one')
  for (const piece of [next.slice(0, 10), next.slice(10, 60), next.slice(60)]) {
    client.send(piece)
    await new Promise(setImmediate)
  }
  say(exchange, 'the first one')
  expect(await client.until(/the next one$/)).toMatch(/the first one.*the next one/s)
  client.send(post('/v1/x', 'a third'))
  await client.until(/a third$/)
})

test('what comes behind one in flight waits in bounded memory, and is served whole', async () => {
  const first = promised<Exchange>()
  const { port } = await serve(async (exchange) => {
    if (exchange.path === '/v1/first') return first.fulfil(exchange)
    const body = await exchange.readBody(64 * megabyte)
    if (Buffer.isBuffer(body)) say(exchange, `${body.length} bytes.`)
    else refuse(exchange, body)
  })
  const client = dial(port)
  client.send(post('/v1/first', ''))
  const exchange = await first.promise
  client.send(declared(30 * megabyte))
  client.send(Buffer.alloc(30 * megabyte))
  await new Promise((resolve) => setTimeout(resolve, 50))
  // It is the client that keeps what is not read.
  expect(client.socket.writableLength).toBeGreaterThan(megabyte)
  say(exchange, 'first')
  await client.until(`${30 * megabyte} bytes.`)
})

test('a body that is not asked for yet waits in bounded memory, and is read whole', async () => {
  const held = promised<Exchange>()
  const { port, server } = await serve(held.fulfil)
  const client = dial(port)
  client.send(declared(30 * megabyte))
  client.send(Buffer.alloc(30 * megabyte))
  const exchange = await held.promise
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(client.socket.writableLength).toBeGreaterThan(megabyte)
  expect(server.stats().bufferedBytes).toBe(0)
  const body = await exchange.readBody(30 * megabyte)
  expect(body).toHaveLength(30 * megabyte)
  say(exchange, 'whole')
  await client.until(/whole$/)
})

test('a client that sends on behind its request, and leaves, is gone', async () => {
  const held = promised<Exchange>()
  const gone = promised<void>()
  const { port } = await serve(held.fulfil)
  const client = dial(port)
  client.send(post('/v1/x', ''))
  const exchange = await held.promise
  exchange.onGone(gone.fulfil)
  client.send('\r\nsomething')
  await new Promise(setImmediate)
  client.socket.end()
  await gone.promise
  expect((await client.closed()).text).toBe('')
})

test('a slow reader holds the writer up, and gets every byte, however often the buffer is reused', async () => {
  const pieceBytes = 64 * 1024
  const pieces = 200
  let waits = 0
  const { port } = await serve((exchange) => {
    const piece = Buffer.alloc(pieceBytes)
    let sent = 0
    const sendOn = () => {
      while (sent < pieces) {
        piece.fill(97 + (sent % 26))
        sent++
        if (exchange.write(piece)) continue
        waits++
        return
      }
      exchange.end()
    }
    exchange.onDrain(sendOn)
    exchange.start(200, [])
    sendOn()
  })
  const client = dial(port)
  client.socket.pause()
  client.send(post('/v1/x', ''))
  await expect.poll(() => waits).toBeGreaterThan(0)
  const waitsWhilePaused = waits
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(waits).toBe(waitsWhilePaused)
  client.socket.resume()
  const letters = Array.from({ length: pieces }, (_, at) => String.fromCharCode(97 + (at % 26)))
  const chunks = letters.map((letter) => `10000\r\n${letter.repeat(pieceBytes)}\r\n`)
  const expected = `${chunks.join('')}0\r\n\r\n`
  await expect.poll(() => client.socket.bytesRead).toBeGreaterThan(expected.length)
  expect(await client.until(/\r\n0\r\n\r\n$/)).toMatch(/^HTTP\/1.1 200 /)
  expect(client.received().endsWith(`\r\n\r\n${expected}`)).toBe(true)
})

test('leaving at any byte of the answers leaves nothing behind', async () => {
  const { port, server, bugs } = await serve(async (exchange) => {
    const body = await exchange.readBody(megabyte)
    if (!Buffer.isBuffer(body)) return
    exchange.start(200, [])
    for (const letter of 'stream') {
      exchange.write(Buffer.from(letter))
      await new Promise(setImmediate)
    }
    exchange.end()
  })
  const whole = dial(port)
  whole.send(post('/v1/x', 'abc'))
  const answerBytes = (await whole.until(/\r\n0\r\n\r\n$/)).length
  for (let bytes = 1; bytes <= 2 * answerBytes; bytes += 5) {
    const client = dial(port)
    client.send(post('/v1/x', 'abc'))
    if (bytes > answerBytes) {
      await client.until(/\r\n0\r\n\r\n$/)
      client.send(post('/v1/x', 'abc'))
    }
    await client.until(new RegExp(`^[^]{${bytes}}`))
    if (bytes % 2 === 0) client.socket.resetAndDestroy()
    else client.socket.end()
    await client.closed()
  }
  whole.socket.destroy()
  await expect.poll(() => server.stats()).toMatchObject({ connections: 0, serving: 0, bufferedBytes: 0 })
  expect(bugs).toEqual([])
})

test('a stream that begins in a drain says that the connection closes, and it does', async () => {
  const held = promised<Exchange>()
  const { port, server } = await serve(held.fulfil)
  const client = dial(port)
  client.send(post('/v1/x', ''))
  const exchange = await held.promise
  server.startDrain()
  exchange.start(200, [])
  exchange.write(Buffer.from('late'))
  exchange.end()
  const { text, how } = await client.closed()
  expect(text).toMatch(/\r\nconnection: close\r\n.*late\r\n0\r\n\r\n$/s)
  expect(how).toBe('end')
})
