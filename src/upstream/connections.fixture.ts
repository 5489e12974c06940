import { type LookupAddress, lookup } from 'node:dns'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createRawServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { UpstreamCall, UpstreamHead, UpstreamRequest } from './call.ts'
import { openUpstream, type Upstream, type UpstreamOptions } from './connections.ts'
import type { SweepTimer } from './deadlines.ts'
import { type EgressRules, openEgress, type Resolve } from './egress.ts'
import { type Origin, parseOrigin } from './origin.ts'

/** A real client whose time moves only by `pass`. It reaches loopback addresses. */
export interface TestClient extends Upstream {
  /** Lets time pass, with a sweep before and after. */
  pass(ms: number): void
}

/** As for the client; the rest is made for tests. */
export interface TestClientOptions extends Partial<Omit<UpstreamOptions, 'egress' | 'timer'>> {
  readonly rules?: Partial<EgressRules>
  readonly resolve?: Resolve
}

export function openTestClient({ rules, resolve = lookup, ...options }: TestClientOptions = {}): TestClient {
  const egress = openEgress(
    { trusted: [], allowPrivate: ['127.0.0.0/8', '::1/128'], origins: new Map(), ...rules },
    resolve,
  )
  if (isFailure(egress)) throw new Error('the rules of the test are wrong')
  let nowMs = 0
  let sweep = () => {}
  const timer: SweepTimer = {
    nowMs: () => nowMs,
    every(_, run) {
      sweep = run
      return () => {}
    },
  }
  const upstream = openUpstream({ egress, timer, ...options })
  onTestFinished(() => upstream.close())
  return {
    ...upstream,
    pass(ms) {
      sweep()
      nowMs += ms
      sweep()
    },
  }
}

/** For addresses that are known to be right. */
export function originOf(url: string): Origin {
  const origin = parseOrigin(url)
  if (isFailure(origin)) throw new Error(`${url} is no origin`)
  return origin
}

/** Answers a name with fixed addresses. */
export function resolvesTo(...addresses: LookupAddress[]): Resolve {
  return (_, __, done) => process.nextTick(done, null, addresses)
}

/** A small request, with whatever the test changes of it. */
export function requestTo(origin: Origin, change: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    method: 'POST',
    path: '/',
    headers: 'content-type: text/plain\r\n',
    body: [Buffer.from('hi')],
    timeouts: { connectMs: 10_000, firstByteMs: 20_000, idleMs: 30_000, totalMs: 1_000_000 },
    ...change,
  }
}

/** What came of a call. */
export interface Answer {
  readonly head: UpstreamHead | null
  readonly body: Buffer
  /** Null for a complete response. */
  readonly failure: Failure | null
}

/** One call with everything that it has been told so far. */
export interface Watched extends UpstreamCall {
  head: UpstreamHead | null
  readonly parts: Buffer[]
  /** Of both `onEnd` and `onFailure`. */
  endings: number
  readonly answer: Promise<Answer>
}

/** Sends a request and watches what comes of it. `react` is called within each of the handler's functions. */
export function watch(
  client: Upstream,
  request: UpstreamRequest,
  react: (event: 'head' | 'data' | 'end' | 'failure', call: Watched) => void = () => {},
): Watched {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const finish = (event: 'end' | 'failure', failure: Failure | null) => {
    watched.endings++
    resolve({ head: watched.head, body: Buffer.concat(watched.parts), failure })
    react(event, watched)
  }
  const call = client.send(request, {
    onHead(head) {
      watched.head = head
      react('head', watched)
    },
    onData(part) {
      watched.parts.push(Buffer.from(part))
      react('data', watched)
    },
    onEnd: () => finish('end', null),
    onFailure: (failure) => finish('failure', failure),
  })
  const watched: Watched = {
    abort: () => call.abort(),
    pause: () => call.pause(),
    resume: () => call.resume(),
    head: null,
    parts: [],
    endings: 0,
    answer: promise,
  }
  return watched
}

/** Sends a request and waits for what comes of it. */
export function ask(client: Upstream, request: UpstreamRequest): Promise<Answer> {
  return watch(client, request).answer
}

/** A server on loopback; it ends with its test. */
export interface TestServer {
  readonly origin: Origin
  /** All connections so far, the oldest first. */
  readonly sockets: Socket[]
  openCount(): number
}

/** A server of HTTP that keeps connections for as long as the test lasts. */
export function serveHttp(listener: RequestListener): Promise<TestServer> {
  const server = createServer({ keepAliveTimeout: 0 }, listener)
  return listen(server, 'http', 'connection')
}

/** A server of bytes. */
export async function serveRaw(onSocket: (socket: Socket, index: number) => void): Promise<TestServer> {
  const server = createRawServer({ noDelay: true }, (socket) => onSocket(socket, served.sockets.length - 1))
  server.prependListener('connection', (socket) => socket.on('error', () => {}))
  const served = await listen(server, 'http', 'connection')
  return served
}

/**
 * Calls back with the number, from 0, of each whole request that arrives on the socket. Bodies must be 2
 * bytes long.
 */
export function onRequest(socket: Socket, answer: (index: number) => void): void {
  let text = ''
  let index = 0
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    for (
      let end = text.indexOf('\r\n\r\n');
      end >= 0 && text.length >= end + 6;
      end = text.indexOf('\r\n\r\n')
    ) {
      text = text.slice(end + 6)
      answer(index++)
    }
  })
}

/** Starts a server that tells of its sockets by `connectionEvent`. */
export async function listen(server: Server, protocol: string, connectionEvent: string): Promise<TestServer> {
  const sockets: Socket[] = []
  server.prependListener(connectionEvent, (socket: Socket) => sockets.push(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    origin: originOf(`${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`),
    sockets,
    openCount: () => sockets.filter((socket) => !socket.destroyed).length,
  }
}

/** Waits, turn by turn of the event loop, until something is so. The test's own time-out is its end. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn()
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
