import type { Failure } from '../domain/failure.ts'
import type { UpstreamCall, UpstreamHandler, UpstreamHead, UpstreamRequest } from '../upstream/call.ts'
import type { Upstream } from '../upstream/connections.ts'
import { type Call, whenCut } from './call.ts'
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
    const awaited: AwaitedAnswer = {
      head: null,
      sent: null,
      secrets,
      mask: null,
      reader: null,
      early: nothingEarly,
      hasEnded: false,
      problem: null,
      resolve,
      onHead,
      onData,
      onEnd,
      onFailure,
      read,
      pause,
      resume,
      abort,
    }
    awaited.sent = upstream.send(request, awaited)
    whenCut(call, () => {
      awaited.abort()
      resolve({ failure: 'cancelled' })
    })
  })
}

/** The state of an answer that is awaited, and its functions, the same for all: closures took three times as long. */
interface AwaitedAnswer extends UpstreamHandler, Omit<Answer, 'head'> {
  head: UpstreamHead | null
  sent: UpstreamCall | null
  readonly secrets: Needles | null
  mask: Mask | null
  reader: AnswerReader | null
  /** What came before there was a reader. */
  early: Buffer[]
  hasEnded: boolean
  /** Not `failure`: it must not look like one. */
  problem: Failure | null
  readonly resolve: (answer: Answer | Failure) => void
}

const nothing = Buffer.alloc(0)
const nothingEarly: Buffer[] = []

function onHead(this: AwaitedAnswer, head: UpstreamHead): void {
  this.head = head
  if (this.secrets !== null && head.status < 300) this.mask = openMask(this.secrets)
}

function onData(this: AwaitedAnswer, chunk: Buffer): void {
  const bytes = this.mask === null ? chunk : maskChunk(this.mask, chunk)
  if (bytes.length > 0) take(this, bytes)
}

function onEnd(this: AwaitedAnswer): void {
  const rest = this.mask === null ? nothing : endMask(this.mask)
  if (rest.length > 0) take(this, rest)
  this.hasEnded = true
  if (this.reader !== null) this.reader.onEnd()
  else answered(this)
}

function onFailure(this: AwaitedAnswer, failure: Failure): void {
  this.problem = failure
  if (this.reader !== null) this.reader.onFailure(failure)
  else if (this.early.length === 0) this.resolve(failure)
}

function take(awaited: AwaitedAnswer, bytes: Buffer): void {
  if (awaited.reader !== null) awaited.reader.onData(bytes, false)
  else {
    if (awaited.early === nothingEarly) awaited.early = []
    awaited.early.push(Buffer.from(bytes))
    answered(awaited)
  }
}

function answered(awaited: AwaitedAnswer): void {
  if (hasHead(awaited)) awaited.resolve(awaited)
}

function hasHead(awaited: AwaitedAnswer): awaited is AwaitedAnswer & { head: UpstreamHead } {
  return awaited.head !== null
}

function read(this: AwaitedAnswer, reader: AnswerReader): void {
  const { early } = this
  this.reader = reader
  this.early = nothingEarly
  for (const chunk of early) reader.onData(chunk, true)
  if (this.problem !== null) reader.onFailure(this.problem)
  else if (this.hasEnded) reader.onEnd()
}

function pause(this: AwaitedAnswer): void {
  this.sent?.pause()
}

function resume(this: AwaitedAnswer): void {
  this.sent?.resume()
}

function abort(this: AwaitedAnswer): void {
  this.sent?.abort()
}
