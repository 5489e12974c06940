import type { HeaderChoice } from '../gateway/exchange.ts'

/** What the framing and routing of one request hang on, read in one pass over its header list. */
export interface RequestHead {
  readonly host: string | null
  /** A second `Host` makes the request ambiguous, whatever the two say. */
  readonly hostCount: number
  /** Bytes the client declared; null when it declared none (no body, or a chunked one). */
  readonly declaredBytes: number | null
  /** As it came; null when the body, if any, is framed by its declared length. */
  readonly transferEncoding: string | null
}

/** Reads the head of a request from Node's flat list of names and values, names in any case. */
export function readHead(rawHeaders: readonly string[]): RequestHead {
  let host: string | null = null
  let hostCount = 0
  let declaredBytes: number | null = null
  let transferEncoding: string | null = null
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    const value = rawHeaders[at + 1] ?? ''
    // Few header names share these lengths, so most headers cost one comparison of numbers.
    switch (name.length) {
      case 4:
        if (isNamed(name, 'host')) {
          hostCount++
          host ??= value
        }
        break
      case 14:
        if (isNamed(name, 'content-length')) declaredBytes ??= Number(value)
        break
      case 17:
        if (isNamed(name, 'transfer-encoding'))
          transferEncoding = transferEncoding === null ? value : `${transferEncoding}, ${value}`
        break
    }
  }
  return { host, hostCount, declaredBytes, transferEncoding }
}

/** The first value of a header in a flat list of names and values; `name` in lower case. */
export function findHeader(rawHeaders: readonly string[], name: string): string | null {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const candidate = rawHeaders[at] ?? ''
    if (candidate.length === name.length && isNamed(candidate, name)) return rawHeaders[at + 1] ?? null
  }
  return null
}

/** All values of a header joined as one list, as if it had been sent once; `name` in lower case. */
export function joinHeader(rawHeaders: readonly string[], name: string): string | null {
  let joined: string | null = null
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (!isNamed(rawHeaders[at] ?? '', name)) continue
    const value = rawHeaders[at + 1] ?? ''
    joined = joined === null ? value : `${joined}, ${value}`
  }
  return joined
}

/** Finished lines of the chosen headers of a flat list, names in lower case. */
export function chosenLines(rawHeaders: readonly string[], { names, prefixes }: HeaderChoice): string {
  let lines = ''
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)))
      lines += `${name}: ${rawHeaders[at + 1]}\r\n`
  }
  return lines
}

const hostName = /^[\w.~:[\]-]+$/

/** Whether the value of a `Host` is a name or an address, with or without a port. */
export function isHostName(value: string): boolean {
  return hostName.test(value)
}

function isNamed(candidate: string, lowerCaseName: string): boolean {
  return candidate === lowerCaseName || candidate.toLowerCase() === lowerCaseName
}
