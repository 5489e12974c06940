import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listPlaced } from './header-places.ts'
import { maxHeadBytes, readPlainHead, rereadPlainHead } from './plain-head.ts'

const head = (...lines: string[]) => ['POST /v1/x HTTP/1.1', ...lines, '', ''].join('\r\n')
/** With the headers as a list of names and values. */
function read(text: string) {
  const plain = readPlainHead(Buffer.from(text, 'latin1'))
  if (typeof plain === 'string') return plain
  const { headers, ...others } = plain
  return { ...others, headers: listPlaced(headers) }
}
const sound = ['Host: localhost:8080', 'Content-Length: 12']

test('a plain head is read, whatever stands behind it', () => {
  const text = head('HOST:a.example', 'X-Blank: ', 'x-inner:\t a \t b\t ', 'cOntent-lengTh:  0012 ')
  const plain = {
    path: '/v1/x',
    query: '',
    host: 'a.example',
    declaredBytes: 12,
    lengthPlace: [text.indexOf('0012'), text.indexOf('0012') + 4],
    headBytes: text.length,
    headers: ['HOST', 'a.example', 'X-Blank', '', 'x-inner', 'a \t b', 'cOntent-lengTh', '0012'],
  }
  expect(read(text)).toEqual(plain)
  expect(read(`${text}{"any":"body"}\r\n\r\nGET`)).toEqual(plain)
})

test.each([
  ['/', '/'],
  ['/v1/x?y=/z?', '/v1/x'],
  ['/%00/~!$&\'()*+,;=:@"<>[]^`{|}\\', '/%00/~!$&\'()*+,;=:@"<>[]^`{|}\\'],
])('the path of %s is what stands before the query', (target, path) => {
  expect(read(head(...sound).replace('/v1/x', () => target))).toMatchObject({ path })
})

test.each([
  ['Connection: Keep-Alive'],
  ['Keep-Alive: timeout=5'],
  ['Accept: */*'],
  ['TE: trailers'],
  ['Expects: nothing'],
])('%s leaves it plain', (line) => {
  expect(read(head(...sound, line))).toMatchObject({ declaredBytes: 12 })
})

test.each([
  ['another method', head(...sound).replace('POST', 'PUT')],
  ['a method in small letters', head(...sound).replace('POST', 'post')],
  ['an absolute target', head(...sound).replace('/v1', 'http://localhost/v1')],
  ['the target *', head(...sound).replace('/v1/x', '*')],
  ['a fragment', head(...sound).replace('/v1/x', '/v1#x')],
  ['a tab in the target', head(...sound).replace('/v1/x', '/v1\tx')],
  ['a byte above ASCII in the target', head(...sound).replace('/v1/x', '/v1\xffx')],
  ['two spaces', head(...sound).replace(' HTTP', '  HTTP')],
  ['HTTP/1.0', head(...sound).replace('1.1', '1.0')],
  ['an empty line before it', `\r\n${head(...sound)}`],
  ['bare line feeds', head(...sound).replaceAll('\r\n', '\n')],
  ['a bare carriage return', head(...sound, 'X-A: b\rX-C: d')],
  ['a folded line', head(...sound, 'X-A: b', ' c')],
  ['a NUL in a value', head(...sound, 'X-A: a\0b')],
  ['a DEL in a value', head(...sound, 'X-A: a\x7fb')],
  ['a byte above ASCII in a value', head(...sound, 'X-A: \xe4')],
  ['a space before the colon', head(...sound, 'X-A : b')],
  ['a name that is no token', head(...sound, 'X(A): b')],
  ['no name', head(...sound, ': b')],
  ['no colon', head(...sound, 'X-A')],
  ['no Host', head('Content-Length: 12')],
  ['two Hosts', head(...sound, 'Host: localhost:8080')],
  ['an empty Host', head('Host: ', 'Content-Length: 12')],
  ['a Host that is none', head('Host: a/b', 'Content-Length: 12')],
  ['no length', head('Host: localhost')],
  ['two lengths', head(...sound, 'Content-Length: 12')],
  ['a list of lengths', head('Host: localhost', 'Content-Length: 12, 12')],
  ['a signed length', head('Host: localhost', 'Content-Length: +12')],
  ['a length of 16 digits', head('Host: localhost', `Content-Length: ${'9'.repeat(16)}`)],
  ['an empty length', head('Host: localhost', 'Content-Length:')],
  ['a transfer coding', head(...sound, 'transfer-ENCODING: chunked')],
  ['an expectation', head(...sound, 'Expect: 100-continue')],
  ['an upgrade', head(...sound, 'Upgrade: h2c')],
  ['Connection: close', head(...sound, 'Connection: close')],
  ['an empty Connection', head(...sound, 'Connection:')],
  ['a list in Connection', head(...sound, 'Connection: keep-alive, x-a')],
  ['a Proxy-Connection', head(...sound, 'Proxy-Connection: close')],
  ['a head that is too long', head(...sound, `X-A: ${'b'.repeat(maxHeadBytes)}`)],
])('%s is odd', (_, text) => {
  expect(read(text)).toBe('odd')
})

