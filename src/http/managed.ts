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
