import type { Failure } from '../domain/failure.ts'
import type { Exchange, HeaderList } from '../gateway/exchange.ts'
import type { BufferBudget } from './buffers.ts'
import { forwardedHost, isForeign } from './caller.ts'
import { type Connections, discardLimits, type Served } from './connections.ts'
import { findHeader, joinHeader } from './head.ts'
import { type Arrival, openRequestBody } from './request-body.ts'

/** What all exchanges of a server share. */
export interface Edge {
  readonly connections: Connections
  readonly budget: BufferBudget
  readonly bodyIdleMs: number
  /** Host names that are ours, in lower case and without port. */
  readonly ownNames: ReadonlySet<string>
  /** A monotonic timer. */
  elapsedMs(): number
  /** True once no connection should outlive the answer it carries. */
  isDraining(): boolean
}

/** An exchange, and what only the server may do with it. Its connection serves it from the start. */
export interface HostedExchange extends Served {
  readonly exchange: Exchange
  /** True once an answer has begun, or never will. */
  hasBegun(): boolean
}

/**
 * The exchange of one request that Node's HTTP server carries.
 *
 * An answer may be given before the body has come. A short rest of the body is then read past and the connection
 * kept. Otherwise the answer says `Connection: close`, and the close waits until the client has stopped sending or
 * has had `discardLimits` to do so: closing on unread bytes would reset the connection, and the client would never
 * see why it was refused.
 */
export function openExchange(arrival: Arrival, edge: Edge): HostedExchange {
  const { request, response, head, connection } = arrival
  const body = openRequestBody(arrival, edge.budget, edge.bodyIdleMs)
  let state: 'open' | 'started' | 'ended' = 'open'
  let isLastOnConnection = false
  let hasLeft = false
  const goneListeners: (() => void)[] = []
  let resume: (() => void) | null = null

  function settle(): void {
    state = 'ended'
    body.release()
    edge.connections.settle(connection, hosted)
  }

  function mustClose(): boolean {
    return isLastOnConnection || edge.isDraining()
  }

  function respond(status: number, headers: HeaderList, content: Buffer): void {
    if (state !== 'open') return
    settle()
    const list = [...headers, 'content-length', String(content.length)]
    if (!body.isWhole()) {
      refuseEarly(status, list, content)
      return
    }
    if (mustClose()) list.push('connection', 'close')
    response.writeHead(status, list).end(content)
  }

  function refuseEarly(status: number, headers: HeaderList, content: Buffer): void {
    connection.discardUntilMs = edge.elapsedMs() + discardLimits.ms
    if (body.hasShortRest() && response.shouldKeepAlive && !mustClose()) {
      response.writeHead(status, [...headers]).end(content)
      body.discard(() => {
        connection.discardUntilMs = Infinity
      })
    } else {
      // Ending the response is what closes the connection.
      response.writeHead(status, [...headers, 'connection', 'close']).write(content)
      body.discard(() => response.end())
    }
  }

  function start(status: number, headers: HeaderList): void {
    if (state !== 'open') return
    state = 'started'
    response.writeHead(status, mustClose() ? [...headers, 'connection', 'close'] : [...headers])
  }

  function write(chunk: Buffer): boolean {
    if (state !== 'started') return true
    // Copied, because Node may still hold the bytes after this has returned.
    const mayGoOn = response.write(Buffer.from(chunk))
    if (!mayGoOn && resume !== null) response.once('drain', resume)
    return mayGoOn
  }

  function cut(): void {
    if (state === 'ended') return
    settle()
    const { socket } = response
    if (socket === null) response.once('socket', (assigned) => assigned.destroy())
    else if (response.chunkedEncoding) socket.destroySoon()
    // Without chunks the close is the end of the answer: only a reset tells a cut one from a complete one.
    else socket.write('', () => socket.resetAndDestroy())
  }

  function leave(): void {
    if (state === 'ended') return
    hasLeft = true
    settle()
    body.fail({ failure: 'cancelled' })
    for (const listener of goneListeners) listener()
  }

  const valuesOf = (name: string) => joinHeader(request.rawHeaders, name)

  const exchange: Exchange = {
    method: request.method ?? '',
    path: arrival.path,
    get host() {
      return connection.isTrusted ? forwardedHost(head.host, valuesOf) : head.host
    },
    rawHeaders: request.rawHeaders,
    header: (name) => findHeader(request.rawHeaders, name),
    isForeign: () => isForeign(exchange.host, valuesOf, edge.ownNames),
    readBody: body.read,
    onGone(then) {
      if (hasLeft) queueMicrotask(then)
      else goneListeners.push(then)
    },
    respond,
    start,
    write,
    onDrain(then) {
      resume = then
    },
    end() {
      if (state !== 'started') return
      settle()
      response.end()
    },
    cut,
  }

  const hosted: HostedExchange = {
    exchange,
    hasBegun: () => state !== 'open',
    leave,
    spoil(failure: Failure) {
      isLastOnConnection = true
      if (!body.isWhole()) body.fail(failure)
    },
    inspect: body.inspect,
  }
  connection.serving.push(hosted)
  return hosted
}
