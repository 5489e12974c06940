import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request } from '../edges/wire.ts'
import { chatBody, chatPath, expectHealthy, openWorld, slug, type World } from '../edges/world.ts'
import type { Script } from '../fake-upstream.ts'
import { isLong } from '../setup/form.ts'
import { workspaceKey } from '../setup/frontier.ts'
import { startGatewayProcess } from '../setup/gateway.ts'
import { type Inspector, inspected, openInspector } from './inspector.ts'
import { type Dice, mutated, openDice } from './mutations.ts'

const requests = isLong ? 100_000 : 2000
const atOnce = 24
const mostGrowthBytes = 10 * 2 ** 20
const testLimitMs = 600_000
/** Most callers wait for an answer so long, and some until it comes, however busy the machine is. */
const hasteMs = 120
const patienceMs = 3000
const expectedStatuses = [
  ...['200', '400', '401', '404', '405', '413', '415'],
  ...(isLong ? ['422', '429', '431', '502', '503'] : []),
]
/** Repeats what each connection sends; what meets what in time is never the same twice. */
const seed = Number(process.env.TOLLGATE_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32))

let world: World
let inspector: Inspector

beforeAll(async () => {
  world = await openWorld({
    server: { max_request_body_mb: 0.25, body_idle_seconds: 1 },
    begin: startGatewayProcess,
    environment: inspected,
    upstream: { remembered: 0 },
  })
  inspector = await openInspector(world.gateway)
})
afterAll(async () => {
  inspector.close()
  await world.close()
})

