import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Exchange } from '../gateway/exchange.ts'
import { dial, echo, hurried, openTestServer, post, promised, refuse, type TestServer } from './test-kit.ts'

const open: TestServer[] = []
async function serve(...args: Parameters<typeof openTestServer>): Promise<TestServer> {
  const opened = await openTestServer(...args)
  open.push(opened)
  return opened
}
afterEach(async () => {
  for (const { server } of open.splice(0)) await server.close(0)
})

const head = (...lines: string[]) =>
  `POST /v1/x HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`
const host = 'Host: localhost'

const unsound: [what: string, request: string, status: number][] = [
  ['no HTTP at all', 'hello there\r\n\r\n', 400],
  ['an unknown method', 'FOO /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['an unknown version', 'POST /v1/x HTTP/3.7\r\nHost: localhost\r\n\r\n', 400],
  ['both framings', `${head(host, 'Content-Length: 3', 'Transfer-Encoding: chunked')}abc`, 400],
  ['both framings, turned round', `${head(host, 'Transfer-Encoding: chunked', 'Content-Length: 3')}abc`, 400],
  ['two lengths', `${head(host, 'Content-Length: 3', 'Content-Length: 4')}abc`, 400],
  ['two equal lengths', `${head(host, 'Content-Length: 3', 'Content-Length: 3')}abc`, 400],
  ['a list of lengths', `${head(host, 'Content-Length: 3, 3')}abc`, 400],
  ['a negative length', head(host, 'Content-Length: -1'), 400],
  ['a signed length', `${head(host, 'Content-Length: +3')}abc`, 400],
  ['a length beyond all numbers', head(host, `Content-Length: ${'9'.repeat(30)}`), 400],
  ['another transfer coding', head(host, 'Transfer-Encoding: gzip'), 400],
  ['one more transfer coding', `${head(host, 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n`, 400],
  [
    'codings on two lines',
    `${head(host, 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    400,
  ],
  ['a bad chunk size', `${head(host, 'Transfer-Encoding: chunked')}xyz\r\n`, 400],
  ['NUL in the target', 'POST /v1/\0x HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['NUL in a header', head(host, 'X-A: a\0b'), 400],
  ['a space before a colon', `${head(host, 'Content-Length : 3')}abc`, 400],
  ['bytes above ASCII in the target', 'POST /v1/\xff HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['a fragment in the target', 'POST /v1/x#y HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['bare line feeds', 'POST /v1/x HTTP/1.1\nHost: localhost\n\n', 400],
  ['no Host', head(), 400],
  ['two Hosts', head(host, host), 400],
  ['an empty Host', head('Host:'), 400],
  ['a Host that is none', head('Host: a/b'), 400],
  ['the target *', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['a target of another scheme', 'POST ftp://localhost/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['a target of another host', 'POST http://elsewhere/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['a tunnel', 'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n', 405],
  ['an unknown expectation', `${head(host, 'Content-Length: 3', 'Expect: a-miracle')}abc`, 417],
  ['a head of 33 KiB', head(host, `X-Big: ${'a'.repeat(33 * 1024)}`), 431],
]

test.each(unsound)('%s is refused once, as JSON, and others are served on', async (_, request, status) => {
  const { port } = await serve(echo)
  const client = dial(port)
  client.send(Buffer.from(request, 'latin1'))
  await client.until(/\r\n\r\n\{.*\}$/s)
  client.socket.end()

  const { text, how } = await client.closed()
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`])
  expect(text).toMatch(/content-type: application\/json/i)
  expect(how).toBe('end')

  const next = dial(port)
  next.send(post('/v1/x', 'still here'))
  await next.until(/still here$/)
})

test('a head of 31 KiB with 3,000 headers is read, the last one too', async () => {
  const { port } = await serve((exchange) => {
    exchange.respond(200, [], Buffer.from(`last: ${exchange.header('x-last')}`))
  })
  const client = dial(port)
  const many = Array.from({ length: 3000 }, (_, index) => `a${index}:1`)
  client.send(head(host, ...many, 'X-Last: seen'))
  await client.until(/last: seen$/)
})

test('the refusal of a malformed head has the shape of the surface that it names', async () => {
  const { port } = await serve(echo)
  const client = dial(port)
  client.send('POST /v1/gateway/groups HTTP/1.1\r\nContent-Length: x\r\n\r\n')
  expect(await client.until(/\}$/)).toMatch(/\r\n\r\n\{"code":"invalid"\}$/)
})

