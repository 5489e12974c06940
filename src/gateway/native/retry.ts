import type { NetworkConfig } from '../../tenancy/governance/facts.ts'
import type { Problem } from './problem.ts'

/** How often a provider is asked again, and after how long. */
export interface RetryPolicy {
  readonly maxRetries: number
  readonly firstBackoffMs: number
  readonly longestBackoffMs: number
  /** What the provider may have us wait. Longer, and the key is left alone. */
  readonly longestRetryAfterMs: number
}

/** The provider's own; a caller may want fewer retries. */
export function retryPolicyOf(
  network: NetworkConfig | undefined,
  callersRetries: number | null = null,
): RetryPolicy {
  const longestBackoffMs = network?.retry_backoff_max ?? 5000
  const longestRetryAfterMs = (network?.max_retry_after_in_seconds ?? 10) * 1000
  return {
    maxRetries: Math.min(network?.max_retries ?? 0, callersRetries ?? Number.POSITIVE_INFINITY),
    firstBackoffMs: network?.retry_backoff_initial ?? 500,
    longestBackoffMs,
    longestRetryAfterMs: Math.max(longestBackoffMs, longestRetryAfterMs),
  }
}

/** What is to be done after an attempt that went wrong. */
export type NextAttempt =
  /** No more at this target. */
  | { readonly next: 'none' }
  /** `costsRetry`: it counts against the retries that are allowed. */
  | { readonly next: 'same_key'; readonly delayMs: number; readonly costsRetry: true }
  | {
      readonly next: 'other_key'
      readonly delayMs: number
      readonly costsRetry: boolean
      readonly why: Leave
    }

/** Why a key is not asked again: not in this call, or not yet. */
export type Leave = 'dead' | 'unfit' | 'limited' | 'cooling'

/** Where the attempts at a target stand. */
export interface RetryStand {
  readonly retries: number
  /** Keys that have not been tried yet. */
  readonly freshKeys: number
  readonly hasFallback: boolean
}

const none: NextAttempt = { next: 'none' }

/** What is to be done after a problem, by what it says of the next attempt. */
export function nextAttempt(
  { errorClass, retryAfterMs }: Pick<Problem, 'errorClass' | 'retryAfterMs'>,
  stand: RetryStand,
  policy: RetryPolicy,
  random: () => number,
): NextAttempt {
  switch (errorClass) {
    case 'credential':
    case 'quota':
      return { next: 'other_key', delayMs: 0, costsRetry: false, why: 'dead' }
    case 'model_access':
    case 'model_gone':
    case 'region_blocked':
      return { next: 'other_key', delayMs: 0, costsRetry: false, why: 'unfit' }
    case 'timeout':
      if (stand.hasFallback) return none
      break
    case 'rate_limit':
    case 'transient':
      break
    default:
      return none
  }
  if (stand.retries >= policy.maxRetries) {
    const isTooSoon = retryAfterMs !== null && retryAfterMs > policy.longestRetryAfterMs
    if (!isTooSoon || stand.freshKeys === 0) return none
  }
  const delayMs = backoffMs(stand.retries, policy, random)
  if (retryAfterMs !== null && retryAfterMs > policy.longestRetryAfterMs)
    return { next: 'other_key', delayMs: 0, costsRetry: false, why: 'cooling' }
  if (errorClass === 'rate_limit' && stand.freshKeys > 0)
    return { next: 'other_key', delayMs, costsRetry: true, why: 'limited' }
  // The same key, or one that has said the same before: not before it wants to be asked.
  const waitMs = Math.max(delayMs, retryAfterMs ?? 0)
  return { next: 'same_key', delayMs: waitMs, costsRetry: true }
}

/** Before the retry of this number, from 0: doubled each time, a fifth more or less, never above the longest. */
export function backoffMs(
  retry: number,
  { firstBackoffMs, longestBackoffMs }: RetryPolicy,
  random: () => number,
): number {
  const base = Math.min(firstBackoffMs * 2 ** retry, longestBackoffMs)
  return Math.min(Math.round(base * (0.8 + 0.4 * random())), longestBackoffMs)
}