test('every beginning of a plain head is partial, until a byte comes that makes it odd', () => {
  const text = head(...sound, 'X-A: b')
  for (let bytes = 0; bytes < text.length; bytes++) {
    const beginning = text.slice(0, bytes)
    expect(read(beginning)).toBe('partial')
    expect(read(`${beginning}\0`)).toBe('odd')
    if (text[bytes] !== '\n') expect(read(`${beginning}\n`)).toBe('odd')
  }
})

test('a head without an end is partial up to the limit and beyond', () => {
  const long = head(...sound, `X-A: ${'b'.repeat(2 * maxHeadBytes)}`)
  expect(read(long.slice(0, maxHeadBytes))).toBe('partial')
  expect(read(long.slice(0, -4))).toBe('partial')
})

test('what was sent as names and values is what is read', () => {
  const name = fc
    .stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)
    .filter(
      (text) =>
        !/^(host|connection|proxy-connection|upgrade|expect|content-length|transfer-encoding)$/i.test(text),
    )
  const value = fc.stringMatching(/^(?:[\x21-\x7e](?:[\t\x20-\x7e]{0,30}[\x21-\x7e])?)?$/)
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 30 }), (headers) => {
      const lines = headers.map(([name, value]) => `${name}: ${value}`)
      expect(read(head(...sound, ...lines))).toMatchObject({
        headers: ['Host', 'localhost:8080', 'Content-Length', '12', ...headers.flat()],
      })
    }),
  )
})

/** What `reread` says of `again`, behind a request whose head was `first`. */
function reread(first: string, again: string) {
  const last = readPlainHead(Buffer.from(first, 'latin1'))
  if (typeof last === 'string') throw new Error(last)
  return { last, head: rereadPlainHead(Buffer.from(again, 'latin1'), last) }
}

test('the same head is not read again, whatever stands behind it', () => {
  const text = head(...sound, 'X-A: b')
  const { last, head: again } = reread(text, `${text}{}\r\n\r\n`)
  expect(again).toBe(last)
})

test('of a head with another length of as many digits, only the length is read', () => {
  const [first, second] = [12, 97].map((length) => head('Host: a', `Content-Length: ${length}`, 'X-A: b'))
  const { last, head: again } = reread(first ?? '', second ?? '')
  expect(again).toEqual(readPlainHead(Buffer.from(second ?? '')))
  expect(again?.headers.readings).toBe(last.headers.readings)
})

test.each([
  ['the path', (text: string) => text.replace('/v1/x', '/v1/y')],
  ['a value', (text: string) => text.replace('X-A: b', 'X-A: c')],
  ['a name', (text: string) => text.replace('X-A: b', 'X-B: b')],
  ['the digits of the length, which are none', (text: string) => text.replace(': 12', ': 1x')],
  ['the digits of the length, and how many they are', (text: string) => text.replace(': 12', ': 123')],
  ['one more header', (text: string) => `${text.slice(0, -2)}X-C: d\r\n\r\n`],
  ['an end that has not come', (text: string) => text.slice(0, -1)],
  ['an end that is none', (text: string) => `${text.slice(0, -2)}xx`],
])('a head that differs in %s is to be read', (_, change) => {
  const text = head(...sound, 'X-A: b')
  expect(reread(text, change(text)).head).toBeNull()
})

test('whatever byte differs, a head that is taken for the last one is the same as if it had been read', () => {
  const text = head('Host: a.example', 'Content-Length: 1207', 'Authorization: Bearer k', 'X-A: b')
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(255), fc.string({ maxLength: 3 }), (at, byte, behind) => {
      const bytes = Buffer.from(text + behind, 'latin1')
      bytes[at] = byte
      const { head: again } = reread(text, bytes.toString('latin1'))
      if (again !== null) expect(again).toEqual(readPlainHead(bytes))
    }),
    { numRuns: 3000 },
  )
})
