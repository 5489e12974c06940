import type { Socket } from 'node:net'
import type { HeadWriter } from './answer-head.ts'
import { type Connection, discardLimits } from './connections.ts'
import type { Edge, HostedExchange } from './exchange.ts'
import { feed, isOverfull } from './plain-body.ts'
import { openPlainExchange, type PlainExchange } from './plain-exchange.ts'
import { maxHeadBytes, type PlainHead, readPlainHead, rereadPlainHead } from './plain-head.ts'

/** What the connections of a server need for their plain requests. */
export interface PlainRoad {
  readonly edge: Edge
  readonly headOf: HeadWriter
  isDataPlane(path: string): boolean
  call(hosted: HostedExchange): void
  /** Gives a connection to Node's parser, for good. */
  handOver(socket: Socket): void
  /** Refuses a head that did not come whole in time; these are the bytes that came. */
  refuseHead(connection: Connection, bytes: Buffer): void
}

/** How much may come behind a request that is being served, before reading waits for its answer. */
const maxHeldBytes = 64 * 1024
/** A longer head is not kept for the next request. */
const maxKeptHeadBytes = 4096

/**
 * Serves the requests of a connection as long as they are plain and come one at a time. The first that is not, and all
 * that come after it, are Node's: it gets the socket with the bytes from there on.
 */
export function servePlain(connection: Connection, road: PlainRoad): void {
  const { socket } = connection
  const { edge } = road
  /** The request being served, or whose rest is being read past. */
  let current: PlainExchange | null = null
  /** The first part of a head, or what came behind the current request. */
  let held: Buffer | null = null
  /** The head of the last request, which is mostly that of the next one too. */
  let lastHead: PlainHead | null = null
  let isOver = false
  /** What becomes of the connection once the rest of the current request has been read past; null while it is served. */
  let mayKeepAfter: boolean | null = null

  const carrier = { connection, edge, headOf: road.headOf, finish, close, reset }

  function receive(bytes: Buffer): void {
    if (isOver) {
      if (readSince() > discardLimits.bytes) socket.destroy()
      return
    }
    if (current === null) {
      readHead(held === null ? bytes : Buffer.concat([held, bytes]))
      return
    }
    const behind = feed(current.body, bytes)
    if (behind !== null) held = held === null ? behind : Buffer.concat([held, behind])
    if (mayKeepAfter !== null) readPast(current, mayKeepAfter)
    else if (isOverfull(current.body) || (held !== null && held.length >= maxHeldBytes)) socket.pause()
  }

  function readHead(bytes: Buffer): void {
    const head = edge.isDraining() ? 'odd' : nextHead(bytes)
    if (head === 'partial' && bytes.length < maxHeadBytes) {
      held = bytes
      if (connection.headSinceMs === Infinity) connection.headSinceMs = edge.elapsedMs()
      return
    }
    held = null
    connection.headSinceMs = Infinity
    if (head === 'partial' || head === 'odd' || !isOurs(head, bytes.length)) {
      handOver(bytes)
      return
    }
    current = openPlainExchange(head, carrier)
    feed(current.body, bytes.subarray(head.headBytes))
    road.call(current)
  }

  function nextHead(bytes: Buffer): PlainHead | 'partial' | 'odd' {
    const again = lastHead === null ? null : rereadPlainHead(bytes, lastHead)
    const head = again ?? readPlainHead(bytes)
    lastHead = typeof head === 'object' && head.headBytes <= maxKeptHeadBytes ? head : null
    return head
  }

  // Requests behind one another are served at the same time and answered in order: Node's parser does that.
  function isOurs({ path, headBytes, declaredBytes }: PlainHead, receivedBytes: number): boolean {
    return receivedBytes <= headBytes + declaredBytes && road.isDataPlane(path)
  }

  function handOver(bytes: Buffer): void {
    socket.off('data', receive)
    socket.off('drain', goOn)
    socket.off('end', close)
    socket.off('error', ignore)
    socket.pause()
    socket.unshift(bytes)
    road.handOver(socket)
    socket.resume()
  }

  function finish(mayKeep: boolean): void {
    if (socket.isPaused()) socket.resume()
    if (current !== null && current.body.restBytes > 0) {
      mayKeepAfter = mayKeep
      connection.discardUntilMs = edge.elapsedMs() + discardLimits.ms
      connection.discardFromBytes = socket.bytesRead
    } else if (mayKeep) beReady()
    else close()
  }

  function readPast({ body }: PlainExchange, mayKeep: boolean): void {
    if (body.restBytes > 0 && readSince() <= discardLimits.bytes) return
    mayKeepAfter = null
    if (body.restBytes === 0 && mayKeep) {
      connection.discardUntilMs = Infinity
      beReady()
    } else close()
  }

  function beReady(): void {
    current = null
    // Not at once: whoever has just answered is not to find itself serving the next request.
    if (held !== null) queueMicrotask(goAhead)
  }

  function goAhead(): void {
    if (!isOver && current === null && held !== null) readHead(held)
  }

  function readSince(): number {
    return socket.bytesRead - connection.discardFromBytes
  }

  function giveUp(): void {
    isOver = true
    held = null
    connection.headSinceMs = Infinity
    connection.discardFromBytes = socket.bytesRead
  }

  function close(): void {
    giveUp()
    socket.destroySoon()
  }

  function reset(): void {
    giveUp()
    socket.write('', () => socket.resetAndDestroy())
  }

  function goOn(): void {
    current?.goOn()
  }

  connection.headSinceMs = edge.elapsedMs()
  connection.headOverdue = () => {
    const bytes = held
    if (bytes === null) return close()
    giveUp()
    road.refuseHead(connection, bytes)
  }
  socket.on('data', receive)
  socket.on('drain', goOn)
  socket.on('end', close)
  socket.on('error', ignore)
}

// The close that follows tells all there is to tell.
function ignore(): void {}
