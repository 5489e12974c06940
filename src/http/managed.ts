import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Connection, Connections, Served } from './connections.ts'

/**
 * Keeps watch over a request that management serves by itself: it counts for the drain, and its connection is cut if
 * its body stops arriving for `bodyIdleMs`.
 */
export function watchManaged(
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
  connections: Connections,
  bodyIdleMs: number,
): void {
  let seenBytes = -1
  let quietSinceMs = 0
  const served: Served = {
    leave: () => {},
    spoil() {
      if (request.complete) return true
      const isItsTurn = response.socket !== null
      if (isItsTurn && !response.headersSent) return false
      connection.socket.destroy()
      return true
    },
    inspect(nowMs) {
      const received = connection.socket.bytesRead
      if (request.complete || received !== seenBytes) {
        seenBytes = received
        quietSinceMs = nowMs
      } else if (nowMs - quietSinceMs >= bodyIdleMs) connection.socket.destroy()
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
