import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Failure } from '../domain/failure.ts'
import type { Clock } from '../domain/time.ts'
import { openHeadWriter } from './answer-head.ts'
import { openBufferBudget } from './buffers.ts'
import { trustProxies } from './caller.ts'
import { type Connection, discardLimits, openConnections, type Patience } from './connections.ts'
import type { Edge } from './exchange.ts'
import { type PlainRoad, servePlain } from './plain-connection.ts'
import { maxHeadBytes } from './plain-head.ts'
import { openReception, type Services } from './reception.ts'
import { failureOf, type ParserError, pathIn, rawAnswer } from './refusal.ts'
import { parseTarget } from './target.ts'

/** What bounds a listener. */
export interface ServerSettings {
  readonly maxConnections: number
  /** Request bodies held in memory, all together. */
  readonly maxBufferedBytes: number
  /** Between two bytes of a body that is waited for. */
  readonly bodyIdleMs: number
  /** Addresses and CIDR blocks of peers whose `X-Forwarded-*` are believed. */
  readonly trustedProxies: readonly string[]
  /** Host names besides the loopback ones that are ours, without port. */
  readonly ownNames: readonly string[]
  readonly patience: Patience
}

/** What the operator has no say in. */
export const defaultPatience: Patience = { headMs: 10_000, idleMs: 75_000, stallMs: 300_000 }

/** What a listener is made of. */
export interface ServerParts extends Services {
  readonly settings: ServerSettings
  readonly clock: Clock
  /** A monotonic timer, for time-outs. */
  elapsedMs(): number
  /** Whether plain requests take the fast path (they do): without it they are answered just the same, by Node's server. */
  readonly hasFastPath?: boolean
}

/** A listener. */
export interface HttpServer {
  /** Resolves with the URL it can be reached at; port 0 picks one. Rejects with the system's error. */
  listen(host: string, port: number): Promise<string>
  /** Stops listening; from now on requests on kept connections get 503 and `Connection: close`. */
  startDrain(): void
  /** Resolves once nothing is being served, or after `limitMs`. */
  quiet(limitMs: number): Promise<void>
  /**
   * Drains, waits at most `limitMs` for what is being served, then closes all connections. Says how many requests it
   * cut; each has been told that its client is gone.
   */
  close(limitMs: number): Promise<{ readonly cut: number }>
  stats(): ServerStats
}

export interface ServerStats {
  readonly connections: number
  readonly serving: number
  readonly bufferedBytes: number
  /** Connections refused because there were too many. */
  readonly refusedConnections: number
  /** Requests that were not HTTP, or whose head did not come in time. */
  readonly malformedRequests: number
}

const tooManyConnections: Failure = { failure: 'overloaded', reason: 'connections', retryAfterMs: 1000 }
const noTunnels: Failure = { failure: 'method_not_allowed', allow: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] }

/**
 * Opens the listener: plain requests of the data plane are read and answered by ourselves, all others by `node:http`.
 * Every refusal has the body of its surface, those of the parser included.
 */
