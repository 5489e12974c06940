import type { Socket } from 'node:net'
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
const responses = {
  length: `${head}Content-Length: 12\r\n\r\nhello, world`,
  chunked: `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x\r\n, world\r\n0\r\nA: b\r\n\r\n`,
  interim: `HTTP/1.1 100 Continue\r\n\r\n${head}Content-Length: 12\r\n\r\nhello, world`,
}

/** The first request of a connection gets a part of the response, each later one all of it. */
function servePart(text: string, bytes: number, then: (socket: Socket) => void) {
  return serveRaw((socket, connection) =>
    onRequest(socket, (index) => {
      if (connection + index === 0) socket.write(text.slice(0, bytes), () => then(socket))
      else socket.write(text)
    }),
  )
}

describe.each(Object.entries(responses))('a response (%s)', (_, text) => {
  it('may be left at any byte', async () => {
    for (let bytes = 0; bytes < text.length; bytes++) {
      const client = openTestClient()
      let isWritten = false
      const server = await servePart(text, bytes, () => {
        isWritten = true
      })
      const call = watch(client, requestTo(server.origin))
      await until(() => isWritten)
      await turn()
      call.abort()
      call.abort()
      expect(client.stats()).toMatchObject({ open: 0, waiting: 0 })
      expect((await ask(client, requestTo(server.origin))).body.toString()).toBe('hello, world')
      expect(client.stats()).toMatchObject({ open: 1, free: 1, unclean: 0, waiting: 0 })
      await until(() => server.openCount() === 1)
      expect(call.endings).toBe(0)
    }
  })

  it('may be cut at any byte', async () => {
    for (let bytes = 0; bytes < text.length; bytes++) {
      const client = openTestClient()
      const server = await servePart(text, bytes, (socket) =>
        bytes % 2 === 0 ? socket.end() : socket.destroy(),
      )
      const call = watch(client, requestTo(server.origin))
      const { failure } = await call.answer
      expect(failure).toMatchObject({ failure: 'upstream', problem: 'cut' })
      expect((await ask(client, requestTo(server.origin))).body.toString()).toBe('hello, world')
      expect(client.stats()).toMatchObject({ open: 1, free: 1, unclean: 0, waiting: 0, retried: 0 })
      expect(call.endings).toBe(1)
    }
  })

  it('may be paused and resumed at any byte', async () => {
    const client = openTestClient()
    const server = await serveRaw((socket) =>
      onRequest(socket, async () => {
        for (const byte of Buffer.from(text)) {
          socket.write(Buffer.of(byte))
          await turn()
        }
      }),
    )
    for (let pauseAfter = 0; pauseAfter < text.length; pauseAfter++) {
      const call = watch(client, requestTo(server.origin))
      for (let i = 0; i < pauseAfter; i++) await turn()
      call.pause()
      await turn()
      call.resume()
      expect((await call.answer).body.toString()).toBe('hello, world')
      expect(client.stats()).toMatchObject({ dialled: 1, free: 1, unclean: 0 })
    }
  })
})

describe('a caller', () => {
  it.each(['head', 'data', 'end'] as const)('may leave within the handler, at %s', async (moment) => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    const events: string[] = []
    const call = watch(client, requestTo(server.origin), (event, watched) => {
      events.push(event)
      if (event === moment) watched.abort()
    })
    await until(() => events.includes(moment) && client.stats().waiting === 0)
    for (let i = 0; i < 5; i++) await turn()
    expect(events.at(-1)).toBe(moment)
    expect(client.stats().open).toBe(moment === 'end' ? 1 : 0)
    call.pause()
    call.resume()
    call.abort()
    expect((await ask(client, requestTo(server.origin))).failure).toBeNull()
    expect(client.stats().unclean).toBe(0)
  })

  it('who left does not touch the next user of the connection', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    const first = watch(client, requestTo(server.origin))
    await first.answer
    const second = watch(client, requestTo(server.origin))
    first.pause()
    first.abort()
    expect((await second.answer).failure).toBeNull()
    expect(client.stats()).toMatchObject({ dialled: 1, reused: 1, unclean: 0 })
  })

  it('may leave before there is a connection', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    const call = watch(client, requestTo(server.origin))
    call.abort()
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 })
    const refused = watch(client, requestTo(originOf('http://169.254.169.254')))
    refused.abort()
    for (let i = 0; i < 5; i++) await turn()
    expect([call.endings, refused.endings]).toEqual([0, 0])
  })

  it('may leave while paused, and the next request works', async () => {
    const big = Buffer.alloc(4_000_000, 'x')
    const server = await serveHttp((_, response) => response.end(big))
    const client = openTestClient()
    for (let round = 0; round < 5; round++) {
      const left = watch(client, requestTo(server.origin), (event, call) => event === 'data' && call.pause())
      await until(() => left.parts.length > 0)
      left.abort()
      const answer = await ask(client, requestTo(server.origin))
      expect(answer.body.length).toBe(big.length)
      expect(client.stats()).toMatchObject({ open: 1, free: 1, unclean: 0 })
    }
    await until(() => server.openCount() === 1)
  })

  it('who pauses at the last byte leaves a connection that runs', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    const client = openTestClient()
    for (let round = 0; round < 5; round++) {
      const call = watch(client, requestTo(server.origin), (_, watched) => watched.pause())
      expect((await call.answer).failure).toBeNull()
      expect(client.stats()).toMatchObject({ dialled: 1, free: 1, unclean: 0 })
    }
  })

  it('who pauses holds the upstream back', async () => {
    const total = 30_000_000
    let isDone = false
    const server = await serveHttp((_, response) => response.end(Buffer.alloc(total), () => (isDone = true)))
    const client = openTestClient()
    let paused = -1
    const call = watch(client, requestTo(server.origin), (event, watched) => {
      if (event !== 'data' || paused >= 0) return
      watched.pause()
      paused = watched.parts.length
    })
    await until(() => paused >= 0)
    for (let i = 0; i < 200; i++) await turn()
    expect(call.parts.length).toBe(paused)
    expect(isDone).toBe(false)
    call.resume()
    const { body, failure } = await call.answer
    expect({ bytes: body.length, failure }).toEqual({ bytes: total, failure: null })
  })
})

