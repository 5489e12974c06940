import type { Failure } from '../domain/failure.ts'
import type { UpstreamHead, UpstreamRequest } from '../upstream/call.ts'
import type { Upstream } from '../upstream/connections.ts'
import type { Call } from './call.ts'

/** An upstream's answer whose first bytes have come. */
export interface Answer {
  readonly head: UpstreamHead
  /** Hands over everything from the first byte on; called once. */
  read(reader: AnswerReader): void
  pause(): void
  resume(): void
  abort(): void
}

/** Exactly one of `onEnd` and `onFailure` comes, last. A chunk is valid only during the call, unless it may be kept. */
export interface AnswerReader {
  onData(chunk: Buffer, mayKeep: boolean): void
  onEnd(): void
  onFailure(failure: Failure): void
}

/**
 * Sends a request and waits for the first bytes of the answer's body, or its end. What arrives between then and
 * `read` is kept: that is at most one read of the socket, since the caller goes on in the same turn.
 */
export function awaitAnswer(
  call: Call,
  upstream: Upstream,
  request: UpstreamRequest,
): Promise<Answer | Failure> {
  return new Promise((resolve) => {
    let head: UpstreamHead | null = null
    let reader: AnswerReader | null = null
    const early: Buffer[] = []
    let hasEnded = false
    let failure: Failure | null = null

    const answered = (): void => {
      if (head !== null) resolve({ head, read, pause: sent.pause, resume: sent.resume, abort: sent.abort })
    }
    const read = (attached: AnswerReader): void => {
      reader = attached
      for (const chunk of early) attached.onData(chunk, true)
      early.length = 0
      if (failure !== null) attached.onFailure(failure)
      else if (hasEnded) attached.onEnd()
    }
    const sent = upstream.send(request, {
      onHead(received) {
        head = received
      },
      onData(chunk) {
        if (reader !== null) return reader.onData(chunk, false)
        early.push(Buffer.from(chunk))
        answered()
      },
      onEnd() {
        if (reader !== null) return reader.onEnd()
        hasEnded = true
        answered()
      },
      onFailure(problem) {
        if (reader !== null) return reader.onFailure(problem)
        failure = problem
        if (early.length === 0) resolve(problem)
      },
    })
    call.onCut = () => {
      sent.abort()
      resolve({ failure: 'cancelled' })
    }
  })
}
