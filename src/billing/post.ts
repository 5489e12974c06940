import type { LookupFunction } from 'node:net'
import type { Agent, Dispatcher } from 'undici'
import { isFailure } from '../domain/failure.ts'
import { type Egress, egressRefusedCode } from '../upstream/egress.ts'
import { type Origin, parseOrigin } from '../upstream/origin.ts'

/** How one attempt ended. `problem` is for operators, and never holds an address or a secret. */
export type Attempt =
  | { readonly outcome: 'delivered'; readonly status: number }
  /** Another attempt would end the same way. */
  | { readonly outcome: 'refused'; readonly status: number | null; readonly problem: string }
  | { readonly outcome: 'failed'; readonly status: number | null; readonly problem: string }
  /** Told to stop: nothing is known. */
  | { readonly outcome: 'stopped' }

export interface Parcel {
  readonly url: string
  readonly body: string
  readonly signature: string
  readonly requestId: string
}

/** The way out to receivers. */
export interface Post {
  /** One attempt. By its time limit, the machine's own, it has ended, whatever the receiver does. */
  send(parcel: Parcel, limitMs: number, stop: AbortSignal): Promise<Attempt>
  close(): Promise<void>
}

/** A receiver's words interest nobody: what fits is read past, so that the connection can be used again. */
const answerLimitBytes = 64 * 2 ** 10
const connectionsPerReceiver = 8

export function openPost(egress: Egress): Post {
  const agents = new Map<LookupFunction, Agent>()

  async function agentOf(lookup: LookupFunction): Promise<Agent> {
    // Loaded with the first parcel: most gateways never send one, and it takes a tenth of their start.
    const { Agent } = await import('undici')
    const known = agents.get(lookup)
    if (known !== undefined) return known
    const agent = new Agent({
      connections: connectionsPerReceiver,
      connect: { lookup },
      // The attempt's own limit holds.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    agents.set(lookup, agent)
    return agent
  }

  async function send(parcel: Parcel, limitMs: number, stop: AbortSignal): Promise<Attempt> {
    const origin = parseOrigin(parcel.url)
    if (isFailure(origin)) return refusedAddress
    const route = egress.route(origin)
    if (isFailure(route)) return refusedAddress
    if (stop.aborted) return { outcome: 'stopped' }
    const late = new AbortController()
    const end = () => late.abort()
    const timer = setTimeout(end, limitMs)
    stop.addEventListener('abort', end)
    const over = () => {
      clearTimeout(timer)
      stop.removeEventListener('abort', end)
    }
    try {
      const agent = await agentOf(route.lookup)
      const answer = await agent.request(requestOf(parcel, origin, route.destination, late))
      const read = answer.body.dump({ limit: answerLimitBytes, signal: late.signal })
      void read.catch(() => {}).finally(over)
      return judge(answer.statusCode)
    } catch (error) {
      over()
      if (stop.aborted) return { outcome: 'stopped' }
      if (late.signal.aborted) return { outcome: 'failed', status: null, problem: 'no answer in time' }
      const code = codeOf(error)
      if (code === egressRefusedCode) return refusedAddress
      return { outcome: 'failed', status: null, problem: `the connection failed: ${code}` }
    }
  }

  return {
    send,
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}

const refusedAddress: Attempt = {
  outcome: 'refused',
  status: null,
  problem: 'the address is not one that this gateway may reach',
}

function requestOf(
  { url, body, signature, requestId }: Parcel,
  origin: Origin,
  destination: Origin,
  { signal }: AbortController,
): Dispatcher.RequestOptions {
  const { pathname, search } = new URL(url)
  return {
    origin: `${destination.protocol}://${destination.hostHeader}`,
    path: pathname + search,
    method: 'POST',
    headers: {
      host: origin.hostHeader,
      'content-type': 'application/json',
      'user-agent': 'tollgate',
      'X-Baseten-Signature': signature,
      'X-Baseten-Request-ID': requestId,
    },
    body,
    signal,
  }
}

/** Redirects are not followed, and say that the address is not the right one. */
function judge(status: number): Attempt {
  if (status >= 200 && status < 300) return { outcome: 'delivered', status }
  const problem = `answered ${status}`
  return status >= 500 ? { outcome: 'failed', status, problem } : { outcome: 'refused', status, problem }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : 'unknown'
}
