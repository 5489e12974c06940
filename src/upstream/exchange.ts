import type { Failure } from '../domain/failure.ts'
import type { UpstreamCall, UpstreamHandler, UpstreamRequest, UpstreamTimeouts } from './call.ts'
import type { Phase, Timed } from './deadlines.ts'
import { contentCodingOf, type Decoder, openDecoder } from './decoder.ts'
import { type OutgoingRequest, prepareRequest } from './outgoing-request.ts'
import type { ResponseHead } from './response-head.ts'
import { withoutHeaders } from './response-headers.ts'

export type { UpstreamHead, UpstreamRequest, UpstreamTimeouts } from './call.ts'

/** The connection of an exchange, as far as the exchange needs it. */
export interface Carrier {
  pause(): void
  resume(): void
  destroy(): void
}

/** One request and its response, wherever it stands. */
export interface Exchange extends Timed, UpstreamCall {
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

/**
 * Begins an exchange, without a connection yet. Throws for a request that is not well-formed: that is a bug.
 */
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
    seat: -1,
    abort,
    pause,
    resume,
  }
}

/** Something else is being waited for from now on. */
export function enterPhase(exchange: Exchange, phase: Exclude<Phase, 'total'>, phaseMs: number): void {
  exchange.phase = phase
  exchange.phaseMs = phaseMs
  exchange.hasProgressed = true
}

/**
 * The response has begun. A coded body is decoded from here on, and the headers no longer speak of the
 * coding.
 */
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

/** A part of the body was read: a view, valid during the call only. */
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

/** Ends with a failure, wherever the exchange stands. Does nothing if it is over. */
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

// The caller's hold on the exchange. It outlives the exchange, and then does nothing.

function abort(this: Exchange): void {
  abandonExchange(this)
}

function pause(this: Exchange): void {
  if (this.isOver) return
  if (this.decoder !== null) this.decoder.pause()
  else this.carrier?.pause()
}

function resume(this: Exchange): void {
  if (this.isOver) return
  this.hasProgressed = true
  if (this.decoder !== null) this.decoder.resume()
  else this.carrier?.resume()
}

/** The failure of a response that is not one; `problem` continues "The response". */
export function garbage(problem: string): Failure {
  return { failure: 'upstream', problem: 'garbage', message: `The response of the upstream ${problem}.` }
}
