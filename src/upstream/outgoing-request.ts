import type { UpstreamRequest } from './call.ts'

/** A request as it goes out: its head with all lines, and the pieces of its body. */
export interface OutgoingRequest {
  /** Latin-1, with the empty line that ends it. */
  readonly head: string
  readonly body: readonly Buffer[]
  readonly bodyBytes: number
}

/**
 * Frames a request. Throws where path or headers could be read as something else by the upstream: that is a
 * bug.
 */
export function prepareRequest({ origin, method, path, headers, body }: UpstreamRequest): OutgoingRequest {
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new TypeError('the path of an upstream request is not a path')
  let bodyBytes = 0
  for (const piece of body) bodyBytes += piece.length
  const length = bodyBytes === 0 && method === 'GET' ? '' : `content-length: ${bodyBytes}\r\n`
  const head =
    `${method} ${path} HTTP/1.1\r\nhost: ${origin.hostHeader}\r\n` +
    `accept-encoding: identity\r\n${headers}${length}\r\n`
  assertLatin1(head)
  return { head, body, bodyBytes }
}

/**
 * Cut down to one byte, a character such as U+010A would become a line end. Where the engine keeps the text in single
 * bytes, as it nearly always does, the expression has nothing to look for.
 */
function assertLatin1(head: string): void {
  if (/[^\0-\xff]/.test(head)) {
    throw new TypeError('the head of an upstream request holds a character outside Latin-1')
  }
}
