import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  ask,
  listen,
  openTestClient,
  originOf,
  requestTo,
  resolvesTo,
  serveHttp,
  serveRaw,
  type TestClientOptions,
  turn,
  until,
  watch,
} from './connections.fixture.ts'

const { key, cert } = selfSigned('provider.test')
const loopback = resolvesTo({ address: '127.0.0.1', family: 4 })

/** A certificate that is its own authority, for one name. */
function selfSigned(name: string): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-tls-'))
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', keyFile, '-out', certFile], {
    stdio: 'ignore',
  })
  const pair = { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
  rmSync(folder, { recursive: true })
  return pair
}

async function serveTls(listener: RequestListener) {
  const server = createServer({ key, cert, keepAliveTimeout: 0, ALPNProtocols: ['h2', 'http/1.1'] }, listener)
  const served = await listen(server, 'https', 'secureConnection')
  return { ...served, origin: originOf(`https://provider.test:${served.origin.port}`) }
}

function openTlsClient(options: TestClientOptions = {}) {
  return openTestClient({ resolve: loopback, extraAuthorities: [cert], ...options })
}

afterEach(() => vi.unstubAllEnvs())

describe('over TLS', () => {
  it('requests of all sizes come back whole, over one connection', async () => {
    const server = await serveTls((request, response) => request.pipe(response))
    const client = openTlsClient()
    for (const bodyBytes of [0, 10, 16_384, 65_000, 200_000, 8_000_000]) {
      const body = randomBytes(bodyBytes)
      const answer = await ask(client, requestTo(server.origin, { body: [body] }))
      expect(answer.failure).toBeNull()
      expect(answer.body.equals(body)).toBe(true)
    }
    expect(client.stats()).toMatchObject({ dialled: 1, free: 1, unclean: 0 })
  })

  it('many requests at once do not mix up', async () => {
    const server = await serveTls((request, response) => request.pipe(response))
    const client = openTlsClient()
    for (let round = 0; round < 3; round++) {
      const bodies = Array.from({ length: 20 }, (_, i) => randomBytes(1_000 * (i + 1)))
      const answers = await Promise.all(
        bodies.map((body) => ask(client, requestTo(server.origin, { body: [body] }))),
      )
      for (const [i, { body }] of answers.entries()) expect(body.equals(bodies[i]!)).toBe(true)
    }
    expect(client.stats()).toMatchObject({ dialled: 20, unclean: 0, waiting: 0 })
  })

  it('a later connection resumes the session', async () => {
    const server = await serveTls((request, response) => request.pipe(response))
    const client = openTlsClient()
    await ask(client, requestTo(server.origin))
    await Promise.all([ask(client, requestTo(server.origin)), ask(client, requestTo(server.origin))])
    const sockets = server.sockets as TLSSocket[]
    expect(sockets.map((socket) => socket.isSessionReused())).toEqual([false, true])
    expect(sockets.map((socket) => socket.alpnProtocol)).toEqual(['http/1.1', 'http/1.1'])
    expect(sockets.map((socket) => socket.servername)).toEqual(['provider.test', 'provider.test'])
  })

  it.each([
    ['of an unknown authority', 'provider.test', []],
    ['of an unknown authority, whatever the environment says', 'provider.test', [], '0'],
    ['for another name', 'other.test', [cert]],
    ['for no address', '127.0.0.1', [cert]],
  ])('a certificate %s is refused', async (_, host, extraAuthorities, environment?: string) => {
    if (environment !== undefined) vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', environment)
    let isAsked = false
    const server = await serveTls((_, response) => {
      isAsked = true
      response.end()
    })
    const client = openTlsClient({ extraAuthorities })
    const origin = originOf(`https://${host}:${server.origin.port}`)
    expect((await ask(client, requestTo(origin))).failure).toMatchObject({
      failure: 'upstream',
      problem: 'connect',
    })
    expect(isAsked).toBe(false)
    expect(client.stats()).toMatchObject({ open: 0, waiting: 0 })
  })

  it('a port without TLS is a failure to connect', async () => {
    const plain = await serveHttp((_, response) => response.end())
    const origin = originOf(`https://provider.test:${plain.origin.port}`)
    expect((await ask(openTlsClient(), requestTo(origin))).failure).toMatchObject({ problem: 'connect' })
  })

  it('a handshake that never ends runs out of time', async () => {
    const silent = await serveRaw((socket) => void socket.resume())
    const client = openTlsClient()
    const call = watch(client, requestTo(originOf(`https://provider.test:${silent.origin.port}`)))
    await until(() => silent.sockets.length === 1)
    client.pass(10_000)
    expect((await call.answer).failure).toEqual({ failure: 'upstream_timeout', phase: 'connect' })
    await until(() => silent.openCount() === 0)
  })

  it('a caller who pauses holds the upstream back, and gets everything', async () => {
    const total = 20_000_000
    let isDone = false
    const server = await serveTls((_, response) =>
      response.end(Buffer.alloc(total, 'x'), () => (isDone = true)),
    )
    const client = openTlsClient()
    const call = watch(
      client,
      requestTo(server.origin),
      (event, watched) => event === 'data' && watched.pause(),
    )
    while (call.endings === 0) {
      const seen = call.parts.length
      await until(() => call.parts.length > seen || call.endings > 0)
      for (let i = 0; i < 2; i++) await turn()
      expect(Buffer.concat(call.parts.slice(seen)).length).toBeLessThanOrEqual(2 * 65_536)
      if (seen === 0) expect(isDone).toBe(false)
      call.resume()
    }
    expect((await call.answer).body.length).toBe(total)
    expect(client.stats()).toMatchObject({ dialled: 1, free: 1, unclean: 0 })
  })

  it('a dead connection is replaced, a cut response told', async () => {
    const server = await serveTls((request, response) => {
      if (request.url === '/cut') response.writeHead(200, { 'content-length': 9 }).write('x')
      else response.end('ok')
    })
    const client = openTlsClient()
    await ask(client, requestTo(server.origin))
    const retried = ask(client, requestTo(server.origin))
    server.sockets[0]?.destroy()
    expect((await retried).body.toString()).toBe('ok')
    expect(client.stats().retried).toBe(1)

    const cut = watch(client, requestTo(server.origin, { path: '/cut' }))
    await until(() => cut.head !== null)
    server.sockets[1]?.destroy()
    expect((await cut.answer).failure).toMatchObject({ problem: 'cut' })
    expect((await ask(client, requestTo(server.origin))).body.toString()).toBe('ok')
  })

  it('a caller may leave at any moment', async () => {
    const server = await serveTls((_, response) => response.end(randomBytes(300_000)))
    const client = openTlsClient()
    for (let turns = 0; turns < 30; turns++) {
      const call = watch(client, requestTo(server.origin))
      for (let i = 0; i < turns; i++) await turn()
      call.abort()
      expect((await ask(client, requestTo(server.origin))).body.length).toBe(300_000)
      expect(client.stats()).toMatchObject({ unclean: 0, waiting: 0 })
    }
    await until(() => server.openCount() === client.stats().open)
  })
})
