import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { complete, errorAnswer, type Piece, streamedAnswer, wholeAnswer } from './fake-upstream/completion.ts'
import { deliver, type End } from './fake-upstream/deliver.ts'
import { embeddingsAnswer } from './fake-upstream/embeddings.ts'
import { streamedResponse, wholeResponse } from './fake-upstream/responses.ts'
import { asObject, type JsonObject, type Script, scriptOf } from './fake-upstream/script.ts'

export type { Script } from './fake-upstream/script.ts'

/** A request as it arrived, and the truth of what it was served. */
interface ServedRequest {
  /** Stands as `id` in the answer, so that it can be found by what the caller received. */
  readonly id: string
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body as an object; null where it is none. */
  readonly json: JsonObject | null
  /** Which connection it came on: 1 for the first that was made. */
  readonly connection: number
  readonly script: Script
  readonly outcome: 'open' | End
  /** Settles when the request has ended, however that came about. */
  readonly ended: Promise<End>
  /** Content events that went out whole. */
  readonly chunks: number
  /** JSON text of the last usage that went out whole, `null`s not counted. Always null for a verbatim `body`. */
  readonly usage: string | null
  /** That usage as counts; null where there is none, or it is negative, fractional or above 2^40. */
  readonly tokens: TokenCounts | null
}

interface TokenCounts {
  readonly prompt: number
  readonly completion: number
}

/** What was served since the start. `tokens` are those of completed answers, `tokensOfCut` those of all others. */
interface Served {
  readonly requests: number
  readonly open: number
  readonly completed: number
  readonly cut: number
  readonly abandoned: number
  /** Completed answers that reported no usable usage. */
  readonly unreported: number
  readonly tokens: TokenCounts
  readonly tokensOfCut: TokenCounts
}

export interface FakeUpstreamOptions {
  /** 0, the default, picks one. */
  readonly port?: number
  /** Applies to all requests, under what they ask for themselves. */
  readonly script?: Script
  /** How many requests are remembered: the last 10,000 unless told. Totals count them all. */
  readonly remembered?: number
}

export interface FakeUpstream {
  /** Without a path: `http://127.0.0.1:PORT`. */
  readonly url: string
  readonly port: number
  /** Oldest first, those still open included. */
  readonly requests: readonly ServedRequest[]
  /** Connections made to it so far. */
  connections(): number
  /** The next requests to arrive are answered so, one each, in this order. */
  script(...scripts: Script[]): void
  /** Is asked for each request's script from now on, after those handed to `script`. `undefined` leaves the rest as it is. */
  program(scriptFor: (request: ServedRequest) => Script | undefined): void
  /** Settles when the next request has arrived whole. */
  nextRequest(): Promise<ServedRequest>
  /** Lets go on what is stalled now. */
  resume(): void
  /** The request whose answer carried this `id`. */
  find(id: string): ServedRequest | undefined
  served(): Served
  /** Cuts what is open, and stops listening. */
  close(): Promise<void>
}

type Draft = { -readonly [Member in keyof ServedRequest]: ServedRequest[Member] }

/**
 * An OpenAI-compatible upstream on loopback that tests can make slow, cut, or lie: chat completions, as JSON and as
 * SSE, at any path that ends in `/chat/completions`; likewise `/completions`, `/responses` and `/embeddings`.
 * Deterministic; tells the truth about what it served.
 *
 * What a request is answered comes in layers, the later over the earlier, member by member: the options' script, the
 * request's own (`scriptOf`), the scripts handed to `script`, what the program says. A request that is
 * neither gets an OpenAI-shaped 404 or 400, unless its script holds a status or a body. `GET /fake/served` tells
 * other processes what `served()` would, and counts nowhere.
 */
