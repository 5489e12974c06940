import {
  type Garbage,
  isValueByte,
  mayBeginResponse,
  parseResponseHead,
  type ResponseHead,
} from './response-head.ts'

/** Takes what is read of a response, in order. */
export interface ResponseSink {
  onHead(head: ResponseHead): void
  /**
   * A part of the body without its framing, at most one call per read. A view: valid only during the call.
   */
  onData(part: Buffer): void
}

/**
 * `end`: the response is complete. `overrun`: complete too, but the upstream sent more than was asked for.
 */
export type ReadResult = 'more' | 'end' | 'overrun' | Garbage

/** Reads one response after the other from the bytes of a connection. */
export interface ResponseParser {
  /** Makes ready for the next response. */
  begin(): void
  /**
   * Takes the next bytes. The parser may move bytes within `chunk`, so the caller must not use it afterwards.
   * After anything but `more` it must not be called before the next `begin`.
   */
  read(chunk: Buffer): ReadResult
  /** What the end of the connection means: `end` for a body that ends so, else the response is cut. */
  close(): 'end' | 'cut'
  /** Whether any byte has come since `begin`. */
  hasBegun(): boolean
}

/** Of all heads of one response, interim ones included; also of its trailers. */
const maxHeadBytes = 65_536
/** Of one chunk's size line. */
const maxSizeLineBytes = 4_096
/** At most 2^48 - 1 bytes in one chunk. */
const maxSizeDigits = 12

const CR = 13
const LF = 10
const SEMICOLON = 59

const HEAD = 0
const LENGTH = 1
const UNTIL_CLOSE = 2
const SIZE = 3
const EXTENSION = 4
const SIZE_LF = 5
const DATA = 6
const DATA_CR = 7
const DATA_LF = 8
const TRAILER_START = 9
const TRAILER = 10
const TRAILER_LF = 11
const LAST_LF = 12

const nothing = Buffer.alloc(0)

