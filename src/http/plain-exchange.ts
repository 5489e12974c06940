import type { Socket } from 'node:net'
import type { Failure } from '../domain/failure.ts'
import type { HeaderChoice, HeaderList, HeaderReading } from '../gateway/exchange.ts'
import type { HeadWriter } from './answer-head.ts'
import { forwardedHost, isForeign } from './caller.ts'
import type { Connection } from './connections.ts'
import type { Edge, HostedExchange } from './exchange.ts'
import {
  findPlaced,
  type HeaderPlaces,
  joinPlaced,
  listPlaced,
  placedLines,
  readOnce,
} from './header-places.ts'
import {
  failBody,
  inspectBody,
  mayReadPast,
  openPlainBody,
  type PlainBody,
  readPlainBody,
  releaseBody,
} from './plain-body.ts'
import type { PlainHead } from './plain-head.ts'

/** The connection that carries plain exchanges, one after the other. */
export interface PlainCarrier {
  readonly connection: Connection
  readonly edge: Edge
  readonly headOf: HeadWriter
  /** The answer has been written; the connection is for the next request, if it may be kept. */
  finish(mayKeep: boolean): void
  /** Closes once what is written has been sent. */
  close(): void
  /** The same, so that the client cannot take the close for the end of an answer. */
  reset(): void
}

/** The exchange of one plain request, on the socket itself. */
export interface PlainExchange extends HostedExchange {
  readonly body: PlainBody
  /** The client has taken what was written. */
  goOn(): void
}

/**
 * The state of an exchange, and its functions. These are the same for all exchanges and find their state in `this`:
 * closures, made anew for each request, took ten times as long to make (0.25 µs, before the collector's share).
 */
interface State extends PlainExchange {
  readonly carrier: PlainCarrier
  readonly headers: HeaderPlaces
  state: 'open' | 'started' | 'ended'
  /** Of a started answer, until the first piece goes out with it. */
  unsentHead: string
  isChunked: boolean
  isLast: boolean
  hasLeft: boolean
  awaitsDrain: boolean
  drainListener: (() => void) | null
  goneListeners: (() => void)[] | null
}

/** Below this an answer is copied into one piece behind its head; above, copying costs more than a second piece. */
const maxJoinedBytes = 64 * 1024
const lastChunk = Buffer.from('0\r\n\r\n')
const nothing = Buffer.alloc(0)

/** Opens the exchange; its connection serves it from the start. */
export function openPlainExchange(head: PlainHead, carrier: PlainCarrier): PlainExchange {
  const { connection, edge } = carrier
  const { headers } = head
  const exchange: State = {
    method: 'POST',
    path: head.path,
    query: head.query,
    host: connection.isTrusted ? forwardedHost(head.host, (name) => joinPlaced(headers, name)) : head.host,
    headers,
    header,
    fromHeaders,
    headerList,
    headerLines,
    isForeign: isForeignHere,
    readBody,
    onGone,
    respond,
    start,
    write,
    onDrain,
    end,
    cut,
    hasBegun,
    leave,
    inspect,
    goOn,
    carrier,
    body: openPlainBody(head.declaredBytes, edge.budget),
    state: 'open',
    unsentHead: '',
    isChunked: false,
    isLast: false,
    hasLeft: false,
    awaitsDrain: false,
    drainListener: null,
    goneListeners: null,
  }
  edge.connections.enter(connection, exchange)
  return exchange
}

function header(this: State, name: string): string | null {
  return findPlaced(this.headers, name)
}

function fromHeaders<T>(this: State, read: HeaderReading<T>): T {
  return readOnce(this.headers, read)
}

function headerList(this: State): HeaderList {
  return listPlaced(this.headers)
}

function headerLines(this: State, choice: HeaderChoice): string {
  return placedLines(this.headers, choice)
}

function isForeignHere(this: State): boolean {
  return isForeign(this.host, (name) => joinPlaced(this.headers, name), this.carrier.edge.ownNames)
}

function readBody(this: State, limitBytes: number): Buffer | Failure | Promise<Buffer | Failure> {
  const { socket } = this.carrier.connection
  if (socket.isPaused()) socket.resume()
  return readPlainBody(this.body, limitBytes)
}

function onGone(this: State, then: () => void): void {
  if (this.hasLeft) queueMicrotask(then)
  else if (this.goneListeners === null) this.goneListeners = [then]
  else this.goneListeners.push(then)
}

