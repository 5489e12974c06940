import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Connection, Served } from './connections.ts'
import type { Edge } from './exchange.ts'

/**
 * Keeps watch over a request that management serves by itself: it counts for the drain, and is refused if its body
 * stops arriving. Where another answer stands in the way of the refusal, the connection is cut.
 */
export function watchManaged(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  connection: Connection,
  { connections, bodyIdleMs, refuseAll }: Edge,
): void {
  let seenBytes = -1
  let quietSinceMs = 0
  const mayBeTold = () => response.socket !== null && !response.headersSent
  const served: Served = {
    leave: () => {},
    spoil() {
      if (request.complete) return true
      if (mayBeTold()) return false
      connection.socket.destroy()
      return true
    },
    inspect(nowMs) {
      if (connection.discardUntilMs !== Infinity) {
        if (nowMs >= connection.discardUntilMs) connection.socket.destroy()
        return
      }
      const received = connection.socket.bytesRead
      if (request.complete || received !== seenBytes) {
        seenBytes = received
        quietSinceMs = nowMs
      } else if (nowMs - quietSinceMs >= bodyIdleMs) {
        if (mayBeTold()) refuseAll(connection, { failure: 'body_timeout' }, path)
        else connection.socket.destroy()
      }
    },
  }
  connection.serving.push(served)
  response.once('close', () => connections.settle(connection, served))
}

/**
 * Asks a client that waits for `100 Continue` for its body once somebody reads it. Until then it may be refused by its head
 * alone; the connection then closes, because only the client knows whether the body still comes.
 */
export function continueOnceRead(request: IncomingMessage, response: ServerResponse): void {
  const mayKeep = response.shouldKeepAlive
  const read = request._read
  response.shouldKeepAlive = false
  request._read = (sizeBytes) => {
    request._read = read
    if (!response.headersSent) {
      response.writeContinue()
      response.shouldKeepAlive = mayKeep
    }
    read.call(request, sizeBytes)
  }
}
