import type { ErrorType } from '../../dialects/openai-native/error-classes.ts'
import { classOf, type ErrorClass, errorTypeOf } from '../../dialects/openai-native/error-classes.ts'
import type { NativeOperation } from '../../dialects/openai-native/operation.ts'
import type { UpstreamError } from '../../dialects/openai-native/upstream-error.ts'
import type { Failure } from '../../domain/failure.ts'
import { type FailureTable, retryAfterSeconds, say } from '../../domain/failure-table.ts'
import { type Outcome, outcomeOfError } from '../../domain/outcome.ts'
import { noticeOf, refusalHeaders } from '../../limits/notice.ts'
import type { Limited, Subject } from '../../limits/plan.ts'
import { nativeRefusalOf } from '../../limits/words.ts'
import type { HeaderList } from '../exchange.ts'

/** Why a call of the native door has no answer, or none from one of its targets. */
export interface Problem {
  readonly status: number
  /** Of the policy, or of the error as the provider or OpenAI would name it. */
  readonly type: string | null
  readonly code: string | null
  readonly message: string
  readonly param: string | null | undefined
  readonly errorType: ErrorType
  /** Refused by a rule of the operator's, and by which kind of rule. */
  readonly policy: string | null
  /** The gateway itself has failed. */
  readonly isOurs: boolean
  readonly headers: HeaderList
  /** No other target is tried: it would be refused the same, or the verdict is on the request. */
  readonly isFinal: boolean
  /** What it says of the next attempt at the same target. */
  readonly errorClass: ErrorClass | 'timeout'
  /** Until when the provider does not want to be asked again, counted from its answer. */
  readonly retryAfterMs: number | null
  /** What ended the wait for a provider that was too slow. */
  readonly waitedBy: Wait | null
  readonly outcome: Outcome
}

type Given = Pick<Problem, 'status' | 'message' | 'errorType'> & Partial<Problem>

export function problem(given: Given): Problem {
  return {
    type: null,
    code: null,
    param: undefined,
    policy: null,
    isOurs: false,
    headers: [],
    isFinal: false,
    errorClass: 'caller_fault',
    retryAfterMs: null,
    waitedBy: null,
    outcome: 'invalid',
    ...given,
  }
}

export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && (value as Problem).errorType !== undefined
}

/** A refusal by what an operator has ruled. */
export function refused(
  status: 400 | 401 | 403,
  policy: string,
  message: string,
  errorType: ErrorType,
  isFinal: boolean,
): Problem {
  const outcome = status === 401 ? 'unauthenticated' : status === 403 ? 'forbidden' : 'invalid'
  return problem({ status, type: policy, code: policy, policy, message, errorType, isFinal, outcome })
}

/** Something in the request that cannot be. */
export function invalidRequest(
  message: string,
  code: string | null = null,
  errorType: ErrorType = 'caller_invalid_request',
): Problem {
  return problem({ status: 400, type: 'invalid_request_error', code, message, errorType })
}

/** Levels that all targets of a call share. */
const shared: ReadonlySet<Subject['level'] | undefined> = new Set(['virtual_key', 'team', 'customer'])

/** Limits that have no room. `model` is the caller's own name for it. */
export function limitedBy(refusal: Limited, model: string, now: number): Problem {
  const { type, status, message } = nativeRefusalOf(refusal)
  return problem({
    status,
    type,
    code: type,
    policy: type,
    message,
    errorType: status === 402 ? 'policy_budget_exceeded' : 'policy_rate_limited',
    headers: refusalHeaders(noticeOf(refusal, model, now)),
    isFinal: refusal.judged.some(({ row }) => shared.has(row.subject?.level)),
    outcome: 'limited',
  })
}

/** What a provider answered instead of what it was asked for. */
export function reportedBy(
  error: UpstreamError,
  operation: NativeOperation,
  fallsBackOnVerdicts: boolean,
): Problem {
  const errorClass = classOf(error)
  const status = error.status < 400 ? 502 : error.status
  return problem({
    status,
    type: error.type,
    code: error.code,
    param: error.param,
    message: error.message,
    errorType: errorTypeOf(status, operation),
    isFinal: errorClass === 'content_policy' && !fallsBackOnVerdicts,
    errorClass,
    outcome: outcomeOfError(status),
  })
}

/** A provider all of whose keys it has turned down; `last` is what it said of the last. */
export function exhausted(last: Problem): Problem {
  return problem({
    status: 502,
    type: 'upstream_credentials_exhausted',
    code: 'upstream_credentials_exhausted',
    message: last.message,
    errorType: 'provider_credentials_exhausted',
    outcome: last.outcome,
  })
}

/** Which setting of a provider ended the wait for it. */
const settingOf = {
  connect: 'connect_timeout_in_seconds',
  first_byte: 'default_request_timeout_in_seconds',
  idle: 'stream_idle_timeout_in_seconds',
  total: 'default_request_timeout_in_seconds',
} as const

