/** The header lines of a response, searched only when asked. */
export interface ResponseHeaders {
  /** The first value under a name given in lower case, without surrounding blanks; null if there is none. */
  get(name: string): string | null
}

/**
 * Headers over their raw text.
 *
 * `lines` begins with CRLF and ends each line with CRLF: `\r\nContent-Type: text/plain\r\n`. Nothing is split
 * or lowered before the first `get`; each `get` is one search.
 */
export function responseHeaders(lines: string): ResponseHeaders {
  let lowered: string | null = null
  return {
    get(name) {
      lowered ??= lines.toLowerCase()
      const found = lowered.indexOf(`\r\n${name}:`)
      if (found < 0) return null
      const start = found + name.length + 3
      return trimBlanks(lines.slice(start, lines.indexOf('\r\n', start)))
    },
  }
}

/** The same headers without some of their names. */
export function withoutHeaders(headers: ResponseHeaders, names: readonly string[]): ResponseHeaders {
  return { get: (name) => (names.includes(name) ? null : headers.get(name)) }
}

/** Takes away spaces and tabs only: `trim` would also take what HTTP counts as part of a value. */
function trimBlanks(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start++
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--
  return value.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}