describe('an upstream that', () => {
  it.each([
    ['speaks another protocol', 'SSH-2.0-OpenSSH_9.2p1 Debian\r\n'],
    ['sends two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['sends a bad chunk', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
  ])('%s is garbage, and its connection is closed', async (_, text) => {
    const server = await serveRaw((socket) => onRequest(socket, () => socket.write(text)))
    const client = openTestClient()
    const call = watch(client, requestTo(server.origin))
    expect((await call.answer).failure).toMatchObject({ failure: 'upstream', problem: 'garbage' })
    expect(client.stats()).toMatchObject({ open: 0, free: 0, waiting: 0 })
    await until(() => server.openCount() === 0)
    expect(call.endings).toBe(1)
  })

  it('answers before it was asked is heard, and cut off the next time', async () => {
    const server = await serveRaw((socket) => void socket.write(responses.length.repeat(2)))
    const client = openTestClient()
    expect((await ask(client, requestTo(server.origin))).body.toString()).toBe('hello, world')
    expect(client.stats().open).toBe(0)
  })
})

describe('time runs out', () => {
  const phases = { connectMs: 1_000, firstByteMs: 2_000, idleMs: 3_000, totalMs: Number.POSITIVE_INFINITY }
  const expired = (phase: string) => ({ failure: 'upstream_timeout', phase })

  it('while connecting', async () => {
    const client = openTestClient({ resolve: () => {} })
    const call = watch(client, requestTo(originOf('http://provider.test'), { timeouts: phases }))
    client.pass(999)
    expect(call.endings).toBe(0)
    client.pass(1)
    expect((await call.answer).failure).toEqual(expired('connect'))
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 })
  })

  it('while a dead connection is being replaced', async () => {
    let lookups = 0
    const client = openTestClient({
      resolve: (_, __, done) => lookups++ === 0 && done(null, [{ address: '127.0.0.1', family: 4 }]),
    })
    const server = await serveHttp((request, response) => request.pipe(response))
    const origin = originOf(`http://provider.test:${server.origin.port}`)
    await ask(client, requestTo(origin))
    const call = watch(client, requestTo(origin, { timeouts: phases }))
    server.sockets[0]?.destroy()
    await until(() => lookups === 2)
    client.pass(999)
    expect(call.endings).toBe(0)
    client.pass(1)
    expect((await call.answer).failure).toEqual(expired('connect'))
  })

  it('before the head, which interim heads do not delay', async () => {
    let isAsked = false
    const server = await serveRaw((socket) =>
      onRequest(socket, () => {
        isAsked = true
        socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2')
      }),
    )
    const client = openTestClient()
    const call = watch(client, requestTo(server.origin, { timeouts: phases }))
    await until(() => isAsked)
    await turn()
    client.pass(1_999)
    expect(call.endings).toBe(0)
    client.pass(1)
    expect((await call.answer).failure).toEqual(expired('first_byte'))
    await until(() => server.openCount() === 0)
  })

  it('within a large request that is not read', async () => {
    const server = await serveRaw((socket) => void socket.pause())
    const client = openTestClient()
    const body = [Buffer.alloc(30_000_000)]
    const call = watch(client, requestTo(server.origin, { timeouts: phases, body }))
    await until(() => server.sockets.length === 1)
    for (let i = 0; i < 50; i++) await turn()
    client.pass(2_000)
    expect((await call.answer).failure).toEqual(expired('first_byte'))
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 })
  })

  it('between two parts, each of which begins it anew', async () => {
    let socket: Socket | undefined
    const server = await serveRaw((opened) => {
      socket = opened
      onRequest(opened, () => opened.write(`${head}Content-Length: 9\r\n\r\n`))
    })
    const client = openTestClient()
    const call = watch(client, requestTo(server.origin, { timeouts: phases }))
    await until(() => call.head !== null)
    for (let part = 1; part < 4; part++) {
      client.pass(2_999)
      socket?.write('x')
      await until(() => call.parts.length === part)
    }
    client.pass(2_999)
    expect(call.endings).toBe(0)
    client.pass(1)
    expect((await call.answer).failure).toEqual(expired('idle'))
    await until(() => server.openCount() === 0)
  })

  it('also while the caller has paused, and anew after a resume', async () => {
    const server = await serveHttp((_, response) => response.end(Buffer.alloc(5_000_000)))
    const client = openTestClient()
    const call = watch(client, requestTo(server.origin, { timeouts: phases }), (event, watched) => {
      if (event === 'data') watched.pause()
    })
    await until(() => call.parts.length === 1)
    client.pass(2_999)
    call.resume()
    client.pass(2_999)
    expect(call.endings).toBe(0)
    await until(() => call.parts.length === 2)
    client.pass(3_000)
    expect((await call.answer).failure).toEqual(expired('idle'))
    await until(() => server.openCount() === 0)
  })

  it('for the whole, however much comes', async () => {
    const server = await serveRaw((socket) => onRequest(socket, () => socket.write(`${head}\r\nx`)))
    const client = openTestClient()
    const timeouts = { connectMs: 1e6, firstByteMs: 1e6, idleMs: 1e6, totalMs: 5_000 }
    const call = watch(client, requestTo(server.origin, { timeouts }))
    await until(() => call.parts.length === 1)
    client.pass(4_000)
    server.sockets[0]?.write('y')
    await until(() => call.parts.length === 2)
    client.pass(999)
    expect(call.endings).toBe(0)
    client.pass(1)
    expect((await call.answer).failure).toEqual(expired('total'))
  })

  it('and the next request works', async () => {
    const server = await serveRaw(
      (socket, index) => index > 0 && onRequest(socket, () => socket.write(responses.length)),
    )
    const client = openTestClient()
    const call = watch(client, requestTo(server.origin, { timeouts: phases }))
    await until(() => server.sockets.length === 1)
    client.pass(2_000)
    await call.answer
    expect((await ask(client, requestTo(server.origin))).body.toString()).toBe('hello, world')
    expect(client.stats()).toMatchObject({ open: 1, free: 1, unclean: 0, waiting: 0 })
  })
})

