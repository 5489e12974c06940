import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  ask,
  onRequest,
  openTestClient,
  originOf,
  requestTo,
  resolvesTo,
  serveHttp,
  serveRaw,
  turn,
  until,
  watch,
} from './connections.fixture.ts'

const head = 'HTTP/1.1 200 OK\r\n'
const small = `${head}Content-Length: 5\r\n\r\nhello`

describe('a request', () => {
  it('arrives as it was given', async () => {
    let seen: unknown
    const server = await serveHttp((request, response) => {
      const { method, url, headers } = request
      seen = { method, url, headers }
      request.pipe(response)
    })
    const client = openTestClient()
    const request = requestTo(server.origin, {
      path: '/v1/chat?x=%20',
      body: [Buffer.from('ab'), Buffer.from('c')],
    })
    const answer = await ask(client, request)
    expect(answer).toMatchObject({ failure: null, body: Buffer.from('abc') })
    expect(seen).toEqual({
      method: 'POST',
      url: '/v1/chat?x=%20',
      headers: {
        host: server.origin.hostHeader,
        'accept-encoding': 'identity',
        'content-type': 'text/plain',
        'content-length': '3',
      },
    })
  })

  it('may have no body', async () => {
    const server = await serveHttp((request, response) => response.end(JSON.stringify(request.headers)))
    const client = openTestClient()
    const get = await ask(client, requestTo(server.origin, { method: 'GET', body: [] }))
    expect(JSON.parse(get.body.toString())).not.toHaveProperty('content-length')
    const post = await ask(client, requestTo(server.origin, { body: [Buffer.alloc(0)] }))
    expect(JSON.parse(post.body.toString())).toHaveProperty('content-length', '0')
  })

  it.each([1_000, 65_000, 65_536, 200_000, 8_000_000])('of %i bytes comes back whole', async (bodyBytes) => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    const sent = randomBytes(bodyBytes)
    const body = [
      sent.subarray(0, 10),
      Buffer.alloc(0),
      sent.subarray(10, bodyBytes - 10),
      sent.subarray(bodyBytes - 10),
    ]
    for (let round = 0; round < 2; round++) {
      const answer = await ask(client, requestTo(server.origin, { body }))
      expect(answer.failure).toBeNull()
      expect(answer.body.equals(sent)).toBe(true)
    }
    expect(client.stats()).toMatchObject({ dialled: 1, unclean: 0 })
  })

  it('that could be read as something else is a bug', () => {
    const client = openTestClient()
    const origin = originOf('http://127.0.0.1:9')
    const handler = { onHead() {}, onData() {}, onEnd() {}, onFailure() {} }
    for (const path of ['', 'v1', '/a b', '/a\r\nx: y', '/é']) {
      expect(() => client.send(requestTo(origin, { path }), handler)).toThrow(TypeError)
    }
    const headers = 'x-a: \u010ax-evil: 1\r\n'
    expect(() => client.send(requestTo(origin, { headers }), handler)).toThrow(TypeError)
    expect(client.stats().waiting).toBe(0)
  })
})

