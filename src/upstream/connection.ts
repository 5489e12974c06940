import type { Failure } from '../domain/failure.ts'
import { type DialSettings, dial } from './dial.ts'
import { egressRefusal, egressRefusedCode, type Route } from './egress.ts'
import {
  bodyArrived,
  type Carrier,
  dataArrived,
  type Exchange,
  enterPhase,
  garbage,
  headArrived,
} from './exchange.ts'
import { openRequestWriter } from './request-writer.ts'
import { openResponseParser } from './response-parser.ts'

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** The last TLS ticket of this origin, and what is kept for the next connection. */
  session: Buffer | null
  /**
   * The connection has done with an exchange and may take another one. Comes before the handler learns of the
   * end.
   */
  onFree(connection: Connection): void
  /**
   * It ended under an exchange. `isStale`: an old connection that gave no byte, so that a new one may do
   * better.
   */
  onLost(exchange: Exchange, failure: Failure, isStale: boolean): void
  /** Once, at the latest when the socket is closed. */
  onClosed(connection: Connection): void
}

/** One connection to an upstream, and the one exchange that it serves. */
export interface Connection extends Carrier {
  /** Sends the exchange's request, at once or when connected. Only for a connection that serves none. */
  serve(exchange: Exchange): void
  isAlive(): boolean
  /** Kept for the pool: when a free connection has to go; null until a sweep has seen it free. */
  freeUntilMs: number | null
  /** How long the upstream said it keeps the connection when idle. */
  keepAliveMs(): number
  /** What a free connection must be: not paused, serving nobody, with nothing half sent or half read. */
  isClean(): boolean
}

/** Dials a new connection. Until it is ready an exchange may already be given to it. */
export function openConnection(route: Route, settings: DialSettings, owner: ConnectionOwner): Connection {
  let exchange: Exchange | null = null
  let isReady = false
  let isClosed = false
  let servedBefore = false
  let keepsAlive = false
  let keepAliveMs = Number.POSITIVE_INFINITY
  let errorCode = ''

  const parser = openResponseParser({
    onHead(head) {
      keepsAlive = head.keepsAlive
      keepAliveMs = head.keepAliveMs
      if (exchange !== null) headArrived(exchange, head)
    },
    onData(part) {
      if (exchange !== null) dataArrived(exchange, part)
    },
  })

  const socket = dial(route, settings, owner.session, {
    onReady() {
      isReady = true
      if (exchange !== null) transmit(exchange)
    },
    onBytes: receive,
    onSession(session) {
      owner.session = session
    },
  })
  const writer = openRequestWriter(socket)

  socket.on('drain', () => {
    if (exchange !== null) exchange.hasProgressed = true
    writer.resume()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    errorCode = error.code ?? ''
  })
  socket.on('end', closed)
  socket.on('close', closed)

  const connection: Connection = {
    serve(next) {
      exchange = next
      next.carrier = connection
      if (isReady) transmit(next)
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy() {
      exchange = null
      close()
    },
    freeUntilMs: null,
    isAlive: () => !isClosed && !socket.destroyed,
    keepAliveMs: () => keepAliveMs,
    isClean: () => exchange === null && !socket.isPaused() && writer.isDone() && !parser.hasBegun(),
  }

  function transmit(next: Exchange): void {
    if (next.request === null) return
    enterPhase(next, 'first_byte', next.timeouts.firstByteMs)
    writer.start(next.request)
  }

  function receive(bytes: Buffer): void {
    if (exchange === null) {
      close()
      return
    }
    const result = parser.read(bytes)
    if (result === 'more' || exchange === null) return
    if (typeof result === 'object') lose(garbage(result.garbage), false)
    else complete(exchange, result === 'end' && keepsAlive)
  }

  /** Lets the connection go before the handler hears of the end, so that its next request may use it. */
  function complete(done: Exchange, isReusable: boolean): void {
    exchange = null
    done.carrier = null
    servedBefore = true
    parser.begin()
    if (isReusable && writer.isDone()) {
      if (socket.isPaused()) socket.resume()
      owner.onFree(connection)
    } else {
      close()
    }
    bodyArrived(done)
  }

  function lose(failure: Failure, isStale: boolean): void {
    const lost = exchange
    exchange = null
    close()
    if (lost === null) return
    lost.carrier = null
    owner.onLost(lost, failure, isStale)
  }

  function close(): void {
    socket.destroy()
    if (isClosed) return
    isClosed = true
    owner.onClosed(connection)
  }

  function closed(): void {
    if (exchange === null) {
      close()
    } else if (!isReady) {
      owner.session = null
      lose(connectFailure(errorCode), false)
    } else if (errorCode === '' && parser.close() === 'end') {
      complete(exchange, false)
    } else {
      lose(cutFailure(parser.hasBegun(), errorCode), servedBefore && !parser.hasBegun())
    }
  }

  return connection
}

function connectFailure(code: string): Failure {
  if (code === egressRefusedCode) return egressRefusal
  return { failure: 'upstream', problem: 'connect', message: `No connection to the upstream${named(code)}.` }
}

function cutFailure(hasBegun: boolean, code: string): Failure {
  const when = hasBegun ? 'in the middle of its response' : 'before its response'
  return {
    failure: 'upstream',
    problem: 'cut',
    message: `The upstream ended the connection ${when}${named(code)}.`,
  }
}

/** Only codes are named: the texts of errors hold addresses. */
function named(code: string): string {
  return /^[A-Z0-9_]+$/.test(code) ? ` (${code})` : ''
}
