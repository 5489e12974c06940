import type { IncomingMessage, ServerResponse } from 'node:http'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import type { Failure } from '../domain/failure.ts'
import type { Exchange } from '../gateway/exchange.ts'
import { dial, openTestServer, post, refuse } from './test-kit.ts'

// Node's server is the measure: whatever comes, in whatever pieces, the fast path must give the same answers and the
// same end of the connection.

const bodyLimitBytes = 40
const unauthenticated: Failure = { failure: 'unauthenticated', reason: 'missing' }

const management = (request: IncomingMessage, response: ServerResponse) => {
  setImmediate(() => response.end(`managed ${request.method} ${request.url}`))
}
const fast = await openTestServer(tell, {}, { management })
const slow = await openTestServer(tell, {}, { management, hasFastPath: false })
afterAll(async () => {
  for (const { server, bugs } of [fast, slow]) {
    expect(await server.close(1000)).toEqual({ cut: 0 })
    expect(server.stats()).toMatchObject({ connections: 0, serving: 0, bufferedBytes: 0 })
    expect(bugs).toEqual([])
  }
})

/**
 * Answers with everything it can see of the request, in the way that the path asks for. Not at once: so what is wrong
 * with the rest of the bytes that came together is found before the answer, whoever reads them.
 */
async function tell(exchange: Exchange): Promise<void> {
  await turn()
  if (exchange.header('x-refuse') !== null) return refuse(exchange, unauthenticated)
  const body = await exchange.readBody(bodyLimitBytes)
  if (!Buffer.isBuffer(body)) return refuse(exchange, body)
  const { method, path, host } = exchange
  const lines = exchange.headerLines({ names: ['accept', 'x-twice'], prefixes: ['openai-', 'x-st'] })
  const seen = Buffer.from(
    JSON.stringify([
      method,
      path,
      host,
      exchange.isForeign(),
      exchange.headerList(),
      lines,
      body.toString('latin1'),
    ]),
  )
  const headers = ['x-seen', 'yes']
  if (path === '/v1/empty') return exchange.respond(204, headers, Buffer.alloc(0))
  if (!/stream|cut|short/.test(path)) return exchange.respond(200, headers, seen)
  exchange.start(path === '/v1/short' ? 204 : 200, headers)
  for (let at = 0; at < seen.length; at += 30) exchange.write(seen.subarray(at, at + 30))
  if (path !== '/v1/cut') return exchange.end()
  // By now it is its turn: cut before, nothing of it would have been sent.
  await turn()
  exchange.cut()
}

const cutMark = ' (cut)'

interface SeenAnswer {
  readonly status: number
  /** It says that the connection closes, or lacks its end. */
  readonly closes: boolean
  readonly wasSeen: boolean
  readonly body: string
}

/** The answers in what a client has received; a body that is cut short is told as far as it came. */
function answersIn(text: string): SeenAnswer[] {
  const answers: SeenAnswer[] = []
  let rest = text
  while (rest !== '') {
    const match = /^HTTP\/1\.1 (\d+) [^\r]*\r\n(?:[^\r]+\r\n)*\r\n/.exec(rest)
    if (match === null) throw new Error(`no answer: ${rest}`)
    const [head, status] = match
    const behind = rest.slice(head.length)
    // Without a length the close ends it, but for the statuses that have no body.
    const length = status === '204' ? 0 : Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? behind.length)
    const isChunked = /^transfer-encoding: chunked/im.test(head)
    const { body, taken } = isChunked ? unchunk(behind) : { body: behind.slice(0, length), taken: length }
    const closes = /^connection: close/im.test(head) || body.endsWith(cutMark)
    answers.push({ status: Number(status), closes, wasSeen: /^x-seen: yes/im.test(head), body })
    rest = behind.slice(taken)
  }
  return answers
}

