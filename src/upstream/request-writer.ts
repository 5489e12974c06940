import type { Socket } from 'node:net'
import type { OutgoingRequest } from './outgoing-request.ts'

/**
 * Up to here a request goes out as one buffer in one write; above, copying costs more than further writes.
 */
const joinedBytes = 65_536

/** Writes the requests of one connection, no faster than the upstream reads. */
export interface RequestWriter {
  start(request: OutgoingRequest): void
  /** Goes on after the socket has drained. */
  resume(): void
  /** Whether the system has taken all of the request. */
  isDone(): boolean
}

/** Opens the writer of a connection. It keeps no buffer of a request that has been written. */
export function openRequestWriter(socket: Socket): RequestWriter {
  let pieces: readonly Buffer[] = []
  let index = 0
  let offset = 0

  function pump(): void {
    socket.cork()
    let mayWrite = true
    while (mayWrite && index < pieces.length) {
      const piece = pieces[index] ?? Buffer.alloc(0)
      const part = piece.subarray(offset, offset + joinedBytes)
      offset += part.length
      if (offset === piece.length) {
        index++
        offset = 0
      }
      if (part.length > 0) mayWrite = socket.write(part)
    }
    socket.uncork()
    if (index < pieces.length) return
    pieces = []
    index = 0
  }

  return {
    start({ head, body, bodyBytes }) {
      if (head.length + bodyBytes <= joinedBytes) {
        socket.write(join(head, body, bodyBytes))
      } else {
        pieces = [Buffer.from(head, 'latin1'), ...body]
        pump()
      }
    },
    resume: pump,
    isDone: () => pieces.length === 0 && socket.writableLength === 0,
  }
}

function join(head: string, body: readonly Buffer[], bodyBytes: number): Buffer {
  const joined = Buffer.allocUnsafe(head.length + bodyBytes)
  let at = joined.write(head, 0, 'latin1')
  for (const piece of body) at += piece.copy(joined, at)
  return joined
}
