import { standingHeaders } from '../limits/notice.ts'
import type { UpstreamHead } from '../upstream/call.ts'
import type { Call, Grant } from './call.ts'
import type { HeaderList, HeaderReading } from './exchange.ts'
import type { Room } from './room.ts'

const passed = ['retry-after', 'openai-processing-ms'] as const
/** Printable, short, and free of what could break out of a header or a log line. */
const echoable = /^[\w.:/+=-]{1,128}$/

/**
 * Headers of an answer: few of the upstream's, and none that holds our credential; our request id; how the tightest
 * limit stands.
 */
export function answerHeaders(grant: Grant, head: UpstreamHead, room: Room): HeaderList {
  const secret = grant.target.upstream.apiKey?.reveal() ?? null
  const read = (name: string): string | null => {
    const value = head.headers.get(name)
    return value !== null && secret !== null && value.includes(secret) ? null : value
  }
  const headers = requestIdHeaders(grant.call)
  headers.push('content-type', read('content-type') ?? 'application/json')
  for (const name of passed) {
    const value = read(name)
    if (value !== null) headers.push(name, value)
  }
  const upstreamId = read('x-request-id')
  if (upstreamId !== null) headers.push('x-tollgate-upstream-request-id', upstreamId)

  const { tightest, outputCap } = grant.reservation
  if (tightest !== null) headers.push(...standingHeaders(tightest, room.clock()))
  if (outputCap !== null && grant.ask.request.hasOutput)
    headers.push('x-tollgate-capped-max-tokens', String(outputCap))
  return headers
}

/** Our id of the request, which its usage event carries; the caller's own is echoed where it can be. */
export function requestIdHeaders(call: Call): string[] {
  return ['x-baseten-request-id', call.id, 'x-request-id', callersRequestId(call) ?? call.id]
}

/** The caller's own id of the request; null without one, or where it cannot be echoed. */
export function callersRequestId({ exchange }: Call): string | null {
  return exchange.fromHeaders(readRequestId)
}

const readRequestId: HeaderReading<string | null> = (header) => {
  const id = header('x-request-id')
  return id !== null && echoable.test(id) ? id : null
}
