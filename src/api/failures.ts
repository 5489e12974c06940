import type { Failure, Findable } from '../domain/failure.ts'
import {
  type DressedFailure,
  dressed,
  type FailureTable,
  retryAfterSeconds,
  say,
} from '../domain/failure-table.ts'

/** A failure in words, before a door puts it in its body. */
export interface Words {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers?: readonly string[]
}

const forbidden = {
  scope: () => 'This key may not manage the gateway.',
  workspace: (name: string) => `This ${name} belongs to another workspace.`,
  onboarding: () => 'This workspace is not onboarded to the gateway.',
  origin: () => 'This request is not allowed from there.',
} as const

const missing: Readonly<Record<Findable, string>> = {
  route: 'There is nothing at this path.',
  group: 'There is no such group.',
  parent: 'There is no such parent group.',
  key: 'There is no such API key.',
  endpoint: 'There is no such endpoint.',
  model: 'There is no such model.',
  workspace: 'There is no such workspace.',
  workspace_key: 'There is no such key in this workspace.',
  admin_key: 'There is no such admin key.',
  environment: 'There is no such environment of this model.',
  secret: 'There is no such secret in this workspace.',
  domain: 'This workspace has no such domain.',
  webhook: 'This workspace has no webhook.',
  delivery: 'There is no such delivery.',
  customer: 'Customer not found',
  team: 'Team not found',
  virtual_key: 'Virtual key not found',
  budget: 'Budget not found',
  model_config: 'Model config not found',
  provider: 'Provider not found',
  provider_key: 'Key not found',
  routing_rule: 'Routing rule not found',
  pricing_override: 'Pricing override not found',
  mcp_client: 'MCP client not found',
}

/** How the management APIs say each failure. */
const table: FailureTable<Words> = {
  unauthenticated: ({ reason }) => ({
    status: 401,
    code: 'UNAUTHORIZED',
    message:
      reason === 'missing'
        ? 'No credential was sent. Send `Authorization: Api-Key <workspace key>`.'
        : 'The credential is not valid here.',
    headers: ['www-authenticate', 'Api-Key'],
  }),
  forbidden: ({ what, name }) => ({ status: 403, code: 'FORBIDDEN', message: forbidden[what](name) }),
  invalid: ({ message }) => ({ status: 400, code: 'VALIDATION_ERROR', message }),
  conflict: ({ message }) => ({ status: 409, code: 'CONFLICT', message }),
  not_found: ({ what }) => ({ status: 404, code: 'NOT_FOUND', message: missing[what] }),
  method_not_allowed: ({ allow }) => ({
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    message: `This path takes ${allow.join(', ')} only.`,
    headers: ['allow', allow.join(', ')],
  }),
  body_timeout: () => ({
    status: 408,
    code: 'REQUEST_TIMEOUT',
    message: 'The request body stopped arriving.',
  }),
  body_too_large: ({ limitBytes }) => ({
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
    message: `The request body is larger than ${limitBytes} bytes.`,
  }),
  head_too_large: () => ({
    status: 431,
    code: 'HEADERS_TOO_LARGE',
    message: 'The request headers are too large.',
  }),
  unsupported_media: ({ message }) => ({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', message }),
  limited: ({ limit }) => ({
    status: 429,
    code: 'RATE_LIMITED',
    message: `Too many requests: a key may call this route ${limit.ceiling} times per ${limit.unit}.`,
    headers: retryAfter(limit.retryAfterMs),
  }),
  impossible: ({ message }) => ({ status: 400, code: 'VALIDATION_ERROR', message }),
  model_unavailable: ({ message }) => ({ status: 502, code: 'UNAVAILABLE', message }),
  upstream: ({ message }) => ({ status: 502, code: 'UNAVAILABLE', message }),
  upstream_timeout: () => ({
    status: 504,
    code: 'UNAVAILABLE',
    message: 'An upstream did not answer in time.',
  }),
  cancelled: () => ({ status: 499, code: 'CANCELLED', message: 'The client left before the answer.' }),
  overloaded: ({ retryAfterMs }) => ({
    status: 503,
    code: 'UNAVAILABLE',
    message: 'The gateway cannot do this now. Try again shortly.',
    headers: retryAfter(retryAfterMs),
  }),
  internal: ({ id }) => ({
    status: 500,
    code: 'INTERNAL_ERROR',
    message: `The gateway failed on this request. The operator finds it in the log as ${id}.`,
  }),
}

export function wordManagement(failure: Failure): Words {
  return say(table, failure)
}

/** As the API under `/v1` has it. */
export function dressManagement(failure: Failure): DressedFailure {
  const { status, code, message, headers = [] } = wordManagement(failure)
  if (failure.failure === 'limited') {
    const retry_after = Number(retryAfterSeconds(failure.limit.retryAfterMs))
    return dressed(status, headers, { error: message, retry_after })
  }
  return dressed(status, headers, { code, message })
}

function retryAfter(waitMs: number): readonly string[] {
  return ['retry-after', retryAfterSeconds(waitMs)]
}