describe('a response', () => {
  it('tells its status and headers', async () => {
    const server = await serveRaw((socket) =>
      onRequest(socket, () =>
        socket.write(
          'HTTP/1.1 429 Slow\r\nRetry-After:\t7 \r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n',
        ),
      ),
    )
    const { head } = await ask(openTestClient(), requestTo(server.origin))
    expect(head?.status).toBe(429)
    expect(head?.headers.get('retry-after')).toBe('7')
    expect(head?.headers.get('x-a')).toBe('1')
    expect(head?.headers.get('after')).toBeNull()
  })

  it('that redirects is given to the caller', async () => {
    const server = await serveHttp((_, response) => response.writeHead(302, { location: '/other' }).end())
    const { head } = await ask(openTestClient(), requestTo(server.origin))
    expect(head?.status).toBe(302)
    expect(server.sockets.length).toBe(1)
  })

  it.each([
    ['a length', small, 1],
    ['chunks', `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nA: b\r\n\r\n`, 1],
    ['interim heads', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${small}`, 1],
    ['Connection: close', `${head}Connection: x, Close\r\nContent-Length: 5\r\n\r\nhello`, 3],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', 3],
  ])('with %s, byte by byte, three times', async (_, text, connections) => {
    const server = await serveRaw((socket) =>
      onRequest(socket, async () => {
        for (const byte of Buffer.from(text)) {
          socket.write(Buffer.of(byte))
          await turn()
        }
      }),
    )
    const client = openTestClient()
    for (let round = 0; round < 3; round++) {
      const answer = await ask(client, requestTo(server.origin))
      expect(answer).toMatchObject({ failure: null, body: Buffer.from('hello') })
      expect(client.stats()).toMatchObject({ waiting: 0, unclean: 0 })
    }
    expect(client.stats().dialled).toBe(connections)
  })

  it.each([
    ['its last byte', `${small}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
    ['its last chunk', `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\r\n`],
    ['its head', `HTTP/1.1 204 No Content\r\n\r\nevil`],
  ])('with bytes after %s spoils its connection only', async (_, text) => {
    const server = await serveRaw((socket) => onRequest(socket, () => socket.write(text)))
    const client = openTestClient()
    for (let round = 1; round <= 3; round++) {
      const { failure, body } = await ask(client, requestTo(server.origin))
      expect({ failure, body: body.toString() }).toEqual({
        failure: null,
        body: text.includes('204') ? '' : 'hello',
      })
      expect(client.stats()).toMatchObject({ dialled: round, open: 0 })
    }
  })

  it.each([204, 304])('of status %i has no body', async (status) => {
    const server = await serveRaw((socket) =>
      onRequest(socket, () => socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 9\r\n\r\n`)),
    )
    const client = openTestClient()
    for (let round = 0; round < 2; round++) {
      const { head, body, failure } = await ask(client, requestTo(server.origin))
      expect({ status: head?.status, body: body.length, failure }).toEqual({ status, body: 0, failure: null })
    }
    expect(client.stats()).toMatchObject({ dialled: 1, reused: 1 })
  })

  it('without a length ends with its connection', async () => {
    const server = await serveRaw((socket) => onRequest(socket, () => socket.end(`${head}\r\nhello`)))
    const client = openTestClient()
    expect(await ask(client, requestTo(server.origin))).toMatchObject({
      failure: null,
      body: Buffer.from('hello'),
    })
    expect(client.stats()).toMatchObject({ open: 0, free: 0 })
  })

  it('of many chunks in one read comes as one part', async () => {
    const chunks = Array.from({ length: 50 }, (_, i) => `data: ${i}\n\n`)
    const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
    const server = await serveRaw((socket) =>
      onRequest(socket, () => socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${framed}0\r\n\r\n`)),
    )
    const call = watch(openTestClient(), requestTo(server.origin))
    expect((await call.answer).body.toString()).toBe(chunks.join(''))
    expect(call.parts.length).toBe(1)
  })

  it('may come before the request is sent; the connection is not used again', async () => {
    const server = await serveRaw((socket) => {
      socket.once('data', () => {
        socket.pause()
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
      })
    })
    const client = openTestClient()
    const answer = await ask(client, requestTo(server.origin, { body: [Buffer.alloc(20_000_000)] }))
    expect(answer).toMatchObject({ failure: null, head: { status: 413 }, body: Buffer.from('no') })
    expect(client.stats()).toMatchObject({ open: 0, free: 0, waiting: 0 })
  })
})

describe('connections', () => {
  it('serve one request at a time, and the one freed last is used first', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    const bodies = Array.from({ length: 40 }, (_, i) => Buffer.from(`body ${i}`))
    const answers = await Promise.all(
      bodies.map((body) => ask(client, requestTo(server.origin, { body: [body] }))),
    )
    expect(answers.map((answer) => answer.body)).toEqual(bodies)
    expect(client.stats()).toMatchObject({ dialled: 40, free: 40, unclean: 0 })

    const ports: (number | undefined)[] = []
    for (const socket of server.sockets) socket.on('data', () => ports.push(socket.remotePort))
    for (let round = 0; round < 5; round++) await ask(client, requestTo(server.origin))
    expect(new Set(ports).size).toBe(1)
  })

  it('are free before the end is told', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    const { promise, resolve } = Promise.withResolvers<void>()
    watch(client, requestTo(server.origin), (event) => {
      if (event === 'end') void ask(client, requestTo(server.origin)).then(() => resolve())
    })
    await promise
    expect(client.stats()).toMatchObject({ dialled: 1, reused: 1 })
  })

  it('are closed after 30 s without use, and not before', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    await ask(client, requestTo(server.origin))
    client.pass(29_999)
    expect(client.stats().free).toBe(1)
    await ask(client, requestTo(server.origin))
    client.pass(29_999)
    expect(client.stats()).toMatchObject({ free: 1, dialled: 1 })
    client.pass(1)
    expect(client.stats()).toMatchObject({ free: 0, open: 0 })
    await until(() => server.openCount() === 0)
  })

  it.each([
    ['timeout=5', 3_999, 1],
    ['timeout=5, max=100', 4_000, 0],
    ['timeout=1', 0, 0],
    ['max=100', 29_999, 1],
  ])(
    'are closed before the upstream closes them: Keep-Alive: %s, after %i ms',
    async (value, afterMs, free) => {
      const server = await serveRaw((socket) =>
        onRequest(socket, () => socket.write(`${head}Keep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`)),
      )
      const client = openTestClient()
      await ask(client, requestTo(server.origin))
      client.pass(afterMs)
      expect(client.stats().free).toBe(free)
    },
  )

  it('that are free are kept up to a number', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient({ limits: { maxIdlePerOrigin: 2 } })
    await Promise.all([1, 2, 3, 4].map(() => ask(client, requestTo(server.origin))))
    expect(client.stats()).toMatchObject({ dialled: 4, free: 2, open: 2 })
  })

  it('are opened up to a number', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient({ limits: { maxPerOrigin: 2 } })
    const answers = await Promise.all([1, 2, 3].map(() => ask(client, requestTo(server.origin))))
    expect(answers.map(({ failure }) => failure?.failure ?? null)).toEqual([null, null, 'upstream'])
    expect((await ask(client, requestTo(server.origin))).failure).toBeNull()
  })

  it('that are free and get bytes or an end are dropped', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    await ask(client, requestTo(server.origin))
    server.sockets[0]?.write('HTTP/1.1 408 Request Timeout\r\n\r\n')
    await until(() => client.stats().open === 0)
    await ask(client, requestTo(server.origin))
    server.sockets[1]?.end()
    await until(() => client.stats().open === 0)
    expect((await ask(client, requestTo(server.origin))).failure).toBeNull()
  })

  it('are all closed with the client', async () => {
    const server = await serveRaw((socket) =>
      onRequest(socket, (index) => index === 0 && socket.write(small)),
    )
    const client = openTestClient()
    await ask(client, requestTo(server.origin))
    const waiting = [watch(client, requestTo(server.origin)), watch(client, requestTo(server.origin))]
    await until(() => server.sockets.length === 2)
    client.close()
    const calls = [...waiting, watch(client, requestTo(server.origin))]
    for (const { failure } of await Promise.all(calls.map((call) => call.answer))) {
      expect(failure).toMatchObject({ failure: 'upstream', problem: 'cut' })
    }
    expect(client.stats()).toMatchObject({ open: 0, free: 0, waiting: 0 })
    await until(() => server.openCount() === 0)
  })
})

