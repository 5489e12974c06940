import type { EpochMs } from './time.ts'

/**
 * What can go wrong for a caller's or an upstream's reason. Returned, never thrown: what is thrown is a bug.
 * Each door has one table that dresses every kind; a new kind does not compile until every door can say it.
 */
export type Failure =
  | {
      readonly failure: 'unauthenticated'
      readonly reason: 'missing' | 'malformed' | 'unknown' | 'revoked'
      /** What is wrong with the credential, where its kind has more to say than that. */
      readonly message?: string
    }
  | {
      readonly failure: 'forbidden'
      readonly what: 'scope' | 'workspace' | 'onboarding' | 'origin'
      readonly name: string
      /** Where there is more to say than that. */
      readonly message?: string
    }
  | { readonly failure: 'invalid'; readonly message: string }
  | { readonly failure: 'conflict'; readonly message: string }
  | { readonly failure: 'not_found'; readonly what: Findable }
  | { readonly failure: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly failure: 'body_timeout' }
  | { readonly failure: 'body_too_large'; readonly limitBytes: number }
  | { readonly failure: 'head_too_large' }
  | { readonly failure: 'unsupported_media'; readonly message: string }
  | { readonly failure: 'limited'; readonly limit: LimitNotice }
  | { readonly failure: 'impossible'; readonly message: string }
  | { readonly failure: 'model_unavailable'; readonly message: string }
  | {
      readonly failure: 'upstream'
      readonly problem: 'connect' | 'cut' | 'garbage' | 'refused'
      readonly message: string
    }
  | { readonly failure: 'upstream_timeout'; readonly phase: 'connect' | 'first_byte' | 'idle' | 'total' }
  | { readonly failure: 'cancelled' }
  | {
      readonly failure: 'overloaded'
      readonly reason: 'buffers' | 'connections' | 'spool' | 'draining' | 'database'
      readonly retryAfterMs: number
    }
  | { readonly failure: 'internal'; readonly id: string }

/** What a caller may look for and not find. */
export type Findable =
  | 'route'
  | 'group'
  | 'parent'
  | 'key'
  | 'endpoint'
  | 'model'
  | 'workspace'
  | 'workspace_key'
  | 'admin_key'
  | 'environment'
  | 'secret'
  | 'domain'
  | 'webhook'
  | 'delivery'
  | 'customer'
  | 'team'
  | 'virtual_key'
  | 'budget'
  | 'model_config'
  | 'provider'
  | 'provider_key'
  | 'routing_rule'
  | 'pricing_override'
  | 'mcp_client'

export type FailureKind = Failure['failure']

/** What a refused caller may know of a limit: never whose it is. */
export interface LimitNotice {
  readonly metric: 'request' | 'token' | 'cost'
  /** `second`, `minute`, `day`, or a duration such as `1h`. */
  readonly unit: string
  /** Requests, tokens, or dollars. */
  readonly ceiling: number
  /** What is left of it beside what is used and held. */
  readonly remaining: number
  /** Infinity for a window that never ends. */
  readonly windowMs: number
  /** When the last of the refusing limits opens. */
  readonly opensAt: EpochMs
  /** Infinity where one of them never opens by itself. */
  readonly retryAfterMs: number
  readonly model: string
}

export function isFailure(value: unknown): value is Failure {
  // Not `in`: over the many shapes that are asked, it takes the engine's slowest way.
  return typeof value === 'object' && value !== null && (value as Failure).failure !== undefined
}
