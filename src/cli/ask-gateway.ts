/** Where a running gateway answers, and the admin key that opens it. */
export interface GatewayAddress {
  readonly url: string
  readonly adminKey: string
}

/** What the gateway said, or why it said nothing that can be used. */
export type Told =
  | { readonly body: unknown }
  | { readonly problem: 'refused' | 'unreachable'; readonly message: string }

const limitMs = 30_000
const unknownKey = 'The gateway does not know this admin key.'

/** Asks a running gateway for a path of its operator's API. */
export async function askGateway({ url, adminKey }: GatewayAddress, path: string): Promise<Told> {
  const at = `${url.replace(/\/+$/, '')}${path}`
  try {
    const answer = await fetch(at, {
      headers: { authorization: `Bearer ${adminKey}` },
      signal: AbortSignal.timeout(limitMs),
    })
    const body: unknown = await answer.json()
    if (answer.status === 401) return { problem: 'refused', message: unknownKey }
    return answer.ok ? { body } : { problem: 'refused', message: messageIn(body) }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const reason = cause instanceof Error ? cause.message : String(cause)
    return { problem: 'unreachable', message: `There is no gateway at ${url}: ${reason}` }
  }
}

function messageIn(body: unknown): string {
  const { error } = (body ?? {}) as { error?: { message?: unknown } }
  return typeof error?.message === 'string' ? error.message : 'The gateway refused without a reason.'
}
