import { expect } from 'vitest'
import { documentedFetch } from '../setup/contract.ts'
import type { Gateway } from '../setup/gateway.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are compared member by member, whatever they are
export type Json = any

interface Answer {
  readonly status: number
  readonly text: string
  readonly body: Json
}

/** Asks a gateway as its documents say: with the admin key unless other headers are given. */
export interface ManagementAsks {
  /** `body` is sent as JSON, or as it is where it is text. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** What the answer says, whose status must be this one. */
  ok(method: string, path: string, body?: unknown, status?: number): Promise<Json>
}

/** `gateway` is asked for at each call, for tests start theirs after they are described. */
export function managementAsks(gateway: () => Pick<Gateway, 'url' | 'adminKey'>): ManagementAsks {
  const ask: ManagementAsks['ask'] = async (method, path, body, headers) => {
    const { url, adminKey } = gateway()
    const answer = await documentedFetch(`${url}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(headers ?? { authorization: `Bearer ${adminKey}` }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, text, body: JSON.parse(text) }
  }
  return {
    ask,
    async ok(method, path, body, status = 200) {
      const answer = await ask(method, path, body)
      const problem = answer.status === status ? '' : answer.body
      expect([method, path, answer.status, problem]).toEqual([method, path, status, ''])
      return answer.body
    },
  }
}
