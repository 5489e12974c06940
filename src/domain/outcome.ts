import type { FailureKind } from './failure.ts'

/**
 * How an attempt ended, in one word: what views count calls by. `cancelled` is the caller's leaving, or a drain's cut;
 * `limited` a refusal of ours, which is no attempt but is counted beside them.
 */
export type Outcome =
  | 'ok'
  /** The provider found fault with the request, and the caller was told so: 4xx. */
  | 'rejected'
  /** The provider's own limit: 429. */
  | 'provider_limited'
  /** The provider's fault by its own word: 5xx. */
  | 'provider_error'
  | FailureKind

/** The outcome of an error that is relayed with the provider's status. */
export function outcomeOfError(status: number): Outcome {
  if (status >= 500) return 'provider_error'
  return status === 429 ? 'provider_limited' : 'rejected'
}
