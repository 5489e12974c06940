import type { Failure } from '../domain/failure.ts'
import {
  type DressedFailure,
  dressed,
  type FailureTable,
  retryAfterSeconds,
  say,
} from '../domain/failure-table.ts'
import type { HeaderList } from './exchange.ts'

interface Words {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers?: HeaderList
}

const unauthenticated: Readonly<Record<string, string>> = {
  missing: 'No API key was sent. Send `Authorization: Api-Key <key>`.',
  malformed: 'The Authorization header cannot be read. Send `Authorization: Api-Key <key>`.',
  unknown: 'This API key is not valid.',
  revoked: 'This API key is not valid.',
}

/** How the frontier door says each failure: `{"error": …, "error_code": …}`. */
const table: FailureTable<Words> = {
  unauthenticated: ({ reason }) => ({
    status: 401,
    code: 'unauthorized',
    message: unauthenticated[reason] ?? 'This API key is not valid.',
    headers: ['www-authenticate', 'Api-Key'],
  }),
  forbidden: () => ({ status: 403, code: 'client_error', message: 'This request is not allowed here.' }),
  invalid: ({ message }) => ({ status: 400, code: 'client_error', message }),
  conflict: ({ message }) => ({ status: 409, code: 'client_error', message }),
  not_found: ({ what }) =>
    what === 'model'
      ? {
          status: 404,
          code: 'model_does_not_exist',
          message: 'The model does not exist or this key may not use it.',
        }
      : { status: 404, code: 'client_error', message: 'There is nothing at this path.' },
  method_not_allowed: ({ allow }) => ({
    status: 405,
    code: 'client_error',
    message: `This path takes ${allow.join(', ')} only.`,
    headers: ['allow', allow.join(', ')],
  }),
  body_timeout: () => ({ status: 408, code: 'client_error', message: 'The request body stopped arriving.' }),
  body_too_large: ({ limitBytes }) => ({
    status: 413,
    code: 'payload_too_large',
    message: `The request body is larger than ${limitBytes} bytes.`,
  }),
  head_too_large: () => ({
    status: 431,
    code: 'client_error',
    message: 'The request headers are too large.',
  }),
  unsupported_media: ({ message }) => ({ status: 415, code: 'client_error', message }),
  limited: ({ limit }) => ({
    status: 429,
    code: 'rate_limited',
    message: `Rate limit exceeded: ${limit.metric.toUpperCase()}/${limit.unit.toUpperCase()} on ${limit.model}`,
  }),
  impossible: ({ message }) => ({ status: 400, code: 'client_error', message }),
  model_unavailable: ({ message }) => ({ status: 502, code: 'model_unavailable', message }),
  upstream: ({ message }) => ({ status: 502, code: 'model_unavailable', message }),
  upstream_timeout: ({ phase }) =>
    phase === 'connect'
      ? { status: 502, code: 'model_unavailable', message: 'The model could not be reached.' }
      : { status: 504, code: 'timeout', message: 'The model did not answer in time.' },
  cancelled: () => ({ status: 499, code: 'client_error', message: 'The client left before the answer.' }),
  overloaded: ({ retryAfterMs }) => ({
    status: 503,
    code: 'model_unavailable',
    message: 'The gateway cannot take this call now. Try again shortly.',
    headers: ['retry-after', retryAfterSeconds(retryAfterMs)],
  }),
  internal: ({ id }) => ({
    status: 500,
    code: 'internal_baseten_error',
    message: `The gateway failed on this request. The operator finds it in the log as ${id}.`,
  }),
}

export function dressFrontier(failure: Failure): DressedFailure {
  const { status, code, message, headers = [] } = say(table, failure)
  return dressed(status, headers, { error: message, error_code: code })
}
