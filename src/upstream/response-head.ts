import { decimal, isBlank, spells } from './head-bytes.ts'
import { type ResponseHeaders, responseHeaders } from './response-headers.ts'

/** Why the bytes of an upstream are not a response: our own words, nothing that it sent. */
export interface Garbage {
  readonly garbage: string
}

/** How the end of a body is known. `close`: by the end of the connection. */
type Framing = 'none' | 'length' | 'chunked' | 'close'

/** The head of a response, with what HTTP itself says in it taken out. */
export interface ResponseHead {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly framing: Framing
  /** Of the body as sent; 0 unless `framing` is `length`. */
  readonly bodyBytes: number
  /** In lower case; null if the body is sent as it is. */
  readonly contentEncoding: string | null
  /** Whether the upstream will take another request on this connection. */
  readonly keepsAlive: boolean
  /** How long the upstream keeps an idle connection; Infinity if it does not say. */
  readonly keepAliveMs: number
}

const CR = 13
const LF = 10
const COLON = 58
const TOKEN = 1
const VALUE = 2

/** What each byte may be part of: a name (TOKEN) or a value (VALUE). */
const classes = byteClasses()

/** Whether a byte may stand in a header's value: neither a control nor a line end. */
export function isValueByte(byte: number): boolean {
  return ((classes[byte] ?? 0) & VALUE) !== 0
}

/**
 * Reads a response's status line and header lines: `bytes` up to `end`, which lies after the last line's CRLF
 * and before the empty line.
 *
 * Strict: names are tokens, values hold no controls, no folded lines, at most one Content-Length of plain
 * digits, `chunked` as the only transfer coding, and never both.
 */
export function parseResponseHead(bytes: Buffer, end: number): ResponseHead | Garbage {
  const status = statusOf(bytes)
  if (status === 0) return { garbage: 'does not begin with an HTTP/1 status line' }
  let at = endOfValue(bytes, 12, end)
  if (at < 0) return { garbage: 'has a malformed status line' }

  const lines = bytes.toString('latin1', at, end)
  const notes: Notes = { ...noNotes }
  at += 2
  while (at < end) {
    const colon = endOfName(bytes, at, end)
    if (colon < 0) return { garbage: 'has a malformed header name' }
    const stop = endOfValue(bytes, colon + 1, end)
    if (stop < 0) return { garbage: 'has a malformed header value' }
    const problem = note(notes, bytes, at, colon, stop)
    if (problem !== null) return { garbage: problem }
    at = stop + 2
  }
  return conclude(status, bytes[7] === 49, lines, notes)
}

/** What the header lines say about the connection and the body. */
interface Notes {
  bodyBytes: number
  isChunked: boolean
  contentEncoding: string | null
  closes: boolean
  keepAliveMs: number
}

const noNotes: Notes = {
  bodyBytes: -1,
  isChunked: false,
  contentEncoding: null,
  closes: false,
  keepAliveMs: Number.POSITIVE_INFINITY,
}

/**
 * Takes one line into the notes if it is one of the five that matter here; they are told apart by length
 * first.
 */
function note(notes: Notes, bytes: Buffer, at: number, colon: number, lineEnd: number): string | null {
  const length = colon - at
  if (length !== 14 && length !== 17 && length !== 10 && length !== 16) return null
  let start = colon + 1
  let stop = lineEnd
  while (start < stop && isBlank(bytes[start])) start++
  while (stop > start && isBlank(bytes[stop - 1])) stop--

  if (spells(bytes, at, colon, 'content-length')) {
    if (notes.bodyBytes >= 0) return 'has more than one Content-Length'
    notes.bodyBytes = decimal(bytes, start, stop)
    if (notes.bodyBytes < 0) return 'has a malformed Content-Length'
  } else if (spells(bytes, at, colon, 'transfer-encoding')) {
    if (notes.isChunked || !spells(bytes, start, stop, 'chunked')) {
      return 'has a Transfer-Encoding other than chunked'
    }
    notes.isChunked = true
  } else if (spells(bytes, at, colon, 'connection')) {
    if (spells(bytes, start, stop, 'keep-alive')) return null
    if (/(?:^|[, \t])close(?:$|[, \t])/i.test(bytes.toString('latin1', start, stop))) notes.closes = true
  } else if (spells(bytes, at, colon, 'keep-alive')) {
    const value = bytes.toString('latin1', start, stop)
    const seconds = /(?:^|[, \t])timeout=(\d{1,6})(?:$|[, \t])/i.exec(value)?.[1]
    if (seconds !== undefined) notes.keepAliveMs = Number(seconds) * 1000
  } else if (spells(bytes, at, colon, 'content-encoding')) {
    const value = bytes.toString('latin1', start, stop).toLowerCase()
    if (value === '' || value === 'identity') return null
    notes.contentEncoding = notes.contentEncoding === null ? value : `${notes.contentEncoding}, ${value}`
  }
  return null
}

