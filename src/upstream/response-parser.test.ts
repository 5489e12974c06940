import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { openResponseParser, type ReadResult } from './response-parser.ts'

const numRuns = isLong ? 20_000 : 500

interface Reading {
  status: number | null
  contentType: string | null
  body: string
  result: ReadResult
  afterClose: 'end' | 'cut' | null
}

/**
 * Feeds the pieces until the response is over; all events of one reading, in a form that does not show the
 * pieces.
 */
function read(pieces: readonly Buffer[], parser = makeParser()): Reading {
  const { reading, begin, take, close } = parser
  begin()
  for (const piece of pieces) {
    if (reading.result !== 'more') break
    reading.result = take(Buffer.from(piece))
  }
  if (reading.result === 'more') reading.afterClose = close()
  return reading
}

function makeParser() {
  const reading: Reading = { status: null, contentType: null, body: '', result: 'more', afterClose: null }
  const parser = openResponseParser({
    onHead(head) {
      expect(reading.status).toBeNull()
      reading.status = head.status
      reading.contentType = head.headers.get('content-type')
    },
    onData(part) {
      expect(reading.status).not.toBeNull()
      expect(part.length).toBeGreaterThan(0)
      reading.body += part.toString('latin1')
    },
  })
  return {
    reading,
    begin() {
      Object.assign(reading, { status: null, contentType: null, body: '', result: 'more', afterClose: null })
      parser.begin()
    },
    take: parser.read,
    close: parser.close,
  }
}

function readText(text: string): Reading {
  return read([Buffer.from(text, 'latin1')])
}

function splitAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const positions = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return positions
    .slice(1)
    .map((end, i) => bytes.subarray(positions[i], end))
    .filter((piece) => piece.length > 0)
}

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'
const good = {
  length: `${head}Content-Length: 5\r\n\r\nhello`,
  empty: `${head}Content-Length: 0\r\n\r\n`,
  noContent: 'HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n',
  notModified: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
  noReason: 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi',
  chunked: `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n,\r\nA\r\n1234567890\r\n0\r\n\r\n`,
  extensions: `${head}Transfer-Encoding: Chunked \r\n\r\n05;a=b;c="d e"\r\nhello\r\n000;last\r\n\r\n`,
  trailers: `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n`,
  interim: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n${head}Content-Length: 5\r\n\r\nhello`,
  obsText: 'HTTP/1.1 200 \xe9\r\nX-A: \xff\t\r\ncontent-length: 0\r\n\r\n',
}

describe('a response', () => {
  it.each(Object.entries(good))('is read the same however it is split: %s', (_, text) => {
    const bytes = Buffer.from(text, 'latin1')
    const whole = read([bytes])
    expect(whole.result).toBe('end')
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(read(splitAt(bytes, [cut]))).toEqual(whole)
    }
    expect(read([...bytes].map((byte) => Buffer.of(byte)))).toEqual(whole)
  })

  it('gives up its head and its body without framing', () => {
    expect(readText(good.chunked)).toMatchObject({
      status: 200,
      contentType: 'text/plain',
      body: 'hello,1234567890',
    })
    expect(readText(good.extensions).body).toBe('hello')
    expect(readText(good.trailers).body).toBe('hello')
    expect(readText(good.interim)).toMatchObject({ status: 200, body: 'hello' })
    expect(readText(good.noContent)).toMatchObject({ status: 204, body: '' })
  })

  it('without a length ends with the connection', () => {
    expect(readText(`${head}\r\nhello`)).toMatchObject({ body: 'hello', result: 'more', afterClose: 'end' })
    expect(readText('HTTP/1.0 200 OK\r\n\r\n')).toMatchObject({ status: 200, afterClose: 'end' })
  })

  it('is cut when the connection ends at any byte before its last', () => {
    for (const text of [good.length, good.chunked, good.trailers, good.interim]) {
      for (let end = 0; end < text.length; end++) {
        expect(readText(text.slice(0, end))).toMatchObject({ result: 'more', afterClose: 'cut' })
      }
    }
  })

  it('followed by more bytes is complete, and the connection known to be off its track', () => {
    for (const text of [good.length, good.empty, good.noContent, good.chunked]) {
      const expected = readText(text)
      expect(readText(`${text}HTTP/1.1 200 OK\r\n`)).toEqual({ ...expected, result: 'overrun' })
    }
  })

  it('follows another on the same parser', () => {
    const parser = makeParser()
    for (const text of [...Object.values(good), ...Object.values(good).reverse()]) {
      expect(read([Buffer.from(text, 'latin1')], parser)).toEqual(readText(text))
    }
  })
})

describe('a response is garbage', () => {
  it.each([
    ['that is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['that is no HTTP/1', 'HTTP/2 200 OK\r\n\r\n'],
    ['of HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['with a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['with a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['with a status below 100', 'HTTP/1.1 020 OK\r\n\r\n'],
    ['that switches protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['with a name that has a blank', `${head}Content Length: 5\r\n\r\nhello`],
    ['with a blank before the colon', `${head}Content-Length : 5\r\n\r\nhello`],
    ['with an empty name', `${head}: 5\r\n\r\n`],
    ['with a line without colon', `${head}Content-Length\r\n\r\n`],
    ['with a folded line', `${head}X-A: 1\r\n 2\r\n\r\n`],
    ['with a NUL in a value', `${head}X-A: a\0b\r\n\r\n`],
    ['with a NUL in a name', `${head}X\0A: b\r\n\r\n`],
    ['with a bare CR in a value', `${head}X-A: a\rb\r\n\r\n`],
    ['with a bare LF in a value', `${head}X-A: a\nb: c\r\n\r\n`],
    ['with a NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
    ['with two lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    ['with the same length twice', `${head}Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello`],
    ['with a list of lengths', `${head}Content-Length: 5, 5\r\n\r\nhello`],
    ['with a signed length', `${head}Content-Length: +5\r\n\r\nhello`],
    ['with a hexadecimal length', `${head}Content-Length: 0x5\r\n\r\nhello`],
    ['with an empty length', `${head}Content-Length:\r\n\r\nhello`],
    ['with a length above 2^53', `${head}Content-Length: 9007199254740993\r\n\r\nhello`],
    ['with length and coding', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['with two codings', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    [
      'with a coding twice',
      `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['with an unknown coding', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['with a coding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['with a head above 64 KiB', `${head}X-A: ${'a'.repeat(65_536)}\r\n\r\n`],
    ['with interim heads above 64 KiB', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_622)],
  ])('%s', (_, text) => {
    const bytes = Buffer.from(text, 'latin1')
    expect(read([bytes]).result).toHaveProperty('garbage')
    expect(read(splitAt(bytes, [7, 30, bytes.length - 2])).result).toHaveProperty('garbage')
  })

  it.each([
    ['empty size', '\r\nhello'],
    ['size that is no number', 'g\r\nhello'],
    ['negative size', '-5\r\nhello'],
    ['prefixed size', '0x5\r\nhello'],
    ['blank before the size', ' 5\r\nhello'],
    ['blank after the size', '5 \r\nhello'],
    ['size of too many digits', '0000000000005\r\nhello'],
    ['bare LF after the size', '5\nhello'],
    ['bare CR after the size', '5\rhello'],
    ['bare LF in an extension', '5;a\nhello'],
    ['NUL in an extension', '5;\0\r\nhello'],
    ['extension above 4 KiB', `5;${'a'.repeat(4_096)}\r\nhello`],
    ['content longer than its size', '5\r\nhello!\r\n0\r\n\r\n'],
    ['content shorter than its size', '5\r\nhell\r\n0\r\n\r\n'],
    ['content ended by a bare LF', '5\r\nhello\n0\r\n\r\n'],
    ['content ended by a bare CR', '5\r\nhello\r0\r\n\r\n'],
    ['folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
    ['NUL in a trailer', '0\r\nA: \0\r\n\r\n'],
    ['bare LF in a trailer', '0\r\nA: b\nC: d\r\n\r\n'],
    ['bare CR in a trailer', '0\r\nA: b\rC: d\r\n\r\n'],
    ['bare CR at the end', '0\r\n\rX'],
    ['trailers above 64 KiB', `0\r\n${'A: b\r\n'.repeat(10_923)}\r\n`],
  ])('with a chunk: %s', (_, body) => {
    const bytes = Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${body}`, 'latin1')
    expect(read([bytes]).result).toHaveProperty('garbage')
    expect(
      read(bytes.length > 9_000 ? splitAt(bytes, [999]) : [...bytes].map((byte) => Buffer.of(byte))).result,
    ).toHaveProperty('garbage')
  })
})

describe('any response', () => {
  const chunkOf = fc.tuple(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc.constantFrom('', ';x', ';a="b"'),
  )
  const cuts = fc.array(fc.nat(), { maxLength: 12 })

  it('of chunks gives the bytes of its chunks, however it is split', () => {
    fc.assert(
      fc.property(fc.array(chunkOf, { maxLength: 12 }), cuts, (chunks, where) => {
        const framed = chunks.map(([data, extension]) =>
          Buffer.concat([
            Buffer.from(`${data.length.toString(16)}${extension}\r\n`),
            data,
            Buffer.from('\r\n'),
          ]),
        )
        const start = Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`)
        const bytes = Buffer.concat([start, ...framed, Buffer.from('0\r\n\r\n')])
        const body = Buffer.concat(chunks.map(([data]) => data)).toString('latin1')
        expect(read(splitAt(bytes, where))).toMatchObject({ body, result: 'end' })
      }),
      { numRuns },
    )
  })

  it('with a few bytes changed ends the same however it is split', () => {
    const edit = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 9, 10, 13, 32, 58, 59)))
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(good), `${head}\r\nuntil the close`),
        fc.array(edit, { maxLength: 4 }),
        cuts,
        (text, edits, where) => {
          const bytes = Buffer.from(text, 'latin1')
          for (const [at, byte] of edits) bytes[at % bytes.length] = byte
          const whole = read([bytes])
          const split = read(splitAt(bytes, where))
          // Bytes before garbage may have been given out already, and what follows the end may not have come yet.
          if (typeof whole.result === 'object') expect(split.result).toEqual(whole.result)
          else if (whole.result === 'overrun') expect({ ...split, result: 'overrun' }).toEqual(whole)
          else expect(split).toEqual(whole)
        },
      ),
      { numRuns },
    )
  })

  it('of random bytes neither throws nor is taken for one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (random, where) => {
        const { status, result } = read(splitAt(Buffer.from(random), where))
        expect(status).toBeNull()
        expect(result === 'more' || typeof result === 'object').toBe(true)
      }),
      { numRuns },
    )
  })
})
