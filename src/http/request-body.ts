import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Failure } from '../domain/failure.ts'
import { type BodyCollector, openBodyCollector } from './body-collector.ts'
import type { BufferBudget } from './buffers.ts'
import { type Connection, discardLimits } from './connections.ts'
import type { RequestHead } from './head.ts'

/** A request of a client, read as far as its head. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly head: RequestHead
  readonly path: string
  readonly query: string
  readonly connection: Connection
  /** The client waits for `100 Continue` before it sends the body. */
  readonly awaitsContinue: boolean
}

/** The body of one request: read once, or read past. */
export interface RequestBody {
  /** Resolves with the body, or with why it cannot be had; asks a waiting client for it first. */
  read(limitBytes: number): Promise<Buffer | Failure>
  /** False while the client still has to send some of it. */
  isWhole(): boolean
  /** True if what is still to come is short enough to read past, so that the connection can be kept. */
  hasShortRest(): boolean
  /** Reads past the rest, calling back when it has ended or is longer than `discardLimits.bytes`. */
  discard(then: () => void): void
  /** Ends a reading: the rest cannot be read any more. */
  fail(failure: Failure): void
  /** Ends a reading in which no byte has come for too long. */
  inspect(nowMs: number): void
  /** Returns the memory to the budget. */
  release(): void
}

const empty = Buffer.alloc(0)

/** Opens the body of a request; reads nothing yet. `idleMs`: how long a reading waits for the next byte. */
export function openRequestBody(
  { request, response, head, connection, awaitsContinue }: Arrival,
  budget: BufferBudget,
  idleMs: number,
): RequestBody {
  const isEmpty = head.transferEncoding === null && !head.declaredBytes
  let state: 'unread' | 'reading' | 'whole' | 'failed' = isEmpty ? 'whole' : 'unread'
  let isAwaited = !isEmpty && awaitsContinue
  let failed: Failure | null = null
  let collector: BodyCollector | undefined
  let deliver: ((body: Buffer | Failure) => void) | undefined
  let seenBytes = 0
  let quietSinceMs: number | undefined

  function receive(piece: Buffer): void {
    const failure = collector?.add(piece)
    if (failure) fail(failure)
    // A declared body is whole with its last byte; the parser's word for it would come a turn later.
    else if (collector?.receivedBytes() === head.declaredBytes) complete()
  }

  function complete(): void {
    stop('whole')
    deliver?.(collector?.whole() ?? empty)
  }

  function fail(failure: Failure): void {
    failed ??= failure
    if (state !== 'reading') return
    stop('failed')
    request.pause()
    deliver?.(failure)
  }

  function stop(next: 'whole' | 'failed'): void {
    state = next
    request.off('data', receive)
    request.off('end', complete)
  }

  return {
    read(limitBytes) {
      if (failed !== null) return Promise.resolve(failed)
      if ((head.declaredBytes ?? 0) > limitBytes)
        return Promise.resolve({ failure: 'body_too_large', limitBytes })
      if (state !== 'unread') return Promise.resolve(empty)

      state = 'reading'
      if (isAwaited) response.writeContinue()
      isAwaited = false
      collector = openBodyCollector(head.declaredBytes, limitBytes, budget)
      return new Promise((resolve) => {
        deliver = resolve
        request.on('data', receive)
        request.on('end', complete)
      })
    },
    isWhole: () => state === 'whole',
    hasShortRest: () =>
      failed === null &&
      !isAwaited &&
      head.declaredBytes !== null &&
      head.declaredBytes <= discardLimits.bytes,
    discard(then) {
      connection.discardFromBytes = request.socket.bytesRead
      request.on('data', () => {
        if (request.socket.bytesRead - connection.discardFromBytes > discardLimits.bytes) then()
      })
      request.once('end', then)
      request.resume()
    },
    fail,
    inspect(nowMs) {
      if (state !== 'reading') return
      const received = request.socket.bytesRead
      if (quietSinceMs === undefined || received !== seenBytes) {
        seenBytes = received
        quietSinceMs = nowMs
      } else if (nowMs - quietSinceMs >= idleMs) fail({ failure: 'body_timeout' })
    },
    release: () => collector?.release(),
  }
}