/** Opens the parser of one connection. It refuses what two readers might understand differently. */
export function openResponseParser(sink: ResponseSink): ResponseParser {
  let state = HEAD
  let hasBegun = false
  let held = nothing
  let heldBytes = 0
  let headBytes = 0
  /** Of the body, or of the chunk. */
  let leftBytes = 0
  let sizeDigits = 0
  /** Of the size line, or of the trailers. */
  let lineBytes = 0

  /**
   * Keeps a part of a head until the rest comes. By doubling, so that a head that drips costs no more than
   * one that pours.
   */
  function hold(chunk: Buffer): Buffer {
    if (heldBytes + chunk.length > held.length) {
      const larger = Buffer.allocUnsafe(Math.max(1024, heldBytes + chunk.length, held.length * 2))
      held.copy(larger, 0, 0, heldBytes)
      held = larger
    }
    chunk.copy(held, heldBytes)
    heldBytes += chunk.length
    return held.subarray(0, heldBytes)
  }

  function readHeads(chunk: Buffer): ReadResult {
    let rest = chunk
    do {
      const searchFrom = Math.max(0, heldBytes - 3)
      const bytes = heldBytes === 0 ? rest : hold(rest)
      const end = bytes.indexOf('\r\n\r\n', searchFrom, 'latin1')
      if (end < 0) {
        if (heldBytes === 0) hold(rest)
        if (headBytes + heldBytes > maxHeadBytes) return { garbage: 'has a head above 64 KiB' }
        return mayBeginResponse(held, heldBytes)
          ? 'more'
          : { garbage: 'does not begin with an HTTP/1 status line' }
      }
      held = nothing
      heldBytes = 0
      headBytes += end + 4
      if (headBytes > maxHeadBytes) return { garbage: 'has a head above 64 KiB' }
      const head = parseResponseHead(bytes, end + 2)
      if ('garbage' in head) return head
      rest = bytes.subarray(end + 4)
      if (head.status >= 200) return readFirst(head, rest)
      if (head.status === 101) return { garbage: 'switches protocols unasked' }
    } while (rest.length > 0)
    return 'more'
  }

  function readFirst(head: ResponseHead, rest: Buffer): ReadResult {
    leftBytes = head.bodyBytes
    state = head.framing === 'chunked' ? SIZE : head.framing === 'length' ? LENGTH : UNTIL_CLOSE
    beginLine()
    sink.onHead(head)
    if (head.framing === 'none') return rest.length === 0 ? 'end' : 'overrun'
    return rest.length === 0 ? 'more' : readBody(rest)
  }

  function readBody(chunk: Buffer): ReadResult {
    if (state === LENGTH) return readLength(chunk)
    if (state !== UNTIL_CLOSE) return readChunked(chunk)
    sink.onData(chunk)
    return 'more'
  }

  function readLength(chunk: Buffer): ReadResult {
    const isWhole = chunk.length <= leftBytes
    const part = isWhole ? chunk : chunk.subarray(0, leftBytes)
    leftBytes -= part.length
    sink.onData(part)
    if (leftBytes > 0) return 'more'
    return isWhole ? 'end' : 'overrun'
  }

  function beginLine(): void {
    sizeDigits = 0
    lineBytes = 0
  }

  /**
   * Takes chunks apart and moves their contents together within the read, so that a burst of small chunks
   * reaches the sink, and from there the caller's socket, as one.
   */
  function readChunked(chunk: Buffer): ReadResult {
    let dataStart = 0
    let dataEnd = 0
    let result: ReadResult = 'more'
    let i = 0
    while (i < chunk.length && result === 'more') {
      if (state === DATA) {
        const partEnd = Math.min(chunk.length, i + leftBytes)
        leftBytes -= partEnd - i
        if (dataStart === dataEnd) {
          dataStart = i
          dataEnd = partEnd
        } else {
          chunk.copyWithin(dataEnd, i, partEnd)
          dataEnd += partEnd - i
        }
        i = partEnd
        if (leftBytes === 0) state = DATA_CR
      } else {
        result = readFraming(chunk[i] ?? 0)
        i++
      }
    }
    if (dataEnd > dataStart && typeof result === 'string') sink.onData(chunk.subarray(dataStart, dataEnd))
    return result === 'end' && i < chunk.length ? 'overrun' : result
  }

  /** Takes one byte between the contents of two chunks. */
  function readFraming(byte: number): ReadResult {
    switch (state) {
      case SIZE:
        return readSize(byte)
      case EXTENSION:
        if (++lineBytes > maxSizeLineBytes) return { garbage: 'has a chunk size line above 4 KiB' }
        if (byte === CR) state = SIZE_LF
        else if (!isValueByte(byte)) return { garbage: 'has a malformed chunk extension' }
        return 'more'
      case SIZE_LF:
        if (byte !== LF) return { garbage: 'has a malformed chunk size' }
        state = leftBytes === 0 ? TRAILER_START : DATA
        beginLine()
        return 'more'
      case DATA_CR:
        if (byte !== CR) return { garbage: 'has a chunk longer than its size' }
        state = DATA_LF
        return 'more'
      case DATA_LF:
        if (byte !== LF) return { garbage: 'has a chunk longer than its size' }
        state = SIZE
        return 'more'
      default:
        return readTrailer(byte)
    }
  }

  function readSize(byte: number): ReadResult {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      if (++sizeDigits > maxSizeDigits) return { garbage: 'has a chunk size of too many digits' }
      leftBytes = leftBytes * 16 + digit
      return 'more'
    }
    if (sizeDigits === 0) return { garbage: 'has a malformed chunk size' }
    if (byte === CR) state = SIZE_LF
    else if (byte === SEMICOLON) state = EXTENSION
    else return { garbage: 'has a malformed chunk size' }
    return 'more'
  }

  /** Trailers are checked and dropped: nobody asked for them. */
  function readTrailer(byte: number): ReadResult {
    if (++lineBytes > maxHeadBytes) return { garbage: 'has trailers above 64 KiB' }
    if (state === LAST_LF) return byte === LF ? 'end' : { garbage: 'has a malformed end' }
    if (state === TRAILER_LF) {
      if (byte !== LF) return { garbage: 'has a malformed trailer' }
      state = TRAILER_START
      return 'more'
    }
    if (byte === CR) {
      state = state === TRAILER_START ? LAST_LF : TRAILER_LF
      return 'more'
    }
    const isFolded = state === TRAILER_START && (byte === 32 || byte === 9)
    if (isFolded || !isValueByte(byte)) return { garbage: 'has a malformed trailer' }
    state = TRAILER
    return 'more'
  }

  return {
    begin() {
      state = HEAD
      hasBegun = false
      held = nothing
      heldBytes = 0
      headBytes = 0
      beginLine()
    },
    read(chunk) {
      hasBegun = true
      return state === HEAD ? readHeads(chunk) : readBody(chunk)
    },
    close: () => (state === UNTIL_CLOSE ? 'end' : 'cut'),
    hasBegun: () => hasBegun,
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  if (byte >= 97 && byte <= 102) return byte - 87
  return byte >= 65 && byte <= 70 ? byte - 55 : -1
}
