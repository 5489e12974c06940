import { documentedFetch } from '../setup/contract.ts'
import type { Answered } from '../setup/frontier.ts'
import type { Gateway } from '../setup/gateway.ts'

/** The operator's API in the tests' short words: paths go below `/api/admin`. */
export interface OperatorDoor {
  request(method: string, path: string, body?: unknown): Promise<Answered>
  /** The body of an answer that must be 200. */
  expectOk(method: string, path: string, body?: unknown): Promise<Answered['body']>
}

export function openOperator(
  gateway: Pick<Gateway, 'url' | 'adminKey'>,
  key = gateway.adminKey,
): OperatorDoor {
  const request = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const response = await documentedFetch(`${gateway.url}/api/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json(), headers: response.headers }
  }
  return {
    request,
    async expectOk(method, path, body) {
      const answered = await request(method, path, body)
      if (answered.status !== 200)
        throw new Error(`${method} ${path}: ${answered.status} ${JSON.stringify(answered.body)}`)
      return answered.body
    },
  }
}

/** How the operator's door words a refusal. */
export function refusal(status: number, message: unknown): object {
  return { is_bifrost_error: false, status_code: status, error: { message }, extra_fields: {} }
}