test('a head that does not come whole in time is refused with 408', async () => {
  const { port } = await serve(echo, { patience: { headMs: 40, idleMs: 30_000, stallMs: 30_000 } })
  const client = dial(port)
  client.send('POST /v1/x HTTP/1.1\r\nHost: loc')
  expect((await client.closed()).text).toMatch(/^HTTP\/1.1 408 .*\{"error":"body_timeout"\}$/s)
})

test('so is the head of a later request', async () => {
  const { port } = await serve(echo, { patience: { headMs: 40, idleMs: 30_000, stallMs: 30_000 } })
  const client = dial(port)
  client.send(post('/v1/x', 'first'))
  await client.until(/first$/)
  client.send('POST /v1/x HTTP/1.1\r\nHost: loc')
  expect((await client.closed()).text).toMatch(/first.*HTTP\/1.1 408 .*\{"error":"body_timeout"\}$/s)
})

test('a connection on which nothing comes is closed without a word', async () => {
  const { port } = await serve(echo, { patience: { headMs: 40, idleMs: 30_000, stallMs: 30_000 } })
  expect(await dial(port).closed()).toEqual({ text: '', how: 'end' })
})

test('a kept connection is closed once it has been idle for long', async () => {
  const { port } = await serve(echo, { patience: { headMs: 30_000, idleMs: 60, stallMs: 30_000 } })
  const client = dial(port)
  client.send(post('/v1/x', 'one'))
  await client.until(/one$/)
  client.send(post('/v1/x', 'two'))
  await client.until(/two$/)
  expect((await client.closed()).how).toBe('end')
})

test('requests behind one another are answered in order, however they finish', async () => {
  const held: Exchange[] = []
  const all = promised<void>()
  const { port } = await serve((exchange) => {
    held.push(exchange)
    if (held.length === 3) all.fulfil()
  })
  const client = dial(port)
  client.send(`${post('/v1/1', '')}${post('/v1/2', '')}${post('/v1/3', '')}`)
  await all.promise
  for (const exchange of held.reverse()) exchange.respond(200, [], Buffer.from(`for ${exchange.path}`))
  const text = await client.until(/for .*for .*for/s)
  expect(text.match(/for \/v1\/\d/g)).toEqual(['for /v1/1', 'for /v1/2', 'for /v1/3'])
})

test('rubbish behind a call in flight lets it finish and closes the connection with its answer', async () => {
  const held = promised<Exchange>()
  const { port } = await serve(held.fulfil)
  const client = dial(port)
  client.send(`${post('/v1/x', '')}rubbish\r\n\r\n`)
  const exchange = await held.promise
  await new Promise(setImmediate)
  exchange.respond(200, [], Buffer.from('unharmed'))
  expect((await client.closed()).text).toMatch(/^HTTP\/1.1 200 .*connection: close.*unharmed$/s)
})

test('rubbish behind answers that wait for their turn is refused after them', async () => {
  const { port } = await serve((exchange) => exchange.respond(200, [], Buffer.from(`for ${exchange.path}`)))
  const client = dial(port)
  client.send(`${post('/v1/1', '')}${post('/v1/2', '')}${post('/v1/3', '')}rubbish\r\n\r\n`)
  const { text } = await client.closed()
  expect(text.match(/for \/v1\/\d|invalid/g)).toEqual(['for /v1/1', 'for /v1/2', 'for /v1/3', 'invalid'])
})

test('a client that sends requests without end and reads no answer is cut off', async () => {
  let served = 0
  const { port, server } = await serve(() => {
    served++
  })
  const client = dial(port)
  client.send(post('/v1/x', 'a').repeat(500))
  expect((await client.closed()).text).toBe('')
  expect(served).toBe(64)
  expect(server.stats().serving).toBe(0)
})

test('more connections than allowed are refused with 503', async () => {
  const { port, server } = await serve(echo, { maxConnections: 1 })
  const first = dial(port)
  first.send(post('/v1/x', 'one'))
  await first.until(/one$/)

  const second = await dial(port).closed()
  expect(second.text).toMatch(/^HTTP\/1.1 503 .*connection: close.*\{"error":"overloaded"\}$/s)
  expect(server.stats()).toMatchObject({ connections: 1, refusedConnections: 1 })

  first.socket.destroy()
  await expect.poll(() => server.stats().connections).toBe(0)
  const third = dial(port)
  third.send(post('/v1/x', 'three'))
  await third.until(/three$/)
})

