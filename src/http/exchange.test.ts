import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import type { Failure } from '../domain/failure.ts'
import type { Exchange } from '../gateway/exchange.ts'
import { dial, echo, hurried, openTestServer, post, promised, refuse, type TestServer } from './test-kit.ts'

const megabyte = 2 ** 20
const patience = { headMs: 30_000, idleMs: 30_000, stallMs: 30_000 }

describe.each([
  ['ourselves', true],
  ['Node', false],
])('read by %s', (_, hasFastPath) => {
  const open: TestServer[] = []
  const serve: typeof openTestServer = async (dataPlane, changes, parts) => {
    const opened = await openTestServer(dataPlane, changes, { hasFastPath, ...parts })
    open.push(opened)
    return opened
  }
  afterEach(async () => {
    for (const { server, bugs } of open.splice(0)) {
      await server.close(0)
      expect(server.stats()).toMatchObject({ connections: 0, serving: 0, bufferedBytes: 0 })
      expect(bugs).toEqual([])
    }
  })

  const declared = (bytes: number, ...headers: string[]) =>
    ['POST /v1/x HTTP/1.1', 'Host: localhost', `Content-Length: ${bytes}`, ...headers, '', ''].join('\r\n')
  const chunkedHead = 'POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
  const unauthenticated: Failure = { failure: 'unauthenticated', reason: 'missing' }

  test('a request says what it is: headers by any case, the first of several, host and path', async () => {
    const { port } = await serve((exchange) => {
      const { method, path, host } = exchange
      const seen = [method, path, host, exchange.header('x-twice'), exchange.header('x-none')]
      exchange.respond(200, [], Buffer.from(JSON.stringify(seen)))
    })
    const client = dial(port)
    client.send(post('/v1/x%00/%zz?q=1', '', 'X-TWICE: a', 'x-Twice: b'))
    await client.until(/\["POST","\/v1\/x%00\/%zz","localhost","a",null\]$/)
  })

  test('the host is what a trusted proxy says it was, and nobody else', async () => {
    const say = (exchange: Exchange) =>
      exchange.respond(200, [], Buffer.from(`${exchange.host} ${exchange.isForeign()}.`))
    const request = post('/v1/x', '', 'X-Forwarded-Host: ai.example')
    const trusting = dial((await serve(say, { trustedProxies: ['127.0.0.0/8'] })).port)
    trusting.send(request)
    await trusting.until(/ai\.example true\.$/)
    const wary = dial((await serve(say)).port)
    wary.send(request)
    await wary.until(/localhost false\.$/)
  })

  test('any splitting of requests into packets gives the same answers', async () => {
    const { port } = await serve(echo)
    const requests = `${post('/v1/x', '{"a":1}')}${chunkedHead}${chunk('two')}${chunk(' parts')}0\r\n\r\n${post('/v1/x', '')}`
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(requests.length), { maxLength: 6 }), async (cuts) => {
        const client = dial(port)
        const ends = [...cuts.toSorted((a, b) => a - b), requests.length]
        let from = 0
        for (const end of ends) {
          client.send(requests.slice(from, end))
          from = end
          await new Promise(setImmediate)
        }
        const text = await client.until(/(HTTP.*){3}/s)
        expect(text.match(/\r\n\r\n[^H]*/g)).toEqual(['\r\n\r\n{"a":1}', '\r\n\r\ntwo parts', '\r\n\r\n'])
        client.socket.destroy()
      }),
      { numRuns: isLong ? 2000 : 60 },
    )
  })

  test('a request that comes byte by byte is served', async () => {
    const { port } = await serve(echo)
    const client = dial(port)
    for (const byte of post('/v1/x', 'slowly')) {
      client.send(byte)
      await new Promise(setImmediate)
    }
    await client.until(/slowly$/)
  })

  test('random bytes never hurt the server', async () => {
    const { port } = await serve(echo)
    const token = fc.constantFrom(
      'POST ',
      'GET ',
      '/v1/x',
      ' HTTP/1.1',
      ' HTTP/1.0',
      '\r\n',
      '\r\n\r\n',
      '\n',
      'Host: localhost',
      'Content-Length: ',
      '5',
      '0',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
      'Connection: close',
      'Upgrade: h2c',
      ':',
      '\0',
      '\xff',
      'abcde',
      'http://',
      '*',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(token, fc.string({ maxLength: 3 })), { maxLength: 20 }),
        async (parts) => {
          const client = dial(port)
          client.send(Buffer.from(parts.join(''), 'latin1'))
          client.socket.end()
          await client.closed()
        },
      ),
      { numRuns: isLong ? 5000 : 200 },
    )
    const client = dial(port)
    client.send(post('/v1/x', 'alive'))
    await client.until(/alive$/)
  })

  test('a body of any size and framing arrives whole', async () => {
    const { port } = await serve(async (exchange) => {
      const body = await exchange.readBody(4 * megabyte)
      if (!Buffer.isBuffer(body)) return refuse(exchange, body)
      const isSound = body.every((byte, index) => byte === 97 + (index % 26))
      exchange.respond(200, [], Buffer.from(`${body.length} ${isSound}.`))
    })
    const alphabet = 'abcdefghijklmnopqrstuvwxyz'
    for (const bytes of [1, 1000, 65_536, 65_537, 3 * megabyte]) {
      const body = alphabet.repeat(Math.ceil(bytes / 26)).slice(0, bytes)
      const client = dial(port)
      client.send(post('/v1/x', body))
      await client.until(new RegExp(`${bytes} true\\.$`))
      client.send(chunkedHead)
      for (let at = 0; at < bytes; at += 10_000) client.send(chunk(body.slice(at, at + 10_000)))
      client.send('0\r\n\r\n')
      await client.until(new RegExp(`${bytes} true\\..*${bytes} true\\.$`, 's'))
      client.socket.destroy()
    }
  })

  test('a body of one-byte chunks costs its bytes', async () => {
    const { port, server } = await serve(echo)
    const client = dial(port)
    client.send(chunkedHead)
    client.send(chunk('a').repeat(100_000))
    await expect.poll(() => server.stats().bufferedBytes).toBeGreaterThanOrEqual(100_000)
    expect(server.stats().bufferedBytes).toBeLessThanOrEqual(256 * 1024)
    client.send('0\r\n\r\n')
    await client.until('a'.repeat(100_000))
  })

  test('a declared length over the limit is refused before the body is sent', async () => {
    const { port } = await serve(echo)
    const client = dial(port)
    client.send(declared(100 * megabyte))
    expect(await client.until(/\}$/)).toMatch(/^HTTP\/1.1 413 .*connection: close.*body_too_large/s)
  })

  test('a chunked body over the limit is refused as soon as it is', async () => {
    const { port } = await serve(echo)
    const client = dial(port)
    client.send(chunkedHead + chunk('a'.repeat(megabyte)))
    client.send(chunk('b'))
    expect(await client.until(/\}$/)).toMatch(/^HTTP\/1.1 413 .*connection: close.*body_too_large/s)
  })

  test('a refused client that sends on can still read why, and is then closed', async () => {
    const { port } = await serve((exchange) => refuse(exchange, unauthenticated), ...hurried)
    const client = dial(port)
    client.send(declared(2 * megabyte))
    client.send(Buffer.alloc(512 * 1024))
    await client.until(/\}$/)
    client.send(Buffer.alloc(256 * 1024))
    const { text } = await client.closed()
    expect(text).toMatch(/^HTTP\/1.1 401 .*connection: close.*unauthenticated/s)
  })

  test('a refused client that sends no end of it is closed after a megabyte', async () => {
    let nowMs = 0
    const { port } = await serve(
      (exchange) => refuse(exchange, unauthenticated),
      {},
      { elapsedMs: () => nowMs },
    )
    const client = dial(port)
    client.send(chunkedHead)
    await client.until(/\}$/)
    // Time stands still, so it is the amount that closes the connection.
    const more = chunk('a'.repeat(100_000))
    for (let at = 0; at < 20; at++) client.send(more)
    await client.closed()
    nowMs = 1
  })

  test('a refused client that stops in the middle is closed in time', async () => {
    const { port } = await serve((exchange) => refuse(exchange, unauthenticated), ...hurried)
    for (const bytes of [10, 2 * megabyte]) {
      const client = dial(port)
      client.send(declared(bytes))
      expect((await client.closed()).text).toMatch(/^HTTP\/1.1 401 .*unauthenticated"\}$/s)
    }
  })

  test('a connection is kept after a refusal whose body has come or comes soon', async () => {
    const { port } = await serve((exchange) =>
      exchange.header('authorization') === null ? refuse(exchange, unauthenticated) : echo(exchange),
    )
    const client = dial(port)
    client.send(post('/v1/x', 'at once'))
    await client.until(/unauthenticated"\}$/)
    client.send(declared(5))
    await client.until(/(unauthenticated.*){2}/s)
    client.send('later')
    client.send(post('/v1/x', 'now', 'Authorization: yes'))
    expect(await client.until(/now$/)).not.toMatch(/connection: close/i)
  })

  test('100 Continue is granted when the body is asked for', async () => {
    const asked = promised<Exchange>()
    const { port } = await serve(asked.fulfil)
    const client = dial(port)
    client.send(declared(5, 'Expect: 100-continue'))
    const exchange = await asked.promise
    await new Promise(setImmediate)
    expect(client.received()).toBe('')
    const served = echo(exchange)
    expect(await client.until(/\r\n\r\n$/)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    client.send('hello')
    await served
    await client.until(/HTTP\/1.1 200 .*hello$/s)
  })

  test('100 Continue is not granted to what is refused', async () => {
    const { port } = await serve((exchange) =>
      exchange.header('authorization') === null ? refuse(exchange, unauthenticated) : echo(exchange),
    )
    const stranger = dial(port)
    stranger.send(declared(5, 'Expect: 100-continue'))
    expect(await stranger.until(/\}$/)).toMatch(/^HTTP\/1.1 401 .*connection: close/s)
    const greedy = dial(port)
    greedy.send(declared(2 * megabyte, 'Expect: 100-continue', 'Authorization: yes'))
    expect(await greedy.until(/\}$/)).toMatch(/^HTTP\/1.1 413 .*connection: close/s)
  })

  test('a body that stops arriving is refused with 408', async () => {
    const { port } = await serve(echo, ...hurried)
    const client = dial(port)
    client.send(`${declared(10)}abc`)
    expect((await client.closed()).text).toMatch(/^HTTP\/1.1 408 .*connection: close.*body_timeout/s)
  })

  test('bodies share the memory they may take, and give it back', async () => {
    const { port, server } = await serve(echo, { maxBufferedBytes: 100_000 })
    const first = dial(port)
    first.send(`${declared(90_000)}${'a'.repeat(70_000)}`)
    await expect.poll(() => server.stats().bufferedBytes).toBe(90_000)
    const second = dial(port)
    second.send(post('/v1/x', 'b'.repeat(20_000)))
    expect(await second.until(/\}$/)).toMatch(/^HTTP\/1.1 503 .*overloaded/s)
    first.send('a'.repeat(20_000))
    await first.until('a'.repeat(90_000))
    const third = dial(port)
    third.send(post('/v1/x', 'b'.repeat(20_000)))
    await third.until('b'.repeat(20_000))
  })

  test('a chunk that is none ends the reading, and is refused with the answer of the call', async () => {
    const { port } = await serve(echo)
    const client = dial(port)
    client.send(chunkedHead + chunk('fine'))
    client.send('what is this\r\n')
    expect(await client.until(/\}$/)).toMatch(/^HTTP\/1.1 400 .*connection: close.*invalid"\}$/s)
  })

  const departures: [how: string, leave: (client: ReturnType<typeof dial>) => void][] = [
    ['closes', (client) => client.socket.destroy()],
    ['resets', (client) => client.socket.resetAndDestroy()],
    ['half-closes', (client) => client.socket.end()],
  ]

  test.each(departures)('a client that %s while its body is read is gone', async (_, leave) => {
    const read = promised<Buffer | Failure>()
    let goneCount = 0
    const { port, server } = await serve(async (exchange) => {
      exchange.onGone(() => goneCount++)
      read.fulfil(await exchange.readBody(megabyte))
    })
    const client = dial(port)
    client.send(`${declared(10)}abc`)
    await expect.poll(() => server.stats().bufferedBytes).toBeGreaterThan(0)
    leave(client)
    expect(await read.promise).toEqual({ failure: 'cancelled' })
    expect(goneCount).toBe(1)
  })

  test.each(departures)(
    'a client that %s before its answer is gone, and the answer goes nowhere',
    async (_, leave) => {
      const read = promised<Exchange>()
      const gone = promised<void>()
      const { port, server } = await serve(async (exchange) => {
        await exchange.readBody(megabyte)
        exchange.onGone(gone.fulfil)
        read.fulfil(exchange)
      })
      const client = dial(port)
      client.send(post('/v1/x', 'abc'))
      const exchange = await read.promise
      leave(client)
      await gone.promise
      expect(server.stats()).toMatchObject({ serving: 0, bufferedBytes: 0 })

      const late = promised<void>()
      exchange.onGone(late.fulfil)
      await late.promise
      exchange.respond(200, [], Buffer.from('nobody'))
      exchange.start(200, [])
      expect(exchange.write(Buffer.from('nobody'))).toBe(true)
      exchange.end()
      exchange.cut()
    },
  )

  test.each(departures)('a client that %s in the middle of a stream is gone', async (_, leave) => {
    const begun = promised<Exchange>()
    const gone = promised<void>()
    const { port } = await serve(async (exchange) => {
      await exchange.readBody(megabyte)
      exchange.onGone(gone.fulfil)
      exchange.start(200, [])
      exchange.write(Buffer.from('begun'))
      begun.fulfil(exchange)
    })
    const client = dial(port)
    client.send(post('/v1/x', 'abc'))
    await client.until(/begun/)
    const exchange = await begun.promise
    leave(client)
    await gone.promise
    expect(exchange.write(Buffer.from('nobody'))).toBe(true)
    exchange.end()
  })

  test('nobody is gone whose answer has ended', async () => {
    let goneCount = 0
    const { port, server } = await serve(async (exchange) => {
      exchange.onGone(() => goneCount++)
      await echo(exchange)
    })
    const client = dial(port)
    client.send(post('/v1/x', 'abc'))
    await client.until(/abc$/)
    client.socket.destroy()
    await expect.poll(() => server.stats().connections).toBe(0)
    expect(goneCount).toBe(0)
  })

  test('leaving at any byte of an exchange leaves nothing behind', async () => {
    const { port, server } = await serve(async (exchange) => {
      const body = await exchange.readBody(megabyte)
      if (!Buffer.isBuffer(body)) return refuse(exchange, body)
      exchange.start(200, [])
      for (const letter of 'stream') {
        exchange.write(Buffer.from(letter))
        await new Promise(setImmediate)
      }
      exchange.end()
    })
    const request = post('/v1/x', '{"model":"m"}')
    for (let bytes = 1; bytes <= request.length; bytes++) {
      const client = dial(port)
      client.send(request.slice(0, bytes))
      await new Promise(setImmediate)
      if (bytes % 2 === 0) client.socket.resetAndDestroy()
      else client.socket.end()
      await client.closed()
    }
    await expect.poll(() => server.stats()).toMatchObject({ connections: 0, serving: 0, bufferedBytes: 0 })
  })

  test('a slow reader holds the writer up, and gets every byte, however often the buffer is reused', async () => {
    const total = 200
    let mostUnsent = 0
    let waits = 0
    const { port } = await serve((exchange) => {
      const piece = Buffer.alloc(64 * 1024)
      let sent = 0
      const sendOn = () => {
        while (sent < total) {
          piece.fill(97 + (sent % 26))
          sent++
          mostUnsent++
          if (!exchange.write(piece)) {
            waits++
            return
          }
          mostUnsent = 0
        }
        exchange.end()
      }
      exchange.onDrain(() => {
        mostUnsent = 0
        sendOn()
      })
      exchange.start(200, [])
      sendOn()
    })
    const client = dial(port)
    client.socket.pause()
    client.send(post('/v1/x', '').replace('HTTP/1.1', 'HTTP/1.0'))
    await expect.poll(() => waits).toBeGreaterThan(0)
    const waitsWhilePaused = waits
    await new Promise(setImmediate)
    expect(waits).toBe(waitsWhilePaused)
    expect(mostUnsent).toBeLessThanOrEqual(2)
    client.socket.resume()
    const { text } = await client.closed()
    const body = text.slice(text.indexOf('\r\n\r\n') + 4)
    expect(body.length).toBe(total * 64 * 1024)
    for (let at = 0; at < total; at++) expect(body.charCodeAt(at * 64 * 1024 + 777)).toBe(97 + (at % 26))
    expect(waits).toBeGreaterThan(1)
  })

  test('a reader that takes nothing at all is cut off', async () => {
    const gone = promised<void>()
    const { port } = await serve(
      (exchange) => {
        const fill = () => {
          while (exchange.write(Buffer.alloc(megabyte)));
        }
        exchange.onGone(gone.fulfil)
        exchange.onDrain(fill)
        exchange.start(200, [])
        fill()
      },
      { patience: { ...patience, stallMs: 60 } },
    )
    const client = dial(port)
    client.socket.pause()
    client.send(post('/v1/x', ''))
    await gone.promise
  })

  test('a cut stream lacks its end, but nothing that was sent before', async () => {
    const { port } = await serve((exchange) => {
      exchange.start(200, ['content-type', 'text/event-stream'])
      exchange.write(Buffer.from('data: 1\n\n'))
      exchange.cut()
    })
    const client = dial(port)
    client.send(post('/v1/x', ''))
    const { text } = await client.closed()
    expect(text).toMatch(/\r\n\r\n9\r\ndata: 1\n\n\r\n$/)
  })

  test('a stream that is cut before its turn closes the connection behind the answer before it', async () => {
    const { port } = await serve((exchange) => {
      if (exchange.path === '/v1/first') {
        setImmediate(() => exchange.respond(200, [], Buffer.from('first')))
        return
      }
      exchange.start(200, [])
      exchange.write(Buffer.from('second'))
      exchange.cut()
    })
    const client = dial(port)
    client.send(post('/v1/first', '') + post('/v1/second', ''))
    expect((await client.closed()).text).toMatch(/first$/)
  })

  test('HTTP/1.0 gets an answer that the close ends, and a reset for one that is cut', async () => {
    const { port } = await serve((exchange) => {
      exchange.start(200, [])
      exchange.write(Buffer.from('streamed'))
      if (exchange.path === '/v1/whole') exchange.end()
      else exchange.cut()
    })
    const whole = dial(port)
    whole.send('POST /v1/whole HTTP/1.0\r\n\r\n')
    const { text, how } = await whole.closed()
    expect(how).toBe('end')
    expect(text).toMatch(/^HTTP\/1.1 200 .*connection: close.*\r\n\r\nstreamed$/is)
    expect(text).not.toMatch(/transfer-encoding/i)

    const cut = dial(port)
    cut.send('POST /v1/cut HTTP/1.0\r\n\r\n')
    expect((await cut.closed()).how).toBe('reset')
  })

  test('HTTP/1.0 is kept only if it asks for it', async () => {
    const { port } = await serve(echo)
    const kept = dial(port)
    const request = 'POST /v1/x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n'
    kept.send(`${request}one`)
    await kept.until(/one$/)
    kept.send(`${request}two`)
    await kept.until(/two$/)
    const plain = dial(port)
    plain.send('POST /v1/x HTTP/1.0\r\nContent-Length: 3\r\n\r\none')
    expect((await plain.closed()).text).toMatch(/one$/)
  })
})