// The head comes first: should it throw for a header that cannot be sent, the answer has not begun.
function respond(this: State, status: number, headers: HeaderList, content: Buffer): void {
  if (this.state !== 'open') return
  const { carrier } = this
  const mayKeep = mayReadPast(this.body) && !carrier.edge.isDraining()
  const head = carrier.headOf(
    status,
    headers,
    isBodyless(status)
      ? connectionLine(mayKeep)
      : `content-length: ${content.length}\r\n${connectionLine(mayKeep)}`,
  )
  settle(this)
  send(carrier.connection.socket, head, isBodyless(status) ? nothing : content)
  carrier.finish(mayKeep)
}

function start(this: State, status: number, headers: HeaderList): void {
  if (this.state !== 'open') return
  const { carrier } = this
  this.isLast = carrier.edge.isDraining()
  this.isChunked = !isBodyless(status)
  const framing = this.isChunked ? 'transfer-encoding: chunked\r\n' : ''
  this.unsentHead = carrier.headOf(status, headers, framing + connectionLine(!this.isLast))
  this.state = 'started'
}

function write(this: State, chunk: Buffer): boolean {
  if (this.state !== 'started') return true
  const { socket } = this.carrier.connection
  const head = this.unsentHead
  this.unsentHead = ''
  const hasChunk = this.isChunked && chunk.length > 0
  if (!hasChunk && head === '') return true
  const mayGoOn = socket.write(hasChunk ? framed(head, chunk) : Buffer.from(head, 'latin1'))
  if (!mayGoOn) this.awaitsDrain = true
  return mayGoOn
}

function onDrain(this: State, then: () => void): void {
  this.drainListener = then
}

function end(this: State): void {
  if (this.state !== 'started') return
  settle(this)
  send(this.carrier.connection.socket, this.unsentHead, this.isChunked ? lastChunk : nothing)
  this.carrier.finish(!this.isLast && mayReadPast(this.body))
}

function cut(this: State): void {
  if (this.state === 'ended') return
  settle(this)
  if (this.isChunked) this.carrier.close()
  else this.carrier.reset()
}

function hasBegun(this: State): boolean {
  return this.state !== 'open'
}

function leave(this: State): void {
  if (this.state === 'ended') return
  this.hasLeft = true
  failBody(this.body, { failure: 'cancelled' })
  settle(this)
  for (const listener of this.goneListeners ?? []) guard(this, listener)
}

function inspect(this: State, nowMs: number): void {
  inspectBody(this.body, nowMs, this.carrier.edge.bodyIdleMs)
}

function goOn(this: State): void {
  if (!this.awaitsDrain || this.state !== 'started') return
  this.awaitsDrain = false
  if (this.drainListener !== null) guard(this, this.drainListener)
}

function settle(exchange: State): void {
  exchange.state = 'ended'
  releaseBody(exchange.body)
  const { connection, edge } = exchange.carrier
  edge.connections.settle(connection, exchange)
}

// A socket's event has no request around it: what a listener throws would end the process.
function guard({ carrier }: State, listener: () => void): void {
  try {
    listener()
  } catch (error) {
    carrier.edge.bug(error)
  }
}

function isBodyless(status: number): boolean {
  return status === 204 || status === 304
}

function connectionLine(mayKeep: boolean): string {
  return mayKeep ? 'connection: keep-alive\r\n' : 'connection: close\r\n'
}

function send(socket: Socket, head: string, content: Buffer): void {
  if (head.length + content.length > maxJoinedBytes) {
    socket.cork()
    socket.write(head, 'latin1')
    socket.write(content)
    socket.uncork()
    return
  }
  const bytes = Buffer.allocUnsafe(head.length + content.length)
  bytes.write(head, 'latin1')
  content.copy(bytes, head.length)
  socket.write(bytes)
}

/** A chunk in its frame, behind a head that has not been sent. Copied, because its bytes may be reused. */
function framed(head: string, chunk: Buffer): Buffer {
  const before = `${head}${chunk.length.toString(16)}\r\n`
  const bytes = Buffer.allocUnsafe(before.length + chunk.length + 2)
  bytes.write(before, 'latin1')
  chunk.copy(bytes, before.length)
  bytes[bytes.length - 2] = 13
  bytes[bytes.length - 1] = 10
  return bytes
}