function conclude(status: number, isHttp11: boolean, lines: string, notes: Notes): ResponseHead | Garbage {
  if (notes.isChunked && notes.bodyBytes >= 0)
    return { garbage: 'has both Content-Length and Transfer-Encoding' }
  if (notes.isChunked && !isHttp11) return { garbage: 'is HTTP/1.0 and has a Transfer-Encoding' }
  const framing = framingOf(status, notes)
  return {
    status,
    headers: responseHeaders(lines),
    framing,
    bodyBytes: framing === 'length' ? notes.bodyBytes : 0,
    contentEncoding: notes.contentEncoding,
    keepsAlive: isHttp11 && !notes.closes && framing !== 'close',
    keepAliveMs: notes.keepAliveMs,
  }
}

function framingOf(status: number, notes: Notes): Framing {
  if (status < 200 || status === 204 || status === 304) return 'none'
  if (notes.isChunked) return 'chunked'
  if (notes.bodyBytes < 0) return 'close'
  return notes.bodyBytes === 0 ? 'none' : 'length'
}

/** Whether these first bytes may become an HTTP/1 status line; told before the head is complete. */
export function mayBeginResponse(bytes: Buffer, length: number): boolean {
  for (let i = 0; i < length && i < 7; i++) if (bytes[i] !== PREFIX.charCodeAt(i)) return false
  return true
}

const PREFIX = 'HTTP/1.'

/** The three digits of `HTTP/1.1 200 OK`, 0 if the line begins otherwise. */
function statusOf(bytes: Buffer): number {
  const minor = bytes[7]
  if (!mayBeginResponse(bytes, 7) || (minor !== 48 && minor !== 49) || bytes[8] !== 32) return 0
  const [a, b, c] = [digit(bytes[9]), digit(bytes[10]), digit(bytes[11])]
  if (a < 1 || b < 0 || c < 0 || (bytes[12] !== 32 && bytes[12] !== CR)) return 0
  return a * 100 + b * 10 + c
}

function digit(byte: number | undefined): number {
  return byte !== undefined && byte >= 48 && byte <= 57 ? byte - 48 : -1
}

/** Where the colon stands, -1 if no name comes before it. */
function endOfName(bytes: Buffer, start: number, end: number): number {
  let i = start
  while (i < end && ((classes[bytes[i] ?? 0] ?? 0) & TOKEN) !== 0) i++
  return i > start && bytes[i] === COLON ? i : -1
}

/** Where the line's CRLF stands, -1 if something else ends the value. */
function endOfValue(bytes: Buffer, start: number, end: number): number {
  let i = start
  while (i < end && ((classes[bytes[i] ?? 0] ?? 0) & VALUE) !== 0) i++
  return i + 1 < end && bytes[i] === CR && bytes[i + 1] === LF ? i : -1
}

function byteClasses(): Uint8Array {
  const table = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) {
    const isToken = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte))
    const isValue = byte === 9 || (byte >= 32 && byte !== 127)
    table[byte] = (isToken && byte < 128 ? TOKEN : 0) | (isValue ? VALUE : 0)
  }
  return table
}
