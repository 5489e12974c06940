import type { Failure } from '../domain/failure.ts'
import { type BodyCollector, noBuffers, openBodyCollector } from './body-collector.ts'
import type { BufferBudget } from './buffers.ts'
import { discardLimits } from './connections.ts'

/** The body of one plain request, of the length that its head declares. Changed by the functions of this file only. */
export interface PlainBody {
  readonly declaredBytes: number
  readonly budget: BufferBudget
  /** Not received yet. */
  restBytes: number
  /** What came before anybody asked for it; not charged to the budget. */
  early: Buffer | null
  /** What comes is of no interest: the request is answered, or its body cannot be had. */
  isDropped: boolean
  wasAsked: boolean
  failed: Failure | null
  collector: BodyCollector | null
  deliver: ((body: Buffer | Failure) => void) | null
  /** Charged for a body that needed no collector. */
  takenBytes: number
  /** What the last look saw. */
  seenRestBytes: number
  quietSinceMs: number
}

/** How much of a body may come before it is asked for. */
const maxEarlyBytes = 64 * 1024
const empty = Buffer.alloc(0)

export function openPlainBody(declaredBytes: number, budget: BufferBudget): PlainBody {
  return {
    declaredBytes,
    budget,
    restBytes: declaredBytes,
    early: null,
    isDropped: false,
    wasAsked: false,
    failed: null,
    collector: null,
    deliver: null,
    takenBytes: 0,
    seenRestBytes: -1,
    quietSinceMs: 0,
  }
}

/** Takes what belongs to the body from what was received; returns what stands behind it. */
export function feed(body: PlainBody, bytes: Buffer): Buffer | null {
  const { restBytes } = body
  const part = bytes.length > restBytes ? bytes.subarray(0, restBytes) : bytes
  body.restBytes -= part.length
  if (part.length > 0 && !body.isDropped) {
    if (body.collector !== null) collect(body, body.collector, part)
    else body.early = body.early === null ? part : Buffer.concat([body.early, part])
  }
  return part.length === bytes.length ? null : bytes.subarray(restBytes)
}

/** True while so much has come unasked that the client should wait. */
export function isOverfull(body: PlainBody): boolean {
  return body.early !== null && body.early.length >= maxEarlyBytes
}

/** The whole body, or why it cannot be had: at once if that is known. */
export function readPlainBody(
  body: PlainBody,
  limitBytes: number,
): Buffer | Failure | Promise<Buffer | Failure> {
  if (body.failed !== null) return body.failed
  if (body.declaredBytes > limitBytes) return { failure: 'body_too_large', limitBytes }
  if (body.wasAsked || body.declaredBytes === 0) return empty
  body.wasAsked = true
  const { early, budget } = body
  body.early = null
  if (body.restBytes === 0 && early !== null) return charge(body, early)

  const collector = openBodyCollector(body.declaredBytes, limitBytes, budget)
  body.collector = collector
  return new Promise((resolve) => {
    body.deliver = resolve
    if (early !== null) collect(body, collector, early)
  })
}

/** Ends a reading, or keeps one from beginning: the rest of the body cannot be had any more. */
export function failBody(body: PlainBody, failure: Failure): void {
  body.failed ??= failure
  body.isDropped = true
  body.early = null
  deliver(body, body.failed)
}

/** Ends a reading in which no byte has come for `idleMs`. */
export function inspectBody(body: PlainBody, nowMs: number, idleMs: number): void {
  if (body.deliver === null) return
  if (body.restBytes !== body.seenRestBytes) {
    body.seenRestBytes = body.restBytes
    body.quietSinceMs = nowMs
  } else if (nowMs - body.quietSinceMs >= idleMs) failBody(body, { failure: 'body_timeout' })
}

/** True if the connection can be kept: nothing is missing, or a rest so short that it may be read past. */
export function mayReadPast(body: PlainBody): boolean {
  return body.failed === null && (body.restBytes === 0 || body.declaredBytes <= discardLimits.bytes)
}

/** Returns the memory to the budget; what still comes is dropped. */
export function releaseBody(body: PlainBody): void {
  body.isDropped = true
  body.early = null
  body.collector?.release()
  body.budget.give(body.takenBytes)
  body.takenBytes = 0
  deliver(body, { failure: 'cancelled' })
}

function charge(body: PlainBody, whole: Buffer): Buffer | Failure {
  if (body.budget.take(whole.length)) {
    body.takenBytes = whole.length
    return whole
  }
  body.failed = noBuffers
  return noBuffers
}

function collect(body: PlainBody, collector: BodyCollector, part: Buffer): void {
  const failure = collector.add(part)
  if (failure !== null) failBody(body, failure)
  else if (body.restBytes === 0) deliver(body, collector.whole())
}

function deliver(body: PlainBody, read: Buffer | Failure): void {
  body.deliver?.(read)
  body.deliver = null
}