export function openServer(parts: ServerParts): HttpServer {
  const { settings, elapsedMs } = parts
  const inspectEveryMs = inspectionInterval(settings)
  const connections = openConnections(settings.patience, inspectEveryMs, elapsedMs)
  const isTrusted = trustProxies(settings.trustedProxies)
  const budget = openBufferBudget(settings.maxBufferedBytes)
  const server = createNodeServer(settings.patience.headMs, inspectEveryMs)
  let isDraining = false
  let refusedConnections = 0
  let malformedRequests = 0

  const edge: Edge = {
    connections,
    budget,
    bodyIdleMs: settings.bodyIdleMs,
    ownNames: new Set(settings.ownNames.map((name) => name.toLowerCase())),
    elapsedMs,
    isDraining: () => isDraining,
    bug: parts.bug,
    refuseAll,
  }
  const reception = openReception(parts, edge, isTrusted)
  const handOver = takeConnections(server, accept)
  const road: PlainRoad = {
    edge,
    headOf: openHeadWriter(parts.clock),
    isDataPlane: parts.isDataPlane,
    call: reception.call,
    handOver,
    refuseHead,
  }
  server.on('request', (request, response) => reception.receive(request, response, false))
  server.on('checkContinue', (request, response) => reception.receive(request, response, true))
  server.on('checkExpectation', reception.refuseExpectation)
  server.on('connect', refuseTunnel)
  // `node:http` promises the socket that it was given, and gives its own.
  server.on('clientError', (error, socket) => refuseMalformed(error, socket as Socket))

  function accept(socket: Socket): void {
    if (connections.count() < settings.maxConnections) {
      const connection = connections.add(socket, isTrusted(socket.remoteAddress ?? ''))
      if (parts.hasFastPath === false) handOver(socket)
      else servePlain(connection, road)
      return
    }
    refusedConnections++
    socket.on('error', () => {})
    // What has come is read: closing on it would reset the connection, and the refusal be lost.
    socket.resume()
    socket.end(rawRefusal(tooManyConnections, '/'))
    socket.destroySoon()
  }

  function refuseTunnel(request: IncomingMessage, socket: Duplex): void {
    malformedRequests++
    socket.on('error', () => {})
    socket.end(rawRefusal(noTunnels, parseTarget(request.url ?? '')?.path ?? '/'), () => socket.destroy())
  }

  function refuseMalformed(error: ParserError, socket: Socket): void {
    const connection = connections.of(socket)
    const failure = failureOf(error)
    // Nothing was ever sent on it: a browser's spare connection, whose next request an answer would be taken for.
    if (connection === undefined || failure === null || socket.bytesRead === 0) {
      socket.destroySoon()
      return
    }
    if (connection.isClosing) {
      // Told already: the parser reports each further piece.
      if (socket.bytesRead - connection.discardFromBytes > discardLimits.bytes) socket.destroy()
      return
    }
    const { latest, serving } = connection
    const newest = serving.at(-1)
    if (newest?.spoil?.(failure)) return
    if (newest === undefined && latest !== null && !latest.writableFinished) {
      latest.once('finish', () => refuseMalformed(error, socket))
      return
    }
    malformedRequests++
    refuseAll(connection, failure, pathIn(error.rawPacket))
  }

  function refuseHead(connection: Connection, bytes: Buffer): void {
    malformedRequests++
    refuseAll(connection, { failure: 'body_timeout' }, pathIn(bytes))
  }

  function refuseAll(connection: Connection, failure: Failure, path: string): void {
    connection.isClosing = true
    connection.discardFromBytes = connection.socket.bytesRead
    connection.discardUntilMs = elapsedMs() + discardLimits.ms
    connection.socket.end(rawRefusal(failure, path))
  }

  function rawRefusal(failure: Failure, path: string): Buffer {
    return rawAnswer(parts.dress(failure, path), parts.clock())
  }

  function startDrain(): void {
    if (isDraining) return
    isDraining = true
    // Only the listener: `http.Server` would close the idle connections too, on which requests may be on their way.
    NetServer.prototype.close.call(server)
  }

  return {
    async listen(host, port) {
      const url = await listen(server, host, port)
      server.on('error', parts.bug)
      return url
    },
    startDrain,
    quiet: connections.quiet,
    async close(limitMs) {
      const untilMs = elapsedMs() + limitMs
      startDrain()
      await connections.quiet(limitMs)
      const cut = connections.servingCount()
      if (cut === 0) {
        connections.finishAll()
        await connections.emptied(untilMs - elapsedMs())
      }
      connections.destroyAll()
      await connections.emptied(1000)
      connections.stop()
      server.close()
      return { cut }
    },
    stats: () => ({
      connections: connections.count(),
      serving: connections.servingCount(),
      bufferedBytes: budget.takenBytes(),
      refusedConnections,
      malformedRequests,
    }),
  }
}

/**
 * Lets `accept` have each new connection in place of Node's server, and returns what gives it one. Both are listeners
 * of the same event, which whoever has a connection for Node's server may emit: so nothing else tells them apart.
 */
function takeConnections(server: Server, accept: (socket: Socket) => void): (socket: Socket) => void {
  const serve = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', accept)
  return (socket) => {
    for (const listener of serve) listener.call(server, socket)
  }
}

/** Node's server with the checks that it makes itself and those it must leave to us. */
function createNodeServer(headMs: number, inspectEveryMs: number): Server {
  const server = createServer({
    maxHeaderSize: maxHeadBytes,
    headersTimeout: headMs,
    connectionsCheckingInterval: inspectEveryMs,
    // A body may take as long as it likes while it moves, and idle connections are watched without a timer each.
    requestTimeout: 0,
    keepAliveTimeout: 0,
    // Node would answer without a body.
    requireHostHeader: false,
  })
  // The limit in bytes is enough; beyond this number Node would drop headers silently.
  server.maxHeadersCount = 0
  return server
}

function listen(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      const address = server.address()
      if (address === null || typeof address === 'string') return reject(new Error('not a network address'))
      const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
      resolve(`http://${name}:${address.port}`)
    })
  })
}

/** Often enough for the shortest limit, and at most once a second. */
function inspectionInterval({ bodyIdleMs, patience }: ServerSettings): number {
  const shortest = Math.min(bodyIdleMs, patience.headMs, patience.idleMs, patience.stallMs)
  return Math.max(10, Math.min(1000, Math.floor(shortest / 4)))
}
