import type { Failure } from '../domain/failure.ts'
import type { Exchange, HeaderList } from '../gateway/exchange.ts'
import type { BufferBudget } from './buffers.ts'
import { forwardedHost, isForeign } from './caller.ts'
import { type Connection, type Connections, discardLimits, type Served } from './connections.ts'
import { chosenLines, findHeader, joinHeader } from './head.ts'
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
  /** Takes what a caller's callback threw. */
  bug(error: unknown): void
  /** Refuses whatever comes next on a connection, past Node's response, and closes it. */
  refuseAll(connection: Connection, failure: Failure, path: string): void
}

/** An exchange, and what only the server may do with it. Its connection serves it from the start. */
export interface HostedExchange extends Exchange, Served {
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
  let drainListener: (() => void) | null = null
  let awaitsDrain = false

  function settle(): void {
    state = 'ended'
    body.release()
    edge.connections.settle(connection, hosted)
  }

  function mustClose(): boolean {
    return isLastOnConnection || edge.isDraining()
  }

  // `writeHead` comes first: should it throw for a header that cannot be sent, the answer has not begun.
  function respond(status: number, headers: HeaderList, content: Buffer): void {
    if (state !== 'open') return
    const isWhole = body.isWhole()
    const mayKeep = !mustClose() && (isWhole || (body.hasShortRest() && response.shouldKeepAlive))
    const list = [...headers, 'content-length', String(content.length)]
    if (!mayKeep) list.push('connection', 'close')
    response.writeHead(status, list)
    settle()
    if (isWhole || mayKeep) response.end(content)
    // Ending the response would close the connection.
    else response.write(content)
    if (!isWhole) discardRest(mayKeep)
  }

  function discardRest(mayKeep: boolean): void {
    connection.discardUntilMs = edge.elapsedMs() + discardLimits.ms
    if (!mayKeep) connection.isClosing = true
    body.discard(() => {
      if (!mayKeep) response.end()
      else if (!connection.isClosing) connection.discardUntilMs = Infinity
    })
  }

  function start(status: number, headers: HeaderList): void {
    if (state !== 'open') return
    response.writeHead(status, mustClose() ? [...headers, 'connection', 'close'] : [...headers])
    state = 'started'
  }

  function write(chunk: Buffer): boolean {
    if (state !== 'started') return true
    // Copied, because Node may still hold the bytes after this has returned.
    const mayGoOn = response.write(Buffer.from(chunk))
    if (!mayGoOn && !awaitsDrain) {
      awaitsDrain = true
      response.once('drain', goOn)
    }
    return mayGoOn
  }

  function goOn(): void {
    awaitsDrain = false
    if (drainListener !== null) guard(drainListener)
  }

  // Node calls these with no request around them: what they throw would end the process.
  function guard(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      edge.bug(error)
    }
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
    goneListeners.forEach(guard)
  }

  const header = (name: string) => findHeader(request.rawHeaders, name)
  const valuesOf = (name: string) => joinHeader(request.rawHeaders, name)

  const hosted: HostedExchange = {
    method: request.method ?? '',
    path: arrival.path,
    query: arrival.query,
    // Read now, because an object with a getter made a request twice as dear.
    host: connection.isTrusted ? forwardedHost(head.host, valuesOf) : head.host,
    header,
    fromHeaders: (read) => read(header),
    headerList: () => request.rawHeaders,
    headerLines: (choice) => chosenLines(request.rawHeaders, choice),
    isForeign: () => isForeign(hosted.host, valuesOf, edge.ownNames),
    readBody: body.read,
    onGone(then) {
      if (hasLeft) queueMicrotask(then)
      else goneListeners.push(then)
    },
    respond,
    start,
    write,
    onDrain(then) {
      drainListener = then
    },
    end() {
      if (state !== 'started') return
      settle()
      response.end()
    },
    cut,
    hasBegun: () => state !== 'open',
    leave,
    spoil(failure: Failure) {
      isLastOnConnection = true
      // What the parser has read whole will be delivered, if it has not been yet.
      if (!request.complete) body.fail(failure)
      return true
    },
    inspect: body.inspect,
  }
  connection.serving.push(hosted)
  return hosted
}
