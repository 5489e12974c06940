import { Agent, request } from 'node:http'

/** What a client knows of one call. */
export interface CallRecord {
  /** Our id of the request, from the answer's head; null if none came. */
  readonly requestId: string | null
  readonly status: number
  /** The answer's own id, by which the upstream knows it. */
  readonly answerId: string | null
  readonly isStream: boolean
  /** The answer came to its proper end: its length, or `[DONE]`. */
  readonly isComplete: boolean
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
  readonly model: string
  /** Calls under way at any time, every second one streamed. */
  readonly concurrency: number
  /** Waits this long after a call that did not get an answer, so that a gateway that is away is not hammered. */
  readonly pauseMs?: number
}

/** Calls a model without a pause, from so many clients at once, until it is told to stop. */
export function startLoad({ url, key, model, concurrency, pauseMs = 20 }: LoadWish): Load {
  const records: CallRecord[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let isStopped = false

  const client = async (isStream: boolean) => {
    while (!isStopped) {
      const record = await callOnce(agent, url, key, { model, stream: isStream })
      records.push(record)
      if (record.status !== 200) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const clients = Array.from({ length: concurrency }, (_, index) => client(index % 2 === 1))
  return {
    records,
    async stop() {
      isStopped = true
      await Promise.all(clients)
      agent.destroy()
    },
  }
}

/** One call; it never rejects, for a broken connection is a record too. */
export function callOnce(
  agent: Agent,
  url: string,
  key: string,
  wish: { readonly model: string; readonly stream: boolean; readonly [member: string]: unknown },
): Promise<CallRecord> {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello there' }], ...wish })
  const headers = {
    authorization: `Api-Key ${key}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  return new Promise((resolve) => {
    let status = 0
    let requestId: string | null = null
    let text = ''
    const end = (isEnded: boolean) =>
      resolve({
        requestId,
        status,
        answerId: /"id":\s*"([^"]+)"/.exec(text)?.[1] ?? null,
        isStream: wish.stream,
        isComplete: isEnded && status === 200 && (!wish.stream || text.includes('data: [DONE]')),
      })
    const sent = request(`${url}/v1/chat/completions`, { agent, method: 'POST', headers }, (response) => {
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
  })
}
