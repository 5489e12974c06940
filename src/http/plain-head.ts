import { decimal, isBlank, spells } from '../upstream/head-bytes.ts'
import { isHostName } from './head.ts'
import type { HeaderPlaces } from './header-places.ts'

/** The head of a request that leaves no question open. */
export interface PlainHead {
  /** Without the query. */
  readonly path: string
  /** With its question mark; empty when there is none. */
  readonly query: string
  readonly host: string
  readonly declaredBytes: number
  /** Where the digits of that number begin and end in the head. */
  readonly lengthPlace: readonly [start: number, end: number]
  /** Its length, the empty line included. */
  readonly headBytes: number
  readonly headers: HeaderPlaces
}

/** The longest head that is read. */
export const maxHeadBytes = 32 * 1024

const requestStart = Buffer.from('POST /')
const version = Buffer.from(' HTTP/1.1\r\n')
const emptyLine = Buffer.from('\r\n\r\n')
const [tab, lineFeed, carriageReturn, space, colon] = [9, 10, 13, 32, 58]
/** What a byte may be part of, as a sum. */
const kindOf = new Uint8Array(256)
const [target, value, token] = [1, 2, 4]
for (let byte = 0x21; byte <= 0x7e; byte++) kindOf[byte] = byte === 0x23 ? value : target + value
kindOf[space] = kindOf[tab] = value
for (const byte of Buffer.from(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
))
  kindOf[byte] = (kindOf[byte] ?? 0) + token

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
  at = skip(bytes, at, target)
  const targetEnd = at
  const rest = compare(bytes, at, version)
  if (rest !== 'same') return rest
  at += version.length

  const text = bytes.toString('latin1', 0, limit)
  const places: number[] = []
  let host: string | null = null
  let declaredBytes = -1
  let lengthPlace: PlainHead['lengthPlace'] = [0, 0]
  while (at < limit) {
    const nameStart = at
    at = skip(bytes, at, token)
    const nameEnd = at
    if (at >= limit) return 'partial'
    // The empty line, half of it.
    if (nameEnd === nameStart && bytes[at] === carriageReturn && at + 1 === limit) return 'partial'
    if (bytes[at] !== colon || nameEnd === nameStart) return 'odd'
    at = skip(bytes, at + 1, value)
    const lineEnd = at
    if (at >= limit) return 'partial'
    if (bytes[at] !== carriageReturn) return 'odd'
    if (++at >= limit) return 'partial'
    if (bytes[at++] !== lineFeed) return 'odd'

    let valueStart = nameEnd + 1
    let valueEnd = lineEnd
    while (valueStart < valueEnd && isBlank(bytes[valueStart])) valueStart++
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--
    places.push(nameStart, nameEnd, valueStart, valueEnd)
    switch (nameEnd - nameStart) {
      case 4:
        if (!spells(bytes, nameStart, nameEnd, 'host')) break
        if (host !== null) return 'odd'
        host = text.slice(valueStart, valueEnd)
        if (!isHostName(host)) return 'odd'
        break
      case 14:
        if (!spells(bytes, nameStart, nameEnd, 'content-length')) break
        if (declaredBytes >= 0) return 'odd'
        declaredBytes = decimal(bytes, valueStart, valueEnd)
        if (declaredBytes < 0) return 'odd'
        lengthPlace = [valueStart, valueEnd]
        break
      case 10:
        if (!spells(bytes, nameStart, nameEnd, 'connection')) break
        if (!spells(bytes, valueStart, valueEnd, 'keep-alive')) return 'odd'
        break
      case 6:
        if (spells(bytes, nameStart, nameEnd, 'expect')) return 'odd'
        break
      case 7:
        if (spells(bytes, nameStart, nameEnd, 'upgrade')) return 'odd'
        break
      case 16:
        // Node's parser takes it for a `Connection`.
        if (spells(bytes, nameStart, nameEnd, 'proxy-connection')) return 'odd'
        break
      case 17:
        if (spells(bytes, nameStart, nameEnd, 'transfer-encoding')) return 'odd'
        break
    }
  }
  if (end < 0) return 'partial'
  if (host === null || declaredBytes < 0) return 'odd'
  const address = text.slice(requestStart.length - 1, targetEnd)
  const queryStart = address.indexOf('?')
  const path = queryStart < 0 ? address : address.slice(0, queryStart)
  const query = queryStart < 0 ? '' : address.slice(queryStart)
  return {
    path,
    query,
    host,
    declaredBytes,
    lengthPlace,
    headBytes: end + emptyLine.length,
    headers: { text, places, readings: new Map() },
  }
}

/**
 * The head with which `bytes` begin, if it is `last` once more, or differs in nothing but the digits of its length;
 * null if it has to be read. A client's requests on one connection are mostly alike, and telling that takes a tenth of
 * reading them.
 */
export function rereadPlainHead(bytes: Buffer, last: PlainHead): PlainHead | null {
  const { headBytes, headers, lengthPlace } = last
  const textEnd = headBytes - 2
  if (bytes.length < headBytes || bytes[textEnd] !== carriageReturn || bytes[textEnd + 1] !== lineFeed)
    return null
  const text = bytes.toString('latin1', 0, textEnd)
  if (text === headers.text) return last
  const [start, end] = lengthPlace
  const declaredBytes = decimal(bytes, start, end)
  if (declaredBytes < 0 || !isSame(text, headers.text, 0, start) || !isSame(text, headers.text, end, textEnd))
    return null
  return { ...last, declaredBytes, headers: { ...headers, text } }
}

function isSame(one: string, other: string, start: number, end: number): boolean {
  return one.slice(start, end) === other.slice(start, end)
}

function compare(bytes: Buffer, from: number, expected: Buffer): 'same' | 'partial' | 'odd' {
  for (let at = 0; at < expected.length; at++) {
    const byte = bytes[from + at]
    if (byte === undefined) return 'partial'
    if (byte !== expected[at]) return 'odd'
  }
  return 'same'
}

/** Where the bytes of one kind end that begin at `from`. */
function skip(bytes: Buffer, from: number, kind: number): number {
  let at = from
  while (at < bytes.length && ((kindOf[bytes[at] ?? 0] ?? 0) & kind) !== 0) at++
  return at
}