test('an upgrade is ignored: the request is served as it stands', async () => {
  const { port } = await serve(echo)
  const client = dial(port)
  client.send(
    post('/v1/x', 'plain', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AA'),
  )
  await client.until(/^HTTP\/1.1 200 .*plain$/s)
  client.send('GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  await client.until(/managed GET \/socket/)
})

test('an absolute target is read as its path, for both planes', async () => {
  const { port } = await serve((exchange) => exchange.respond(200, [], Buffer.from(exchange.path)))
  const client = dial(port)
  client.send('POST http://LOCALHOST/v1/x?y=1 HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await client.until(/\r\n\r\n\/v1\/x$/)
  client.send('GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await client.until(/managed GET \/$/)
})

test('a bug is told with its id, and cuts an answer that has begun', async () => {
  const { port, bugs } = await serve((exchange) => {
    if (exchange.path === '/v1/sync') throw new Error('sync')
    if (exchange.path === '/v1/async') return Promise.reject(new Error('async'))
    exchange.start(200, [])
    exchange.write(Buffer.from('half'))
    throw new Error('late')
  })
  const client = dial(port)
  client.send(`${post('/v1/sync', '')}${post('/v1/async', '')}`)
  await client.until(/HTTP\/1.1 500 .*internal.*HTTP\/1.1 500 .*internal/s)
  client.send(post('/v1/late', ''))
  expect((await client.closed()).text).toMatch(/4\r\nhalf\r\n$/)
  expect(bugs.map(String)).toEqual(['Error: sync', 'Error: async', 'Error: late'])
})

test('a bug in a callback is told and ends nothing else', async () => {
  const { port, bugs } = await serve((exchange) => {
    exchange.onGone(() => {
      throw new Error('gone')
    })
    exchange.onGone(() => bugs.push('the next one is called'))
    exchange.start(200, [])
    exchange.write(Buffer.from('begun'))
  })
  const client = dial(port)
  client.send(post('/v1/x', ''))
  await client.until(/begun/)
  client.socket.destroy()
  await expect.poll(() => bugs.map(String)).toEqual(['Error: gone', 'the next one is called'])
})

test('management is called with the caller, and its bug is told', async () => {
  const { port, bugs } = await serve(
    echo,
    { trustedProxies: ['127.0.0.1'], ownNames: ['Gate.Example'] },
    {
      management(request, response, caller) {
        if (request.url === '/bug') throw new Error('managed')
        response.end(JSON.stringify(caller()))
      },
    },
  )
  const client = dial(port)
  const forwarded = [
    'X-Forwarded-For: 6.6.6.6, 10.1.2.3',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: gate.example',
  ]
  client.send(post('/api/x', 'abc', ...forwarded, 'Origin: https://gate.example'))
  const text = await client.until(/\}$/)
  expect(text).toMatch(/^HTTP\/1.1 200 /)
  expect(JSON.parse(text.slice(text.indexOf('{')))).toEqual({
    address: '10.1.2.3',
    host: 'gate.example',
    protocol: 'https',
    isForeign: false,
    isCrossOrigin: false,
  })
  client.send(post('/bug', ''))
  await client.until(/HTTP\/1.1 500 .*\{"error":"internal"\}$/s)
  expect(bugs.map(String)).toEqual(['Error: managed'])
})

test('100 Continue is granted once management reads the body, and not to what it refuses unread', async () => {
  const { port } = await serve(
    echo,
    {},
    {
      management(request, response) {
        if (request.url === '/refused') response.writeHead(401).end('refused')
        else request.once('data', () => response.end('read'))
      },
    },
  )
  const expecting = ['Expect: 100-continue', 'Content-Length: 3']
  const head = (path: string) =>
    [`POST ${path} HTTP/1.1`, 'Host: localhost', ...expecting, '', ''].join('\r\n')
  const client = dial(port)
  client.send(head('/read'))
  await client.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/)
  client.send('abc')
  await client.until(/HTTP\/1.1 200 .*read/s)
  client.send(head('/refused'))
  const { text, how } = await client.closed()
  expect(text).toMatch(/read.*HTTP\/1.1 401 .*Connection: close.*refused/is)
  expect(text.split('100 Continue')).toHaveLength(2)
  expect(how).toBe('end')
})

test('a body that management waits for and that stops arriving is refused with 408', async () => {
  const { port, server } = await serve(
    echo,
    { bodyIdleMs: 60 },
    {
      management(request, response) {
        request.resume().on('end', () => response.end('done'))
      },
    },
  )
  const client = dial(port)
  client.send('POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc')
  expect((await client.closed()).text).toMatch(
    /^HTTP\/1.1 408 .*connection: close.*\{"error":"body_timeout"\}$/s,
  )
  await expect.poll(() => server.stats().serving).toBe(0)
})

test('such a client that does not leave is cut off', async () => {
  const { port, server } = await serve(
    echo,
    { bodyIdleMs: 60 },
    { management: (request) => void request.resume() },
  )
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write('POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc')
  await once(socket.resume(), 'end')
  await expect.poll(() => server.stats().connections, { timeout: 10_000 }).toBe(0)
  socket.destroy()
})

test('a chunk that is none, sent to management, is refused in its place', async () => {
  const { port } = await serve(echo, {}, { management: (request) => void request.resume() })
  const client = dial(port)
  client.send('POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
  client.send('what is this\r\n')
  expect((await client.closed()).text).toMatch(/^HTTP\/1.1 400 .*connection: close.*\{"error":"invalid"\}$/s)
})

test('a header that cannot be sent is a bug, told like any other', async () => {
  const { port, bugs } = await serve((exchange) => {
    if (exchange.path === '/v1/whole') exchange.respond(200, ['x-a', 'b\r\nx-c: d'], Buffer.from('ok'))
    else exchange.start(200, ['x-a', 'b\r\nx-c: d'])
  })
  const client = dial(port)
  client.send(post('/v1/whole', '') + post('/v1/stream', ''))
  const text = await client.until(/(HTTP\/1.1 500 .*internal"\}){2}$/s)
  expect(text).not.toMatch(/x-c/)
  expect(bugs).toHaveLength(2)
})

test('a refused upload behind a call in flight does not disturb it', async () => {
  const held = promised<Exchange>()
  const { port } = await serve(
    (exchange) => {
      if (exchange.path === '/v1/held') held.fulfil(exchange)
      else refuse(exchange, { failure: 'unauthenticated', reason: 'missing' })
    },
    ...hurried,
  )
  const client = dial(port)
  client.send(
    `${post('/v1/held', '')}POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n`,
  )
  const exchange = await held.promise
  // Longer than a refused client has to stop sending.
  await new Promise((resolve) => setTimeout(resolve, 250))
  exchange.respond(200, [], Buffer.from('unharmed'))
  expect((await client.closed()).text).toMatch(
    /^HTTP\/1.1 200 .*unharmedHTTP\/1.1 401 .*unauthenticated"\}$/s,
  )
})

test('a drain refuses what comes on kept connections, finishes what is served, and closes', async () => {
  const held = promised<Exchange>()
  const { port, server } = await serve((exchange) => {
    if (exchange.path === '/v1/held') held.fulfil(exchange)
    else refuse(exchange, { failure: 'not_found', what: 'route' })
  })
  const [kept, idle, busy] = [dial(port), dial(port), dial(port)]
  for (const client of [kept, idle]) {
    client.send(post('/v1/x', ''))
    await client.until(/\}$/)
  }
  busy.send(post('/v1/held', ''))
  const exchange = await held.promise

  server.startDrain()
  const closing = server.close(10_000)
  expect((await dial(port).closed()).how).toBe('reset')
  kept.send(post('/v1/x', 'abc'))
  expect((await kept.closed()).text).toMatch(/HTTP\/1.1 503 .*connection: close.*\{"error":"overloaded"\}$/s)
  expect(idle.socket.closed).toBe(false)

  exchange.respond(200, [], Buffer.from('finished'))
  expect(await closing).toEqual({ cut: 0 })
  expect((await busy.closed()).text).toMatch(/connection: close.*finished$/s)
  expect((await idle.closed()).how).toBe('end')
})

test('a drain cuts what is still served at its limit, and tells it', async () => {
  let wasTold = false
  const { port, server } = await serve((exchange) => {
    exchange.start(200, [])
    exchange.write(Buffer.from('begun'))
    exchange.onGone(() => {
      wasTold = true
    })
  })
  const client = dial(port)
  client.send(post('/v1/x', ''))
  await client.until(/begun/)
  expect(await server.close(20)).toEqual({ cut: 1 })
  expect(wasTold).toBe(true)
  expect((await client.closed()).text).not.toMatch(/\r\n0\r\n\r\n$/)
  expect(server.stats()).toMatchObject({ connections: 0, serving: 0, bufferedBytes: 0 })
})

test('a port that is taken rejects', async () => {
  const { port } = await serve(echo)
  const { server } = await serve(echo)
  await server.close(0)
  await expect(server.listen('127.0.0.1', port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
