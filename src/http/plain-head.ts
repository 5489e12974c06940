import { isHostName } from './head.ts'

/** The head of a request that leaves no question open. */
export interface PlainHead {
  /** Without the query. */
  readonly path: string
  readonly host: string
  readonly declaredBytes: number
  /** Its length, the empty line included. */
  readonly headBytes: number
  /** Flat list of names and values as they came, white space around values cut. */
  readonly rawHeaders: readonly string[]
}

/** The longest head that is read. */
export const maxHeadBytes = 32 * 1024

const requestStart = Buffer.from('POST /')
const version = Buffer.from(' HTTP/1.1\r\n')
const emptyLine = Buffer.from('\r\n\r\n')
const [tab, lineFeed, carriageReturn, space, hash, colon, lastPrintable] = [9, 10, 13, 32, 35, 58, 126]
const isTokenByte = new Uint8Array(256)
for (const byte of Buffer.from(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
))
  isTokenByte[byte] = 1

/**
 * Reads the head with which `bytes` begin. `'odd'`: it is not plain, and only a parser of all of HTTP can tell what it
 * is; told as soon as it can be known. `'partial'`: so far it is plain, and it goes on.
 *
 * Plain is a `POST` of a path in HTTP/1.1 with one sound `Host`, one `Content-Length`, nothing that would change the
 * framing or the connection, and no byte on whose meaning two parsers have ever differed.
 */
export function readPlainHead(bytes: Buffer): PlainHead | 'partial' | 'odd' {
  const end = bytes.indexOf(emptyLine)
  const limit = end < 0 ? Math.min(bytes.length, maxHeadBytes) : end + 2
  if (limit > maxHeadBytes) return 'odd'
  const start = compare(bytes, 0, requestStart)
  if (start !== 'same') return start
  let at = requestStart.length - 1
  for (let byte = bytes[at]; isTargetByte(byte); byte = bytes[at]) at++
  const targetEnd = at
  const rest = compare(bytes, at, version)
  if (rest !== 'same') return rest
  at += version.length

  const text = bytes.toString('latin1', 0, limit)
  const rawHeaders: string[] = []
  let host: string | null = null
  let declaredBytes = -1
  while (at < limit) {
    const nameStart = at
    while (isTokenByte[bytes[at] ?? 0] === 1) at++
    const nameEnd = at
    if (at >= limit) return 'partial'
    // The empty line, half of it.
    if (nameEnd === nameStart && bytes[at] === carriageReturn && at + 1 === limit) return 'partial'
    if (bytes[at] !== colon || nameEnd === nameStart) return 'odd'
    for (let byte = bytes[++at]; isValueByte(byte); byte = bytes[at]) at++
    const lineEnd = at
    if (at >= limit) return 'partial'
    if (bytes[at] !== carriageReturn) return 'odd'
    if (++at >= limit) return 'partial'
    if (bytes[at++] !== lineFeed) return 'odd'

    const name = text.slice(nameStart, nameEnd)
    const value = trimmed(text, nameEnd + 1, lineEnd)
    rawHeaders.push(name, value)
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== 'host') break
        if (host !== null || !isHostName(value)) return 'odd'
        host = value
        break
      case 14:
        if (name.toLowerCase() !== 'content-length') break
        if (declaredBytes >= 0 || !soundLength.test(value)) return 'odd'
        declaredBytes = Number(value)
        break
      case 10:
        if (name.toLowerCase() === 'connection' && value.toLowerCase() !== 'keep-alive') return 'odd'
        break
      case 6:
      case 7:
      case 16:
      case 17:
        if (reframing.has(name.toLowerCase())) return 'odd'
        break
    }
  }
  if (end < 0) return 'partial'
  if (host === null || declaredBytes < 0) return 'odd'
  const target = text.slice(requestStart.length - 1, targetEnd)
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  return { path, host, declaredBytes, headBytes: end + emptyLine.length, rawHeaders }
}

/** What changes the framing or the connection. Node's parser reads `Proxy-Connection` as `Connection`. */
const reframing = new Set(['expect', 'upgrade', 'proxy-connection', 'transfer-encoding'])
/** Short enough to be exact as a number. */
const soundLength = /^\d{1,15}$/

function compare(bytes: Buffer, from: number, expected: Buffer): 'same' | 'partial' | 'odd' {
  for (let at = 0; at < expected.length; at++) {
    const byte = bytes[from + at]
    if (byte === undefined) return 'partial'
    if (byte !== expected[at]) return 'odd'
  }
  return 'same'
}

function isTargetByte(byte: number | undefined): boolean {
  return byte !== undefined && byte > space && byte <= lastPrintable && byte !== hash
}

function isValueByte(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= space && byte <= lastPrintable) || byte === tab)
}

function trimmed(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === space || code === tab
}
