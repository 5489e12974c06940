import { Agent, request } from 'node:http'

/** What a client knows of one call. */
export interface CallRecord {
  /** Our id of the request, from the answer's head; null if none came. */
  readonly requestId: string | null
  /** 0 if no head came. */
  readonly status: number
  /** The answer's own id, by which the upstream knows it. */
  readonly answerId: string | null
  /** The answer came to its proper end: its length, or `[DONE]`. */
  readonly isComplete: boolean
}

/** What is called, and how; further members go into the body as they are. */
export interface CallWish {
  readonly model: string
  readonly stream: boolean
  readonly [member: string]: unknown
}

/** One call under way. */
export interface OpenCall {
  /** Settles when it has ended, however that came about: a broken connection is a record too. */
  readonly ended: Promise<CallRecord>
  /** Length of the request's body. */
  readonly bodyBytes: number
  /** What has come of the answer's body so far. */
  text(): string
  /** Drops the connection. */
  leave(): void
}

export interface Load {
  /** Calls that ended, however they ended. */
  readonly records: readonly CallRecord[]
  /** Lets calls under way end and starts no more. */
  stop(): Promise<void>
}

export interface LoadWish {
  readonly url: string
  readonly key: string
  /** Made for each client by its number. */
  readonly wishOf: (client: number) => CallWish
  /** Calls under way at any time. */
  readonly concurrency: number
}

/** After a call without an answer, so that a gateway that is away is not hammered. */
const pauseMs = 20

/** Calls a model without a pause, from so many clients at once, until it is told to stop. */
export function startLoad({ url, key, wishOf, concurrency }: LoadWish): Load {
  const records: CallRecord[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let isStopped = false

  const runClient = async (client: number) => {
    while (!isStopped) {
      const record = await openCall(url, key, wishOf(client), agent).ended
      records.push(record)
      if (record.status !== 200) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const clients = Array.from({ length: concurrency }, (_, client) => runClient(client))
  return {
    records,
    async stop() {
      isStopped = true
      await Promise.all(clients)
      agent.destroy()
    },
  }
}

/** Begins one call; without an agent, on a connection of its own. */
export function openCall(url: string, key: string, wish: CallWish, agent?: Agent): OpenCall {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello there' }], ...wish })
  const bodyBytes = Buffer.byteLength(body)
  const headers = {
    authorization: `Api-Key ${key}`,
    'content-type': 'application/json',
    'content-length': bodyBytes,
  }
  const { promise, resolve } = Promise.withResolvers<CallRecord>()
  let status = 0
  let requestId: string | null = null
  let text = ''
  const end = (isEnded: boolean) =>
    resolve({
      requestId,
      status,
      answerId: /"id":\s*"([^"]+)"/.exec(text)?.[1] ?? null,
      isComplete: isEnded && status === 200 && (!wish.stream || text.includes('data: [DONE]')),
    })
  const options = { agent: agent ?? false, method: 'POST', headers } as const
  const sent = request(`${url}/v1/chat/completions`, options, (response) => {
    status = response.statusCode ?? 0
    requestId = String(response.headers['x-baseten-request-id'] ?? '') || null
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    response.once('end', () => end(response.complete))
    response.once('error', () => end(false))
  })
  sent.once('error', () => end(false))
  sent.end(body)
  return { ended: promise, bodyBytes, text: () => text, leave: () => void sent.destroy() }
}