function unchunk(text: string): { body: string; taken: number } {
  let body = ''
  let taken = 0
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/.exec(text.slice(taken))
    if (size === null) return { body: body + cutMark, taken: text.length }
    const from = taken + size[0].length
    const bytes = Number.parseInt(size[1] ?? '', 16)
    body += text.slice(from, from + bytes)
    taken = from + bytes + 2
    if (bytes === 0) return { body, taken }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function turns(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await turn()
}

/** Sends the pieces, then a request that shows whether the connection was kept, and tells all that came back. */
async function converse(port: number, pieces: readonly string[]): Promise<SeenAnswer[]> {
  const client = dial(port)
  for (const piece of pieces) {
    client.send(Buffer.from(piece, 'latin1'))
    await turns(6)
  }
  client.send(post('/v1/probe', 'kept'))
  await turns(6)
  client.socket.end()
  return answersIn((await client.closed()).text)
}

async function expectSame(pieces: readonly string[]): Promise<SeenAnswer[]> {
  const [got, expected] = await Promise.all([converse(fast.port, pieces), converse(slow.port, pieces)])
  expect(got).toEqual(expected)
  return got
}

function cutAt(text: string, cuts: readonly number[]): string[] {
  const ends = [...new Set([...cuts.map((cut) => cut % (text.length + 1)), text.length])].toSorted(
    (a, b) => a - b,
  )
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end)).filter((piece) => piece !== '')
}

const chunked =
  'POST /v1/chunked HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
const managed = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n'

test('the fast path is taken, and left for good with the first request that is not plain', async () => {
  const client = dial(fast.port)
  // Node's server writes its names with capitals.
  client.send(post('/v1/a', 'one'))
  expect(await client.until(/one"\]$/)).toMatch(/connection: keep-alive/)
  client.send(managed)
  expect(await client.until(/managed GET \/api\/x$/)).toMatch(/Connection: keep-alive/)
  client.send(post('/v1/b', 'two'))
  expect((await client.until(/two"\]$/)).match(/connection: keep-alive/gi)).toEqual([
    'connection: keep-alive',
    'Connection: keep-alive',
    'Connection: keep-alive',
  ])
  client.socket.destroy()
})

test.each([
  ['plain requests', [post('/v1/a', 'one'), post('/v1/stream', 'two', 'X-A: \t b '), post('/v1/c', '')]],
  ['a request that is refused unread', [post('/v1/a', 'one', 'X-Refuse: yes'), post('/v1/b', 'two')]],
  ['a body over the limit', [post('/v1/a', 'x'.repeat(bodyLimitBytes + 1)), post('/v1/b', 'two')]],
  ['answers without a body', [post('/v1/empty', 'a'), post('/v1/short', 'b'), post('/v1/b', 'two')]],
  ['a stream that is cut', [post('/v1/a', 'one'), post('/v1/cut', 'two')]],
  ['a chunked request behind a plain one', [post('/v1/a', 'one'), chunked, post('/v1/b', 'two')]],
  ['management between plain ones', [post('/v1/a', 'one'), managed, post('/v1/b', 'two')]],
  ['a wish to close', [post('/v1/a', 'one'), post('/v1/b', 'two', 'Connection: close')]],
  ['rubbish at the end', [post('/v1/a', 'one'), 'rubbish\r\n\r\n']],
])('%s, split anywhere, are answered as by Node', async (_, requests) => {
  const whole = await expectSame(requests)
  expect(whole.length).toBeGreaterThan(0)
  await expectSame([requests.join('')])
  for (const [index, request] of requests.entries()) {
    const stride = isLong ? 1 : 7
    for (let at = 1 + (index % stride); at < request.length; at += stride) {
      const pieces = requests
        .with(index, '\0')
        .flatMap((other) => (other === '\0' ? [request.slice(0, at), request.slice(at)] : [other]))
      expect(await converse(fast.port, pieces)).toEqual(whole)
    }
  }
})

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
const oddLine = fc.constantFrom(
  'Connection: keep-alive',
  'Connection: close',
  'Connection: keep-alive, close',
  'Proxy-Connection: close',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip',
  'Expect: 100-continue',
  'Expect: else',
  'Upgrade: h2c',
  'Content-Length: 3',
  'Content-Length: 03',
  'Content-Length: 3, 3',
  'Content-Length: 0x3',
  'Content-Length: ',
  'Content-Length : 3',
  'Host: localhost',
  'Host: other.example',
  'Host: a b',
  'Host:',
  'Origin: http://elsewhere',
  'Sec-Fetch-Site: cross-site',
  'X-Forwarded-Host: other.example',
  'X-Refuse: yes',
  'X-Latin: \xe4\xff',
  'X-Nul: a\0b',
  'X-Return: a\rb',
  ' folded',
  '\tfolded',
  'X-Empty:',
  'nocolon',
  ': noname',
  '(: notoken',
)
const line = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(token, fc.stringMatching(/^[\t\x20-\x7e]{0,12}$/)).map(([n, v]) => `${n}:${v}`),
  },
  { weight: 1, arbitrary: oddLine },
)
const path = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom('/v1/a', '/v1/stream', '/v1/cut', '/v1/empty', '/v1/short', '/v1/a?b=c'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '/api/a',
      '*',
      '/v1/\xe4',
      '/v1/a#b',
      'http://localhost/v1/a',
      '//',
      '/v1/a b',
    ),
  },
)
const start = (target: string) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(`POST ${target} HTTP/1.1`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        `POST ${target} HTTP/1.0`,
        `POST ${target} HTTP/2.0`,
        `POST  ${target} HTTP/1.1`,
        `post ${target} HTTP/1.1`,
        `GET ${target} HTTP/1.1`,
        `PUT ${target} HTTP/1.1`,
        `\r\nPOST ${target} HTTP/1.1`,
        `POST ${target}`,
      ),
    },
  )
