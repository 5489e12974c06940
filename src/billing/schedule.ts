import type { DeliveryLimits } from './limits.ts'

/** How long the next attempt of a delivery may take, when so much of its time is spent. */
export function attemptTime({ attemptMs, giveUpMs }: DeliveryLimits, spentMs: number): number {
  return Math.min(attemptMs, giveUpMs - spentMs)
}

/**
 * How long to wait after so many failed attempts: twice as long each time, up to the longest. Null: that would leave no
 * time for another attempt.
 */
export function backoff(limits: DeliveryLimits, failedAttempts: number, spentMs: number): number | null {
  const { firstBackoffMs, longestBackoffMs, giveUpMs } = limits
  const waitMs = Math.min(firstBackoffMs * 2 ** (failedAttempts - 1), longestBackoffMs)
  return spentMs + waitMs < giveUpMs ? waitMs : null
}