describe('a kept connection that turns out to be dead', () => {
  it('is replaced once, with the same request', async () => {
    const bodies: string[] = []
    const server = await serveRaw((socket) => {
      let index = 0
      socket.on('data', (bytes) => {
        bodies.push(bytes.toString().slice(-2))
        if (index++ === 0) socket.write(small)
        else socket.destroy()
      })
    })
    const client = openTestClient()
    expect((await ask(client, requestTo(server.origin))).failure).toBeNull()
    const answer = await ask(client, requestTo(server.origin))
    expect(answer).toMatchObject({ failure: null, body: Buffer.from('hello') })
    expect(bodies).toEqual(['hi', 'hi', 'hi'])
    expect(client.stats()).toMatchObject({ dialled: 2, retried: 1, waiting: 0, unclean: 0 })
  })

  it('is replaced also under a large request', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    await ask(client, requestTo(server.origin))
    const body = randomBytes(1_000_000)
    const answer = ask(client, requestTo(server.origin, { body: [body] }))
    server.sockets[0]?.resetAndDestroy()
    expect((await answer).body.equals(body)).toBe(true)
    expect(client.stats().retried).toBe(1)
  })

  it('is replaced only once', async () => {
    const server = await serveRaw((socket, connection) =>
      onRequest(socket, (index) => (connection + index === 0 ? socket.write(small) : socket.destroy())),
    )
    const client = openTestClient()
    await ask(client, requestTo(server.origin))
    const { failure } = await ask(client, requestTo(server.origin))
    expect(failure).toMatchObject({ failure: 'upstream', problem: 'cut' })
    expect(client.stats()).toMatchObject({ dialled: 2, retried: 1 })
  })

  it('is not replaced after a byte of a response', async () => {
    const server = await serveRaw((socket) =>
      onRequest(socket, (index) => (index === 0 ? socket.write(small) : socket.end('H'))),
    )
    const client = openTestClient()
    await ask(client, requestTo(server.origin))
    expect((await ask(client, requestTo(server.origin))).failure).toMatchObject({ problem: 'cut' })
    expect(client.stats()).toMatchObject({ dialled: 1, retried: 0 })
  })

  it('is not replaced for a caller who left', async () => {
    const server = await serveRaw((socket) =>
      onRequest(socket, (index) => (index === 0 ? socket.write(small) : socket.destroy())),
    )
    const client = openTestClient()
    await ask(client, requestTo(server.origin))
    const call = watch(client, requestTo(server.origin))
    call.abort()
    await until(() => server.openCount() === 0)
    expect(client.stats()).toMatchObject({ dialled: 1, retried: 0, waiting: 0 })
    expect(call.endings).toBe(0)
  })
})

describe('a connection that cannot be made', () => {
  it('is told without an address that the name led to', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await until(() => closed.listening)
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))

    const client = openTestClient({ resolve: resolvesTo({ address: '127.0.0.1', family: 4 }) })
    const { failure } = await ask(client, requestTo(originOf(`http://provider.test:${port}`)))
    expect(failure).toEqual({
      failure: 'upstream',
      problem: 'connect',
      message: 'No connection to the upstream (ECONNREFUSED).',
    })
  })

  it('for want of a name is told', async () => {
    const missing = Object.assign(new Error('getaddrinfo ENOTFOUND secret.internal'), { code: 'ENOTFOUND' })
    const client = openTestClient({ resolve: (_, __, done) => process.nextTick(done, missing, []) })
    const { failure } = await ask(client, requestTo(originOf('http://provider.test')))
    expect(failure).toMatchObject({
      problem: 'connect',
      message: 'No connection to the upstream (ENOTFOUND).',
    })
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 })
  })
})
