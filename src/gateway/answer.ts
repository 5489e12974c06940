import type { Failure } from '../domain/failure.ts'
import type { UpstreamHead, UpstreamRequest } from '../upstream/call.ts'
import type { Upstream } from '../upstream/connections.ts'
import type { Call } from './call.ts'
import { endMask, type Mask, maskChunk, type Needles, openMask } from './mask.ts'

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

const nothing = Buffer.alloc(0)

/**
 * Sends a request and waits for the first bytes of the answer's body, or its end. What arrives between then and
 * `read` is kept: that is at most one read of the socket, since the caller goes on in the same turn.
 *
 * Of an answer that may go out as it comes, `secrets` are masked. Errors are read whole, and hide more.
 */
export function awaitAnswer(
  call: Call,
  upstream: Upstream,
  secrets: Needles | null,
  request: UpstreamRequest,
): Promise<Answer | Failure> {
  return new Promise((resolve) => {
    let head: UpstreamHead | null = null
    let reader: AnswerReader | null = null
    let mask: Mask | null = null
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
    const take = (bytes: Buffer): void => {
      if (reader !== null) reader.onData(bytes, false)
      else {
        early.push(Buffer.from(bytes))
        answered()
      }
    }
    const sent = upstream.send(request, {
      onHead(received) {
        head = received
        if (secrets !== null && received.status < 300) mask = openMask(secrets)
      },
      onData(chunk) {
        if (mask === null) return take(chunk)
        const bytes = maskChunk(mask, chunk)
        if (bytes.length > 0) take(bytes)
      },
      onEnd() {
        const rest = mask === null ? nothing : endMask(mask)
        if (rest.length > 0) take(rest)
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
