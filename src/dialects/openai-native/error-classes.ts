import type { NativeOperation } from './operation.ts'
import type { UpstreamError } from './upstream-error.ts'

/** The closed vocabulary by which answers, logs and metrics name what went wrong. */
export const errorTypes = [
  'caller_model_not_available',
  'caller_model_unknown',
  'caller_invalid_request',
  'caller_cancelled',
  'policy_model_blocked',
  'policy_provider_blocked',
  'policy_access_denied',
  'policy_budget_exceeded',
  'policy_rate_limited',
  'policy_tool_blocked',
  'provider_auth_failed',
  'provider_billing',
  'provider_rate_limited',
  'provider_overloaded',
  'provider_server_error',
  'provider_timeout',
  'provider_connection_failed',
  'provider_credentials_exhausted',
  'bifrost_dropped',
  'bifrost_internal',
  '_OTHER',
] as const

export type ErrorType = (typeof errorTypes)[number]

const typesByStatus: ReadonlyMap<number, ErrorType> = new Map([
  [401, 'provider_auth_failed'],
  [402, 'provider_billing'],
  [403, 'provider_auth_failed'],
  [429, 'provider_rate_limited'],
  [499, 'caller_cancelled'],
  [503, 'provider_overloaded'],
  [504, 'provider_timeout'],
  [529, 'provider_overloaded'],
])

/** Operations in which the model is all that a 404 can be about. */
const addressOnlyModels: ReadonlySet<NativeOperation> = new Set(['text_completion', 'embedding'])

/** The type of an error that a provider answered with. What we ourselves refuse declares its own. */
export function errorTypeOf(status: number, operation: NativeOperation): ErrorType {
  const type = typesByStatus.get(status)
  if (type !== undefined) return type
  if (status === 404 && addressOnlyModels.has(operation)) return 'caller_model_unknown'
  if (status >= 400 && status < 500) return 'caller_invalid_request'
  return status >= 500 && status < 600 ? 'provider_server_error' : '_OTHER'
}

/** What an error says of the next attempt. */
export type ErrorClass =
  /** May pass by itself: the same key again, after a pause. */
  | 'transient'
  /** Another key may have room. */
  | 'rate_limit'
  /** The key is no good: another at once. */
  | 'credential'
  /** The key is spent: another at once. */
  | 'quota'
  /** The key does not reach the model. */
  | 'model_access'
  | 'model_gone'
  | 'region_blocked'
  /** The provider's verdict on the content: not to be asked again elsewhere. */
  | 'content_policy'
  /** Nothing that another attempt would change. */
  | 'caller_fault'

/** By what providers call it, in `code` or `type`: their word goes before their status. */
const classesByName: ReadonlyMap<string, ErrorClass> = new Map([
  ['content_policy_violation', 'content_policy'],
  ['content_filter', 'content_policy'],
  ['moderation_blocked', 'content_policy'],
  ['responsibleaipolicyviolation', 'content_policy'],
  ['insufficient_quota', 'quota'],
  ['quota_exceeded', 'quota'],
  ['billing_hard_limit_reached', 'quota'],
  ['billing_not_active', 'quota'],
  ['billing_error', 'quota'],
  ['insufficient_credits', 'quota'],
  ['insufficient_balance', 'quota'],
  ['unsupported_country_region_territory', 'region_blocked'],
  ['model_deprecated', 'model_gone'],
  ['model_decommissioned', 'model_gone'],
  ['model_retired', 'model_gone'],
  ['model_not_found', 'model_access'],
  ['model_not_available', 'model_access'],
  ['model_not_allowed', 'model_access'],
  ['deploymentnotfound', 'model_access'],
  ['invalid_api_key', 'credential'],
  ['account_deactivated', 'credential'],
  ['authentication_error', 'credential'],
  ['rate_limit_exceeded', 'rate_limit'],
  ['rate_limit_error', 'rate_limit'],
  ['overloaded_error', 'transient'],
])

const classesByStatus: ReadonlyMap<number, ErrorClass> = new Map([
  [401, 'credential'],
  [402, 'quota'],
  [403, 'credential'],
  [408, 'transient'],
  [429, 'rate_limit'],
  // Not implemented, and not spoken: these do not pass.
  [501, 'caller_fault'],
  [505, 'caller_fault'],
])

/** The class of an error that a provider answered with. */
export function classOf({ status, code, type }: UpstreamError): ErrorClass {
  const named = nameClass(code) ?? nameClass(type)
  if (named !== undefined) return named
  return classesByStatus.get(status) ?? (status >= 500 ? 'transient' : 'caller_fault')
}

function nameClass(name: string | null): ErrorClass | undefined {
  return name === null ? undefined : classesByName.get(name.toLowerCase())
}