type Wait = (typeof settingOf)[keyof typeof settingOf] | 'first_token_timeout_in_seconds' | 'x-bf-timeout-ms'

/** A provider that was too slow, and what to change if it is to be waited for longer. */
export function tooSlow(setting: Wait): Problem {
  const place = setting === 'x-bf-timeout-ms' ? `The request's ${setting}` : `Its network_config.${setting}`
  return problem({
    status: 504,
    type: 'request_timed_out',
    code: 'request_timed_out',
    message: `The provider did not answer in time. ${place} says how long it is waited for.`,
    errorType: 'provider_timeout',
    errorClass: 'timeout',
    waitedBy: setting,
    outcome: 'upstream_timeout',
  })
}

const cancelled = problem({
  status: 499,
  type: 'request_cancelled',
  code: 'request_cancelled',
  message: 'The caller left before the answer.',
  errorType: 'caller_cancelled',
  isFinal: true,
  outcome: 'cancelled',
})

type Words = Given

function clientFault(status: number, code: string, message: string, headers: HeaderList = []): Words {
  return {
    status,
    type: 'invalid_request_error',
    code,
    message,
    headers,
    errorType: 'caller_invalid_request',
    isFinal: true,
  }
}

/** How the native door says the failures that both doors know. */
const table: FailureTable<Words> = {
  unauthenticated: ({ message = 'The credential is not valid here.' }) => ({
    status: 401,
    type: 'virtual_key_not_found',
    code: 'virtual_key_not_found',
    policy: 'virtual_key_not_found',
    message,
    errorType: 'policy_access_denied',
    isFinal: true,
  }),
  forbidden: () => ({
    status: 403,
    type: 'forbidden_origin',
    code: 'forbidden_origin',
    message: 'Without a virtual key this request is not allowed from there.',
    errorType: 'policy_access_denied',
    isFinal: true,
  }),
  invalid: ({ message }) => clientFault(400, 'invalid_request', message),
  conflict: ({ message }) => clientFault(409, 'conflict', message),
  not_found: ({ what }) =>
    clientFault(
      404,
      what === 'model' ? 'model_not_found' : 'not_found',
      what === 'model' ? 'There is no such model.' : 'There is nothing at this path.',
    ),
  method_not_allowed: ({ allow }) =>
    clientFault(405, 'method_not_allowed', `This path takes ${allow.join(', ')} only.`, [
      'allow',
      allow.join(', '),
    ]),
  body_timeout: () => clientFault(408, 'request_timeout', 'The request body stopped arriving.'),
  body_too_large: ({ limitBytes }) =>
    clientFault(413, 'payload_too_large', `The request body is larger than ${limitBytes} bytes.`),
  head_too_large: () => clientFault(431, 'headers_too_large', 'The request headers are too large.'),
  unsupported_media: ({ message }) => clientFault(415, 'unsupported_media_type', message),
  limited: ({ limit }) => ({
    status: 429,
    type: 'rate_limited',
    code: 'rate_limited',
    policy: 'rate_limited',
    message: `Rate limit exceeded: ${limit.metric}s per ${limit.unit}.`,
    headers: refusalHeaders(limit),
    errorType: 'policy_rate_limited',
  }),
  impossible: ({ message }) => clientFault(400, 'cannot_be_bounded', message),
  model_unavailable: ({ message }) => unreachable(message, false),
  upstream: ({ message, problem: what }) => unreachable(message, what !== 'refused'),
  upstream_timeout: ({ phase }) => tooSlow(settingOf[phase]),
  cancelled: () => cancelled,
  overloaded: ({ retryAfterMs }) => ({
    status: 503,
    type: 'overloaded',
    code: 'overloaded',
    message: 'The gateway cannot take this call now. Try again shortly.',
    headers: ['retry-after', retryAfterSeconds(retryAfterMs)],
    errorType: 'bifrost_dropped',
    isOurs: true,
    isFinal: true,
  }),
  internal: ({ id }) => ({
    status: 500,
    type: 'internal_error',
    code: 'internal_error',
    message: `The gateway failed on this request. The operator finds it in the log as ${id}.`,
    errorType: 'bifrost_internal',
    isOurs: true,
    isFinal: true,
  }),
}

function unreachable(message: string, mayPass: boolean): Words {
  return {
    status: 502,
    type: 'provider_connection_failed',
    code: 'provider_connection_failed',
    message,
    errorType: 'provider_connection_failed',
    errorClass: mayPass ? 'transient' : 'caller_fault',
  }
}

/** A failure as this door has it. */
export function problemOf(failure: Failure): Problem {
  return problem({ outcome: failure.failure, ...say(table, failure) })
}