const request = fc
  .record({
    start: path.chain(start),
    lines: fc.array(line, { maxLength: 4 }),
    body: fc.oneof(
      { weight: 4, arbitrary: fc.stringMatching(/^[a-z{}:"]{0,12}$/) },
      { weight: 1, arbitrary: fc.constant('x'.repeat(bodyLimitBytes + 5)) },
    ),
    framing: fc.oneof(
      { weight: 5, arbitrary: fc.constant('length') },
      { weight: 1, arbitrary: fc.constant('chunks') },
    ),
    lacks: fc.oneof(
      { weight: 8, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constantFrom('host', 'length') },
    ),
  })
  .map(({ start, lines, body, framing, lacks }) => {
    const isChunked = framing === 'chunks' && body !== ''
    const framingLine = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`
    const head = [
      start,
      ...(lacks === 'host' ? [] : ['Host: localhost']),
      ...lines,
      ...(lacks === 'length' ? [] : [framingLine]),
    ]
    const content = isChunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
    return `${head.join('\r\n')}\r\n\r\n${content}`
  })
const mutation = fc.record({
  at: fc.nat(400),
  kind: fc.constantFrom('replace', 'insert', 'delete'),
  by: fc.constantFrom(
    '\r',
    '\n',
    '\0',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '0',
    'A',
    '\x7f',
    '\x80',
    '\r\n',
    '\r\n\r\n',
  ),
})

function mutate(text: string, changes: readonly { at: number; kind: string; by: string }[]): string {
  let changed = text
  for (const { at, kind, by } of changes) {
    const from = at % (changed.length + 1)
    const to = kind === 'insert' ? from : from + 1
    changed = changed.slice(0, from) + (kind === 'delete' ? '' : by) + changed.slice(to)
  }
  return changed
}

test('whatever comes, in whatever pieces, is answered as by Node', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 3 }),
      fc.oneof(
        { weight: 1, arbitrary: fc.constant([]) },
        { weight: 2, arbitrary: fc.array(mutation, { maxLength: 3 }) },
      ),
      fc.array(fc.nat(600), { maxLength: 4 }),
      async (requests, changes, cuts) => {
        await expectSame(cutAt(mutate(requests.join(''), changes), cuts))
      },
    ),
    { numRuns: isLong ? 5000 : 250 },
  )
})
