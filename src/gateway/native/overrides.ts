import type { ClientConfig } from '../../tenancy/governance/facts.ts'
import type { Exchange } from '../exchange.ts'
import { invalidRequest, isProblem, type Problem } from './problem.ts'

/** What a caller wants otherwise for one call: never more than the operator's settings allow. Null: as they are. */
export interface Overrides {
  /** For each request to a provider, in place of its `default_request_timeout_in_seconds`. */
  readonly timeoutMs: number | null
  readonly maxRetries: number | null
  readonly streamExtraFields: NonNullable<ClientConfig['stream_extra_fields']> | null
}

const extraFieldsKinds = ['edges', 'all', 'none'] as const

/** Reads them from the headers of a call. */
export function readOverrides(exchange: Exchange): Overrides | Problem {
  const timeoutMs = countIn(exchange, 'x-bf-timeout-ms', 1)
  if (isProblem(timeoutMs)) return timeoutMs
  const maxRetries = countIn(exchange, 'x-bf-max-retries', 0)
  if (isProblem(maxRetries)) return maxRetries
  const asked = exchange.header('x-bf-stream-extra-fields')?.trim().toLowerCase() ?? null
  const streamExtraFields = extraFieldsKinds.find((kind) => kind === asked) ?? null
  if (asked !== null && streamExtraFields === null)
    return invalidRequest(`x-bf-stream-extra-fields must be one of ${extraFieldsKinds.join(', ')}`)
  return { timeoutMs, maxRetries, streamExtraFields }
}

function countIn(exchange: Exchange, name: string, least: number): number | null | Problem {
  const text = exchange.header(name)?.trim() ?? null
  if (text === null) return null
  const count = /^\d{1,9}$/.test(text) ? Number(text) : -1
  return count >= least ? count : invalidRequest(`${name} must be a whole number from ${least}`)
}
