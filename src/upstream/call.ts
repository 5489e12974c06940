import type { Failure } from '../domain/failure.ts'
import type { Reach } from './egress.ts'
import type { Origin } from './origin.ts'
import type { ResponseHeaders } from './response-headers.ts'

/** How long to wait for what; Infinity where there is no limit. */
export interface UpstreamTimeouts {
  /** For name, connection and TLS. */
  readonly connectMs: number
  /** From the request's last byte, or the last progress in sending it, to the head of the response. */
  readonly firstByteMs: number
  /**
   * Between two reads of the response. Goes on while the caller has paused it, and begins anew with `resume`.
   */
  readonly idleMs: number
  /** From `send` to the end of the response. */
  readonly totalMs: number
}

/** One request, ready to be sent. */
export interface UpstreamRequest {
  readonly origin: Origin
  /** What the request may lead to; what the settings say of its origin where this is left out. */
  readonly reach?: Reach
  readonly method: 'GET' | 'POST'
  /** With its query, escaped: visible ASCII only. */
  readonly path: string
  /**
   * Finished header lines, each ending in CRLF, in Latin-1. Without `host`, `content-length`, `connection`,
   * `transfer-encoding` and `accept-encoding`. Their values must be free of line ends: that is not looked at
   * again.
   */
  readonly headers: string
  /**
   * The body's pieces, in order. They must not change before the first byte of the response: they may be sent
   * twice.
   */
  readonly body: readonly Buffer[]
  readonly timeouts: UpstreamTimeouts
}

/**
 * Takes the response: `onHead`, any number of `onData`, then `onEnd`; or, at any point before the end,
 * `onFailure`. Nothing is called after one of these two or after `abort`, and nothing within `send`. What
 * these functions throw is a bug and reaches the process.
 */
export interface UpstreamHandler {
  onHead(head: UpstreamHead): void
  /**
   * A part of the body as bytes of its content: no framing, no coding. A view: valid only during the call.
   */
  onData(part: Buffer): void
  onEnd(): void
  /** `upstream` or `upstream_timeout`. */
  onFailure(failure: Failure): void
}

/** 2xx to 5xx, redirects included: they are never followed. */
export interface UpstreamHead {
  readonly status: number
  readonly headers: ResponseHeaders
}

/** A hold on one request that was sent. */
export interface UpstreamCall {
  /** Leaves: closes the connection if the response is not complete, and silences the handler. */
  abort(): void
  /** Stops reading. What was read already still comes: 64 KiB at most. */
  pause(): void
  resume(): void
}
