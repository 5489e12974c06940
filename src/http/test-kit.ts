import { connect, type Socket } from 'node:net'
import type { Failure } from '../domain/failure.ts'
import type { DressedFailure } from '../domain/failure-table.ts'
import type { Exchange } from '../gateway/exchange.ts'
import { type HttpServer, openServer, type ServerParts, type ServerSettings } from './server.ts'

/** A listener for tests on a free port. `/v1/` is the data plane, everything else management. */
export interface TestServer {
  readonly server: HttpServer
  readonly url: string
  readonly port: number
  readonly bugs: unknown[]
}

const settings: ServerSettings = {
  maxConnections: 1000,
  maxBufferedBytes: 64 * 2 ** 20,
  bodyIdleMs: 30_000,
  trustedProxies: [],
  ownNames: [],
  patience: { headMs: 30_000, idleMs: 30_000, stallMs: 30_000 },
}

/** Opens a listener whose data plane is `dataPlane`; settings and parts not given have patient defaults. */
export async function openTestServer(
  dataPlane: (exchange: Exchange) => void | Promise<void>,
  changes: Partial<ServerSettings> = {},
  parts: Partial<ServerParts> = {},
): Promise<TestServer> {
  const bugs: unknown[] = []
  const server = openServer({
    settings: { ...settings, ...changes },
    isDataPlane: (path) => path.startsWith('/v1/'),
    dataPlane,
    management: (request, response) => {
      response.end(`managed ${request.method} ${request.url}`)
    },
    dress,
    bug(error) {
      bugs.push(error)
      return 'bug-1'
    },
    clock: Date.now,
    elapsedMs: () => performance.now(),
    ...parts,
  })
  const url = await server.listen('127.0.0.1', 0)
  return { server, url, port: Number(new URL(url).port), bugs }
}

const statuses: Partial<Record<Failure['failure'], number>> = {
  unauthenticated: 401,
  method_not_allowed: 405,
  body_timeout: 408,
  body_too_large: 413,
  head_too_large: 431,
  overloaded: 503,
  internal: 500,
}

/** Dresses as two surfaces would: `/v1/gateway/` has a shape of its own. */
function dress(failure: Failure, path: string): DressedFailure {
  const body = path.startsWith('/v1/gateway/') ? { code: failure.failure } : { error: failure.failure }
  return {
    status: statuses[failure.failure] ?? 400,
    headers: ['content-type', 'application/json'],
    body: Buffer.from(JSON.stringify(body)),
  }
}

/** Answers with the body it was sent, or with the failure. */
export async function echo(exchange: Exchange): Promise<void> {
  const body = await exchange.readBody(2 ** 20)
  if (Buffer.isBuffer(body)) exchange.respond(200, ['content-type', 'text/plain'], body)
  else refuse(exchange, body)
}

/** Answers with a failure. */
export function refuse(exchange: Exchange, failure: Failure): void {
  const dressed = dress(failure, exchange.path)
  exchange.respond(dressed.status, dressed.headers, dressed.body)
}

/** A client that sends and receives bytes as told. */
export interface RawClient {
  readonly socket: Socket
  send(bytes: string | Buffer): void
  /** Everything received so far. */
  received(): string
  /** Resolves once what was received matches, or ends with a text; rejects if the connection closes first. */
  until(sign: RegExp | string): Promise<string>
  /** Resolves with everything received, once the connection has closed: in order, or by a reset. */
  closed(): Promise<{ readonly text: string; readonly how: 'end' | 'reset' }>
}

/** Connects to a port of this machine. */
export function dial(port: number): RawClient {
  const socket = connect(port, '127.0.0.1')
  const pieces: Buffer[] = []
  let how: 'end' | 'reset' | null = null
  let changed = () => {}
  socket.setNoDelay(true)
  socket.on('data', (piece) => {
    pieces.push(piece)
    changed()
  })
  socket.on('error', () => {
    how = 'reset'
  })
  socket.on('close', () => {
    how ??= 'end'
    changed()
  })
  const received = () => Buffer.concat(pieces).toString('latin1')

  return {
    socket,
    send: (bytes) => socket.write(bytes),
    received,
    until: (sign) =>
      new Promise((resolve, reject) => {
        changed = () => {
          const text = received()
          if (typeof sign === 'string' ? text.endsWith(sign) : sign.test(text)) resolve(text)
          else if (how !== null) reject(new Error(`closed (${how}) after ${text}`))
        }
        changed()
      }),
    closed: () =>
      new Promise((resolve) => {
        changed = () => {
          if (how !== null) resolve({ text: received(), how })
        }
        changed()
      }),
  }
}

/** Settings and a timer by which a second of patience takes a twentieth of one. */
export const hurried = [{ bodyIdleMs: 400 }, { elapsedMs: () => performance.now() * 20 }] as const

/** A request with a body of a declared length. */
export function post(path: string, body: string, ...headers: string[]): string {
  const lines = [`POST ${path} HTTP/1.1`, 'Host: localhost', `Content-Length: ${Buffer.byteLength(body)}`]
  return `${[...lines, ...headers].join('\r\n')}\r\n\r\n${body}`
}

/** A promise and the function that fulfils it. */
export function promised<Value>(): {
  readonly promise: Promise<Value>
  readonly fulfil: (value: Value) => void
} {
  let fulfil: (value: Value) => void = () => {}
  const promise = new Promise<Value>((resolve) => {
    fulfil = resolve
  })
  return { promise, fulfil }
}
