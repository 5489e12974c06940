import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One POST as a receiver got it. */
export interface Received {
  readonly body: Buffer
  readonly signature: string
  readonly requestId: string
  readonly contentType: string
  /** By the machine's own timer. */
  readonly atMs: number
  /** Answered with a 2xx. */
  isTaken: boolean
  /** The sender left before it was answered: when, or null. */
  leftAtMs: number | null
}

/** Answers a POST, or lets it hang. Whatever it does not answer stays open. */
export type Conduct = (received: Received, response: ServerResponse, index: number) => void

export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  conduct: Conduct
  close(): Promise<void>
}

export function answer(status: number, headers: Record<string, string> = {}): Conduct {
  return (received, response) => {
    received.isTaken = status >= 200 && status < 300
    response.writeHead(status, headers).end('{}')
  }
}

export const hang: Conduct = () => {}

export async function startReceiver(conduct: Conduct = answer(200)): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => void take(request, response))
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    const one: Received = {
      body: Buffer.concat(chunks),
      signature: String(request.headers['x-baseten-signature']),
      requestId: String(request.headers['x-baseten-request-id']),
      contentType: String(request.headers['content-type']),
      atMs: performance.now(),
      isTaken: false,
      leftAtMs: null,
    }
    response.on('close', () => {
      if (!response.writableFinished) one.leftAtMs = performance.now()
    })
    receiver.conduct(one, response, received.push(one) - 1)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events?of=usage`,
    received,
    conduct,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return receiver
}

/** What a receiver that knows the secret expects to be sent: made here by hand, not by the product's code. */
export function expectedSignature(secret: string, body: Buffer): string {
  return `v1=${createHmac('sha256', Buffer.from(secret, 'utf8')).update(body).digest('hex')}`
}

export interface PostedEvent {
  readonly idempotencyKey: string
  readonly timestamp: string
  readonly requestId: string
  readonly requestMetadata: unknown
  readonly modelSlug: string
  readonly externalEntityId: string
  readonly apiKeyPrefix: string
  readonly tokens: { inputTokens: number; outputTokens: number; cachedInputTokens: number }
}

export function eventsIn(body: Buffer | string): readonly PostedEvent[] {
  return JSON.parse(String(body)).data.events
}