export async function startFakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const requests: Draft[] = []
  const byId = new Map<string, Draft>()
  const queue: Script[] = []
  const connections = new WeakMap<Socket, number>()
  let connectionCount = 0
  let scriptFor: (request: ServedRequest) => Script | undefined = () => undefined
  let arrival = signal<ServedRequest>()
  let resumption = signal<void>()
  const totals = openTotals()

  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (message, response) => {
    if (message.url === '/fake/served') return void answerJson(response, totals.read())
    void receive(message, response)
  })
  server.on('connection', (socket) => {
    connectionCount += 1
    connections.set(socket, connectionCount)
    socket.setNoDelay(true)
  })

  async function receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = signal<End>()
    const body = await bodyOf(message).catch(() => null)
    if (body === null) return
    const request: Draft = {
      id: `chatcmpl-fake-${totals.read().requests + 1}`,
      method: message.method ?? '',
      path: message.url ?? '',
      headers: message.headers,
      body,
      json: parseObject(body),
      connection: connections.get(message.socket) ?? 0,
      script: {},
      outcome: 'open',
      ended: left.promise,
      chunks: 0,
      usage: null,
      tokens: null,
    }
    totals.arrived()
    remember(request)
    const end = (how: End) => {
      if (request.outcome !== 'open') return
      request.outcome = how
      totals.ended(request)
      left.settle(how)
    }
    response.on('finish', () => end('completed'))
    response.on('close', () => end('abandoned'))
    // A write may meet a connection that broke a moment ago; 'close' is about to tell.
    response.on('error', () => end('abandoned'))
    if (message.socket.destroyed) end('abandoned')
    request.script = chooseScript(request)
    const announce = arrival
    arrival = signal()
    announce.settle(request)
    const pieces = prepare(request, response)
    await deliver(pieces, request.script, {
      response,
      ended: left.promise,
      isOver: () => request.outcome !== 'open',
      resumed: () => resumption.promise,
      sent: (written) => note(request, written),
      end,
    })
  }

  function remember(request: Draft): void {
    requests.push(request)
    byId.set(request.id, request)
    const forgotten = requests.length > (options.remembered ?? 10_000) ? requests.shift() : undefined
    if (forgotten !== undefined) byId.delete(forgotten.id)
  }

  function chooseScript(request: Draft): Script {
    try {
      const asked = scriptOf(request.headers, request.json)
      return { ...options.script, ...asked, ...queue.shift(), ...scriptFor(request) }
    } catch (fault) {
      return { status: 400, error: { message: String(fault), type: 'bad_script', param: null, code: null } }
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port ?? 0, host: '127.0.0.1', backlog: 4096 }, resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connectionCount,
    script: (...scripts) => void queue.push(...scripts),
    program: (next) => {
      scriptFor = next
    },
    nextRequest: () => arrival.promise,
    resume: () => {
      resumption.settle()
      resumption = signal()
    },
    find: (id) => byId.get(id),
    served: totals.read,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Sets status and head, and returns what the body consists of. */
function prepare(request: ServedRequest, response: ServerResponse): Iterable<Piece> {
  const { script, json } = request
  const isChat = request.method === 'POST' && /\/chat\/completions(\?|$)/.test(request.path)
  const isText = request.method === 'POST' && !isChat && /\/completions(\?|$)/.test(request.path)
  const isResponse = request.method === 'POST' && /\/responses(\?|$)/.test(request.path)
  const isEmbeddings = request.method === 'POST' && /\/embeddings(\?|$)/.test(request.path)
  const isAnswerable =
    json !== null &&
    ((isChat && Array.isArray(json.messages)) ||
      (isText && json.prompt !== undefined) ||
      ((isEmbeddings || isResponse) && json.input !== undefined))
  const isKnown = isChat || isText || isResponse || isEmbeddings
  const status = script.status ?? (isAnswerable || script.body !== undefined ? 200 : isKnown ? 400 : 404)
  const isStream =
    status < 400 && isAnswerable && !isEmbeddings && json.stream === true && script.body === undefined
  const pieces = piecesOf()
  response.statusCode = status
  response.setHeader(
    'content-type',
    script.contentType ?? (isStream ? 'text/event-stream' : 'application/json'),
  )
  response.setHeader('x-request-id', `req-${request.id}`)
  response.setHeader('openai-processing-ms', '1')
  setFraming()
  for (const [name, value] of Object.entries(script.headers ?? {})) response.setHeader(name, value)
  return pieces

  function piecesOf(): Iterable<Piece> {
    if (script.body !== undefined) return [{ kind: 'whole', text: script.body }]
    if (status >= 400 || json === null) return [errorAnswer({ ...script, status })]
    if (isEmbeddings) return [embeddingsAnswer(json, script)]
    const completion = complete(request.id, json, script, isText)
    if (isResponse && !isStream) return [wholeResponse(completion)]
    if (!isStream) return [wholeAnswer(completion, script)]
    const events = isResponse ? streamedResponse(completion) : streamedAnswer(completion, script)
    return script.framing === 'length' ? [...events] : events
  }

  function setFraming(): void {
    const framing = script.framing ?? (isStream || script.encoding !== undefined ? 'chunked' : 'length')
    if (script.encoding !== undefined) response.setHeader('content-encoding', script.encoding)
    if (framing === 'length' && script.encoding === undefined) {
      const bytes = [...pieces].reduce((sum, piece) => sum + Buffer.byteLength(piece.text), 0)
      response.setHeader('content-length', bytes)
    }
    if (framing === 'close') response.removeHeader('transfer-encoding')
    if (framing === 'close' || script.connection === 'close') response.setHeader('connection', 'close')
    const { socket } = response
    if (script.connection === 'drop') response.once('finish', () => socket?.destroySoon())
  }
}

function note(request: Draft, written: readonly Piece[]): void {
  for (const piece of written) {
    if (piece.kind === 'content') request.chunks += 1
    if (piece.usage === undefined || piece.usage === 'null') continue
    request.usage = piece.usage
    request.tokens = countsOf(piece.usage)
  }
}

function countsOf(usage: string): TokenCounts | null {
  const members = parseObject(Buffer.from(usage))
  const prompt = members?.prompt_tokens ?? members?.input_tokens
  const completion = members?.completion_tokens ?? members?.output_tokens ?? 0
  return isCount(prompt) && isCount(completion) ? { prompt, completion } : null
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 2 ** 40
}

function openTotals() {
  let requests = 0
  let unreported = 0
  const ends = { completed: 0, cut: 0, abandoned: 0 }
  let tokens: TokenCounts = { prompt: 0, completion: 0 }
  let tokensOfCut = tokens
  return {
    arrived: () => {
      requests += 1
    },
    ended: (request: ServedRequest) => {
      if (request.outcome === 'open') return
      ends[request.outcome] += 1
      if (request.outcome !== 'completed') tokensOfCut = added(tokensOfCut, request.tokens)
      else if (request.tokens === null) unreported += 1
      else tokens = added(tokens, request.tokens)
    },
    read: (): Served => {
      const open = requests - ends.completed - ends.cut - ends.abandoned
      return { requests, open, ...ends, unreported, tokens, tokensOfCut }
    },
  }
}

function added(sum: TokenCounts, tokens: TokenCounts | null): TokenCounts {
  if (tokens === null) return sum
  return { prompt: sum.prompt + tokens.prompt, completion: sum.completion + tokens.completion }
}

function signal<T>(): { readonly promise: Promise<T>; readonly settle: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>()
  return { promise, settle: resolve }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function parseObject(bytes: Buffer): JsonObject | null {
  try {
    return asObject(JSON.parse(bytes.toString()))
  } catch {
    return null
  }
}

function answerJson(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(value))
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
  const upstream = await startFakeUpstream({ port: Number(values.port), remembered: 0 })
  console.log(`Fake upstream is listening on ${upstream.url}`)
  process.once('SIGTERM', () => void upstream.close())
  process.once('SIGINT', () => void upstream.close())
}
