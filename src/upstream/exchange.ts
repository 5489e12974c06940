import type { Failure } from '../domain/failure.ts'
import type { Phase, Timed } from './deadlines.ts'
import { contentCodingOf, type Decoder, openDecoder } from './decoder.ts'
import type { Origin } from './origin.ts'
import { type OutgoingRequest, prepareRequest } from './outgoing-request.ts'
import type { ResponseHead } from './response-head.ts'
import { type ResponseHeaders, withoutHeaders } from './response-headers.ts'

/** How long to wait for what; Infinity where there is no limit. */
export interface UpstreamTimeouts {
  /** For name, connection and TLS. */
  readonly connectMs: number
  /** From the request's last byte, or the last progress in sending it, to the head of the response. */
  readonly firstByteMs: number
  /** Between two reads of the response. Goes on while the caller has paused it, and begins anew with `resume`. */
  readonly idleMs: number
  /** From `send` to the end of the response. */
  readonly totalMs: number
}

export interface UpstreamRequest {
  readonly origin: Origin
  readonly method: 'GET' | 'POST'
  /** With its query, escaped: visible ASCII only. */
  readonly path: string
  /**
   * Finished header lines, each ending in CRLF, in Latin-1. Without `host`, `content-length`, `connection`,
   * `transfer-encoding` and `accept-encoding`. Their values must be free of line ends: that is not looked at again.
   */
  readonly headers: string
  /** The body's pieces, in order. They must not change before the first byte of the response: they may be sent twice. */
  readonly body: readonly Buffer[]
  readonly timeouts: UpstreamTimeouts
}

/**
 * Takes the response: `onHead`, any number of `onData`, then `onEnd`; or, at any point before the end, `onFailure`.
 * Nothing is called after one of these two or after `abort`, and nothing within `send`.
 * What these functions throw is a bug and reaches the process.
 */
export interface UpstreamHandler {
  onHead(head: UpstreamHead): void
  /** A part of the body as bytes of its content: no framing, no coding. A view: valid only during the call. */
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

/** The connection of an exchange, as far as the exchange needs it. */
export interface Carrier {
  pause(): void
  resume(): void
  destroy(): void
}

/** One request and its response, wherever it stands. */
export interface Exchange extends Timed {
  readonly handler: UpstreamHandler
  readonly timeouts: UpstreamTimeouts
  /** Null once the response has begun: it cannot be sent again. */
  request: OutgoingRequest | null
  /** Null before there is a connection, and after the connection has done its part. */
  carrier: Carrier | null
  decoder: Decoder | null
  isOver: boolean
  /** Called once, when `isOver` becomes true. */
  readonly onOver: (exchange: Exchange) => void
}

/** Throws for a request that is not well-formed: that is a bug. */
export function openExchange(
  request: UpstreamRequest,
  handler: UpstreamHandler,
  onOver: (exchange: Exchange) => void,
): Exchange {
  return {
    handler,
    timeouts: request.timeouts,
    request: prepareRequest(request),
    carrier: null,
    decoder: null,
    isOver: false,
    onOver,
    phase: 'connect',
    phaseMs: request.timeouts.connectMs,
    hasProgressed: true,
    phaseEndsAt: Number.POSITIVE_INFINITY,
    totalMs: request.timeouts.totalMs,
    totalEndsAt: null,
  }
}

/** The connection waits, or sends. */
export function enterPhase(exchange: Exchange, phase: Exclude<Phase, 'total'>, phaseMs: number): void {
  exchange.phase = phase
  exchange.phaseMs = phaseMs
  exchange.hasProgressed = true
}

export function headArrived(exchange: Exchange, head: ResponseHead): void {
  exchange.request = null
  enterPhase(exchange, 'idle', exchange.timeouts.idleMs)
  if (head.contentEncoding === null || head.framing === 'none') {
    exchange.handler.onHead(head)
    return
  }
  const coding = contentCodingOf(head.contentEncoding)
  if (coding === null) {
    failExchange(exchange, garbage('has a Content-Encoding that this gateway does not know'))
    return
  }
  exchange.decoder = openDecoder(coding, {
    onData: (part) => exchange.handler.onData(part),
    onEnd: () => endExchange(exchange),
    onProblem: (problem) => failExchange(exchange, garbage(problem)),
    onDrain: () => exchange.carrier?.resume(),
  })
  const headers = withoutHeaders(head.headers, ['content-encoding', 'content-length'])
  exchange.handler.onHead({ status: head.status, headers })
}

export function dataArrived(exchange: Exchange, part: Buffer): void {
  if (exchange.isOver) return
  exchange.hasProgressed = true
  if (exchange.decoder === null) exchange.handler.onData(part)
  else if (!exchange.decoder.write(part)) exchange.carrier?.pause()
}

/** The response is complete; what is left of it in the decoder may still come. */
export function bodyArrived(exchange: Exchange): void {
  exchange.carrier = null
  if (exchange.decoder === null) endExchange(exchange)
  else exchange.decoder.end()
}

export function failExchange(exchange: Exchange, failure: Failure): void {
  if (abandonExchange(exchange)) exchange.handler.onFailure(failure)
}

/** Ends without a word to the handler. False if it was over before. */
function abandonExchange(exchange: Exchange): boolean {
  if (exchange.isOver) return false
  exchange.isOver = true
  exchange.request = null
  exchange.onOver(exchange)
  exchange.carrier?.destroy()
  exchange.carrier = null
  exchange.decoder?.destroy()
  return true
}

function endExchange(exchange: Exchange): void {
  if (abandonExchange(exchange)) exchange.handler.onEnd()
}

export function callOf(exchange: Exchange): UpstreamCall {
  return {
    abort: () => void abandonExchange(exchange),
    pause() {
      if (exchange.isOver) return
      if (exchange.decoder !== null) exchange.decoder.pause()
      else exchange.carrier?.pause()
    },
    resume() {
      if (exchange.isOver) return
      exchange.hasProgressed = true
      if (exchange.decoder !== null) exchange.decoder.resume()
      else exchange.carrier?.resume()
    },
  }
}

/** The failure of a response that is not one; `problem` continues "The response". */
export function garbage(problem: string): Failure {
  return { failure: 'upstream', problem: 'garbage', message: `The response of the upstream ${problem}.` }
}
