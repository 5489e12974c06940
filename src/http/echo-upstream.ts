import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const largestBodyBytes = 4 * 1024 * 1024
const pauseBetweenWordsMs = 20

/** A model that costs nothing: it says what it was told. */
export interface EchoUpstream {
  /** Up to and including `/v1`. */
  readonly baseUrl: string
  close(): Promise<void>
}

/**
 * Serves the demo's model on loopback: OpenAI chat completions, whole and streamed, with usage counted in words.
 * It is an ordinary HTTP upstream, so that the demo's calls take the same way as everybody's.
 */
export async function startEchoUpstream(): Promise<EchoUpstream> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface ChatRequest {
  model?: unknown
  stream?: unknown
  messages?: { role?: unknown; content?: unknown }[]
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request)
  const asked = parseRequest(body)
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions' || asked === null) {
    respond(response, 400, {
      error: { message: 'The echo takes POST /v1/chat/completions.', type: 'invalid_request_error' },
    })
    return
  }
  const said = lastWords(asked)
  const words = said.split(/(?<=\s)/)
  const prompt = countWords(body.toString('utf8'))
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: words.length,
    total_tokens: prompt + words.length,
  }
  if (asked.stream === true) await stream(response, words, usage)
  else respond(response, 200, whole(said, usage))
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request) {
    bytes += piece.length
    if (bytes > largestBodyBytes) throw new Error('the body is too large for the echo')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function parseRequest(body: Buffer): ChatRequest | null {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? parsed : null
  } catch {
    return null
  }
}

function lastWords({ messages }: ChatRequest): string {
  const last = Array.isArray(messages) ? messages.findLast((message) => message?.role === 'user') : undefined
  return typeof last?.content === 'string' && last.content !== '' ? last.content : 'Hello from the echo.'
}

function countWords(text: string): number {
  return text.match(/\w+/g)?.length ?? 0
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function whole(said: string, usage: object): object {
  return {
    ...head('chat.completion'),
    choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' }],
    usage,
  }
}

async function stream(response: ServerResponse, words: readonly string[], usage: object): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for (const [index, word] of words.entries()) {
    if (response.destroyed) return
    const delta = index === 0 ? { role: 'assistant', content: word } : { content: word }
    send(response, { ...head('chat.completion.chunk'), choices: [{ index: 0, delta, finish_reason: null }] })
    await new Promise((resolve) => setTimeout(resolve, pauseBetweenWordsMs))
  }
  send(response, {
    ...head('chat.completion.chunk'),
    choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
  })
  send(response, { ...head('chat.completion.chunk'), choices: [], usage })
  response.end('data: [DONE]\n\n')
}

function send(response: ServerResponse, event: object): void {
  response.write(`data: ${JSON.stringify(event)}\n\n`)
}

function head(object: string): object {
  return { id: `chatcmpl-echo-${Date.now()}`, object, created: Math.floor(Date.now() / 1000), model: 'echo' }
}