describe('the way out', () => {
  const loopback = resolvesTo({ address: '127.0.0.1', family: 4 })

  it('is shut for names that lead to internal addresses', async () => {
    const server = await serveHttp((_, response) => response.end('secret'))
    const client = openTestClient({ resolve: loopback, rules: { allowPrivate: [] } })
    const { failure } = await ask(client, requestTo(originOf(`http://rebound.test:${server.origin.port}`)))
    expect(failure).toMatchObject({ failure: 'upstream', problem: 'refused' })
    expect(JSON.stringify(failure)).not.toContain('127.0.0.1')
    expect(server.sockets.length).toBe(0)
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 })
  })

  it('is judged anew for each connection, so that a name may not change sides', async () => {
    const server = await serveHttp((request, response) => request.pipe(response))
    let address = '127.0.0.1'
    const client = openTestClient({
      resolve: (_, __, done) => process.nextTick(done, null, [{ address, family: 4 }]),
    })
    const origin = originOf(`http://rebinding.test:${server.origin.port}`)
    expect((await ask(client, requestTo(origin))).failure).toBeNull()
    client.pass(30_000)
    address = '169.254.169.254'
    expect((await ask(client, requestTo(origin))).failure).toMatchObject({ problem: 'refused' })
  })

  it('leads to another origin where the file says so, under the name of the first', async () => {
    const server = await serveHttp((request, response) => response.end(request.headers.host))
    const vendor = originOf('https://api.vendor.test')
    const client = openTestClient({
      resolve: () => expect.unreachable(),
      rules: { allowPrivate: [], origins: new Map([[vendor.key, server.origin]]) },
    })
    const { body } = await ask(client, requestTo(vendor))
    expect(body.toString()).toBe('api.vendor.test')
  })
})