/** Requests as callers may send them, right and wrong. None of them changes what the gateway keeps. */
async function makeCorpus(): Promise<Buffer[]> {
  const { frontier, post } = world
  const keyUnder = async (limit: string) =>
    frontier.mintKey(await frontier.createGroup({ models: { [slug]: [limit] } }))
  const strict = `Authorization: Api-Key ${await keyUnder('TOKEN/DAY 1000000000 strict')}`
  const limited = `Authorization: Bearer ${await keyUnder('REQUEST/DAY 20')}`
  const chunks = (...parts: string[]) =>
    [...parts, ''].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
  const managed = (method: string, path: string, body = '') =>
    request(
      `${method} ${path} HTTP/1.1`,
      [
        'Host: localhost',
        `Authorization: Api-Key ${workspaceKey}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ],
      body,
    )
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
  return [
    post(chatBody()),
    post(chatBody({ stream: true })),
    post(chatBody({ stream: true, stream_options: { include_usage: true }, metadata: { a: 'b' } })),
    post(chatBody({ tools, n: 2, max_tokens: 10, fallbacks: ['x'], temperature: 0.5 }), ['Accept: */*']),
    post(chatBody({ max_tokens: 16 }), [strict]),
    post(chatBody({ stream: true }), [strict]),
    post(chatBody(), [limited]),
    post(chunks(chatBody().slice(0, 20), chatBody().slice(20)), ['Transfer-Encoding: chunked']),
    post(chatBody(), ['Expect: 100-continue']),
    post(chatBody(), ['Connection: close', 'X-Request-Id: fuzz']),
    Buffer.from(post(chatBody()).toString().replace('HTTP/1.1', 'HTTP/1.0')),
    post(chatBody({ messages: 'x'.repeat(5000) })),
    post('x'.repeat(300_000)),
    post('{"model":"aurora/nowhere","messages":[]}'),
    post('{"model":1}'),
    post(chatBody(), ['Authorization: Bearer sky_unknown.key']),
    post(chatBody(), ['Content-Type: text/plain']),
    request(`GET ${chatPath} HTTP/1.1`, ['Host: localhost']),
    request('GET /v1/nowhere?x=y HTTP/1.1', ['Host: localhost']),
    request('GET /healthz HTTP/1.1', ['Host: localhost']),
    request('GET /openapi.json HTTP/1.1', ['Host: localhost']),
    request('GET /metrics HTTP/1.1', ['Host: localhost', `Authorization: Bearer ${world.gateway.adminKey}`]),
    managed('GET', '/v1/gateway/groups?limit=2'),
    managed('GET', '/v1/gateway/groups/none/api_keys'),
    managed('POST', '/v1/gateway/groups', '{"metadata":{"external_entity_id":7},"models":[]}'),
    managed('PATCH', '/v1/gateway/endpoints/none', '{"targets":[]}'),
    managed('DELETE', '/v1/gateway/groups/none'),
  ]
}

const whole = `{"id":"x","model":"y","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`
const event = 'data: {"model":"y","choices":[{"index":0,"delta":{"content":"z"}}]}\n\n'
const eventStream = { contentType: 'text/event-stream' }

const good: readonly Script[] = [
  { body: whole },
  { body: whole, pieceBytes: 9 },
  { ...eventStream, body: `${event}${event}data: ${whole}\n\ndata: [DONE]\n\n` },
  { ...eventStream, body: `${event}${event}data: ${whole}\n\ndata: [DONE]\n\n`, pieceBytes: 30 },
]
/** Never 500, which would be the gateway's own. */
const bad: readonly Script[] = [
  { ...eventStream, body: event, cutBefore: 'end' },
  { body: whole, cutAfterBytes: 10 },
  { body: whole, cutBefore: 'head', cutBy: 'rst' },
  { body: whole, headDelayMs: 5 },
  { body: whole, stallBefore: 'head' },
  { ...eventStream, body: event, stallBefore: 'end' },
  { status: 422, body: '{"error":{"message":"no"}}' },
  { status: 503, body: 'unavailable' },
  { raw: 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n' },
]

/** How often each status was heard. */
type Heard = Map<string, number>

/** Sends a few requests over one connection, in pieces, and leaves it in one way or another. */
async function visit(bytes: readonly Buffer[], dice: Dice, heard: Heard): Promise<void> {
  const { hostname, port } = new URL(world.gateway.url)
  const socket = connect({ host: hostname, port: Number(port), localAddress: `127.0.0.${2 + dice.roll(20)}` })
  let received = ''
  let isOver = false
  socket.on('data', (piece) => {
    received += piece.toString('latin1')
  })
  await once(socket, 'connect')
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', resolve)).then(() => {
    isOver = true
  })

  const text = Buffer.concat(bytes)
  for (let at = 0; at < text.length && !isOver; ) {
    const size = 1 + dice.roll(dice.pick([20, 2000, text.length + 1]))
    socket.write(text.subarray(at, at + size))
    at += size
    if (dice.onceIn(3)) await nextTurn()
  }
  const leave = dice.roll(6)
  if (leave === 0) socket.resetAndDestroy()
  else if (leave === 1) socket.end()
  else await Promise.race([closed, untilQuiet(() => received.length, leave === 2 ? patienceMs : hasteMs)])
  await Promise.race([closed, sleep(leave === 1 ? 200 : 0)])
  socket.destroy()
  await closed
  for (const [, status = ''] of received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
    heard.set(status, (heard.get(status) ?? 0) + 1)
  }
}

/** Until something has come and nothing more comes, or nothing has come for so long. */
async function untilQuiet(received: () => number, limitMs: number): Promise<void> {
  let before = -1
  const endsAt = performance.now() + limitMs
  while (performance.now() < endsAt) {
    await sleep(12)
    if (received() > 0 && received() === before) return
    before = received()
  }
}

/** Sends so many requests, over connections of which a number are open at once. */
async function fuzz(
  count: number,
  firstConnection: number,
  corpus: readonly Buffer[],
  heard: Heard,
): Promise<number> {
  let connection = firstConnection
  let sent = 0
  const run = async () => {
    while (sent < count) {
      const dice = openDice(seed + connection)
      connection += 1
      const bytes = Array.from({ length: 1 + dice.roll(4) }, () => mutated(corpus, dice))
      sent += bytes.length
      await visit(bytes, dice, heard)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, run))
  return connection
}

test(
  'mutated requests leave a gateway that serves, holds nothing and has not grown',
  async ({ onTestFailed }) => {
    onTestFailed(() => console.error(`TOLLGATE_FUZZ_SEED=${seed} sends the same again`))
    const corpus = await makeCorpus()
    const scripts = openDice(seed)
    const answered = () => scripts.pick(scripts.onceIn(4) ? bad : good)
    world.upstream.program(answered)
    const heard: Heard = new Map()
    const heap: number[] = []
    let connections = 0
    for (let tenth = 1; tenth <= 10; tenth++) {
      connections = await fuzz(requests / 10, connections, corpus, heard)
      if (tenth !== 2 && tenth !== 10) continue
      world.upstream.program(() => undefined)
      // An answer that is complete for the gateway may still be stalled for the upstream, and with it its connection.
      world.upstream.resume()
      await expectHealthy(world)
      world.upstream.program(answered)
      heap.push(await inspector.heapBytes())
    }

    expect([...heard.keys()]).toEqual(expect.arrayContaining(expectedStatuses))
    expect([...heard.keys()]).not.toContain('500')
    const [early = 0, late = 0] = heap
    expect(late - early).toBeLessThan(mostGrowthBytes)
    if (isLong) console.info({ connections, statuses: Object.fromEntries(heard), heap })
  },
  testLimitMs,
)
