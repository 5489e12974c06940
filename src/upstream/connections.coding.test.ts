import { randomBytes } from 'node:crypto'
import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { ask, openTestClient, requestTo, serveHttp, turn, until, watch } from './connections.fixture.ts'

const brotli = (body: Buffer) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } })
const text = Buffer.concat([randomBytes(50_000), Buffer.from('{"usage":{}}')])
const codings = [
  ['gzip', gzipSync],
  ['X-GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotli],
  ['zstd', zstdCompressSync],
] as const

function serveCoded(coding: string, body: Buffer, status = 200) {
  return serveHttp((_, response) => {
    response.writeHead(status, { 'content-encoding': coding, 'content-length': body.length, 'x-a': '1' })
    response.end(body)
  })
}

describe.each(codings)('a response coded as %s', (coding, encode) => {
  it('is decoded, and its connection used again', async () => {
    const server = await serveCoded(coding, encode(text))
    const client = openTestClient()
    for (let round = 0; round < 3; round++) {
      const { head, body, failure } = await ask(client, requestTo(server.origin))
      expect(failure).toBeNull()
      expect(body.equals(text)).toBe(true)
      expect(head?.headers.get('content-encoding')).toBeNull()
      expect(head?.headers.get('content-length')).toBeNull()
      expect(head?.headers.get('x-a')).toBe('1')
      expect(client.stats()).toMatchObject({ dialled: 1, unclean: 0, waiting: 0 })
    }
  })

  it('that unpacks to too much is a failure', async () => {
    const server = await serveCoded(coding, encode(Buffer.alloc(isLong ? 40_000_000 : 16_000_000)))
    const client = openTestClient()
    const call = watch(client, requestTo(server.origin))
    const { failure, body } = await call.answer
    expect(failure).toMatchObject({ failure: 'upstream', problem: 'garbage' })
    expect(body.length).toBeLessThan(6_000_000)
    for (let i = 0; i < 20; i++) await turn()
    expect(call.endings).toBe(1)
    expect(client.stats().waiting).toBe(0)
  })

  it('that is small may be packed tightly', async () => {
    const server = await serveCoded(coding, encode(Buffer.alloc(1_000_000)))
    expect((await ask(openTestClient(), requestTo(server.origin))).body.length).toBe(1_000_000)
  })

  it('that stops too early is a failure', async () => {
    const coded = encode(text)
    const server = await serveCoded(coding, coded.subarray(0, coded.length - 20))
    const { failure } = await ask(openTestClient(), requestTo(server.origin))
    expect(failure).toMatchObject({ failure: 'upstream', problem: 'garbage' })
  })

  it('waits for a caller who has paused', async () => {
    const large = randomBytes(3_000_000)
    const server = await serveCoded(coding, encode(large))
    const client = openTestClient()
    const call = watch(
      client,
      requestTo(server.origin),
      (event, watched) => event === 'data' && watched.pause(),
    )
    let rounds = 0
    while (call.endings === 0) {
      const seen = call.parts.length
      await until(() => call.parts.length > seen || call.endings > 0)
      for (let i = 0; i < 3; i++) await turn()
      expect(call.parts.length).toBeLessThanOrEqual(seen + 1)
      rounds++
      call.resume()
    }
    expect(rounds).toBeGreaterThan(10)
    expect((await call.answer).body.equals(large)).toBe(true)
    expect(client.stats()).toMatchObject({ dialled: 1, free: 1, unclean: 0 })
  })
})

describe('a coded response', () => {
  it('is given out as it comes', async () => {
    const gzip = createGzip()
    const server = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      gzip.pipe(response)
    })
    const call = watch(openTestClient(), requestTo(server.origin))
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      gzip.write(event)
      gzip.flush()
      await until(() => call.parts.at(-1)?.toString() === event)
    }
    gzip.end()
    expect((await call.answer).failure).toBeNull()
  })

  it('may be empty', async () => {
    const server = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'br', 'transfer-encoding': 'chunked' }).end()
    })
    expect(await ask(openTestClient(), requestTo(server.origin))).toMatchObject({
      failure: null,
      body: Buffer.of(),
    })
  })

  it('may have no body at all', async () => {
    const server = await serveCoded('unheard-of', Buffer.of(), 204)
    expect((await ask(openTestClient(), requestTo(server.origin))).failure).toBeNull()
  })

  it.each(['unheard-of', 'gzip, br'])('in %s is a failure', async (coding) => {
    const server = await serveCoded(coding, text)
    const { failure, head } = await ask(openTestClient(), requestTo(server.origin))
    expect(failure).toMatchObject({ failure: 'upstream', problem: 'garbage' })
    expect(head).toBeNull()
  })

  it.each(['identity', ' IDENTITY '])('in %s is none', async (coding) => {
    const server = await serveCoded(coding, text)
    expect((await ask(openTestClient(), requestTo(server.origin))).body.equals(text)).toBe(true)
  })

  it.each(['gzip', 'deflate', 'br', 'zstd'])('that is not %s is a failure', async (coding) => {
    const server = await serveCoded(coding, Buffer.from('{"plain":"text"}'))
    expect((await ask(openTestClient(), requestTo(server.origin))).failure).toMatchObject({
      problem: 'garbage',
    })
  })

  it('may be left while it is decoded', async () => {
    const server = await serveCoded('gzip', gzipSync(randomBytes(3_000_000)))
    const client = openTestClient()
    for (const moment of [0, 1, 5]) {
      const call = watch(client, requestTo(server.origin))
      await until(() => call.parts.length >= moment)
      call.abort()
      const seen = call.parts.length
      expect((await ask(client, requestTo(server.origin))).body.length).toBe(3_000_000)
      expect(call).toMatchObject({ endings: 0, parts: { length: seen } })
    }
    expect(client.stats()).toMatchObject({ free: 1, unclean: 0, waiting: 0 })
  })
})
