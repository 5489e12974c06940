import { describe, expect, test } from 'vitest'
import { backoffMs, nextAttempt, type RetryPolicy, retryPolicyOf } from './retry.ts'

const policy: RetryPolicy = {
  maxRetries: 2,
  firstBackoffMs: 100,
  longestBackoffMs: 1000,
  longestRetryAfterMs: 10_000,
}
const stand = { retries: 0, freshKeys: 1, hasFallback: false }
const middle = () => 0.5

describe('what comes after a failed attempt', () => {
  test.each([
    ['transient', {}, { next: 'same_key', delayMs: 100, costsRetry: true }],
    ['transient', { retries: 2 }, { next: 'none' }],
    ['rate_limit', {}, { next: 'other_key', delayMs: 100, costsRetry: true, why: 'limited' }],
    ['rate_limit', { freshKeys: 0, retries: 1 }, { next: 'same_key', delayMs: 200, costsRetry: true }],
    ['rate_limit', { retries: 2 }, { next: 'none' }],
    ['credential', { retries: 2 }, { next: 'other_key', delayMs: 0, costsRetry: false, why: 'dead' }],
    ['quota', { retries: 2 }, { next: 'other_key', delayMs: 0, costsRetry: false, why: 'dead' }],
    ['model_access', {}, { next: 'other_key', delayMs: 0, costsRetry: false, why: 'unfit' }],
    ['model_gone', {}, { next: 'other_key', delayMs: 0, costsRetry: false, why: 'unfit' }],
    ['region_blocked', {}, { next: 'other_key', delayMs: 0, costsRetry: false, why: 'unfit' }],
    ['timeout', {}, { next: 'same_key', delayMs: 100, costsRetry: true }],
    ['timeout', { hasFallback: true }, { next: 'none' }],
    ['caller_fault', {}, { next: 'none' }],
    ['content_policy', {}, { next: 'none' }],
  ] as const)('%s %o', (errorClass, more, expected) => {
    expect(nextAttempt({ errorClass, retryAfterMs: null }, { ...stand, ...more }, policy, middle)).toEqual(
      expected,
    )
  })

  test.each([
    ['transient', 3000, { next: 'same_key', delayMs: 3000, costsRetry: true }],
    ['transient', 10, { next: 'same_key', delayMs: 100, costsRetry: true }],
    ['rate_limit', 3000, { next: 'other_key', delayMs: 100, costsRetry: true, why: 'limited' }],
    ['rate_limit', 60_000, { next: 'other_key', delayMs: 0, costsRetry: false, why: 'cooling' }],
  ] as const)('%s, to come again in %d ms', (errorClass, retryAfterMs, expected) => {
    expect(nextAttempt({ errorClass, retryAfterMs }, stand, policy, middle)).toEqual(expected)
  })
})

test('pauses double up to the longest, a fifth more or less', () => {
  const all = [0, 1, 2, 3, 4, 60].map((retry) => backoffMs(retry, policy, middle))
  expect(all).toEqual([100, 200, 400, 800, 1000, 1000])
  expect([backoffMs(0, policy, () => 0), backoffMs(0, policy, () => 1)]).toEqual([80, 120])
  expect(backoffMs(9, policy, () => 1)).toBe(1000)
})

test('the settings of a provider have defaults', () => {
  expect(retryPolicyOf(undefined)).toEqual({
    maxRetries: 0,
    firstBackoffMs: 500,
    longestBackoffMs: 5000,
    longestRetryAfterMs: 10_000,
  })
  expect(retryPolicyOf({ retry_backoff_max: 20_000 }).longestRetryAfterMs).toBe(20_000)
})
