import { setTimeout as wait } from 'node:timers/promises'
import type { Clock, EpochMs } from '../domain/time.ts'
import type { DeliveryLimits } from './limits.ts'
import type { Attempt, Parcel, Post } from './post.ts'
import { attemptTime, backoff } from './schedule.ts'

/** How a delivery ended. Null: it was told to stop, and is to be tried anew. */
export type Landing = {
  readonly state: 'delivered' | 'dead'
  readonly attempts: number
  readonly status: number | null
  readonly problem: string | null
} | null

export interface FlightOptions {
  readonly post: Post
  readonly clock: Clock
  readonly limits: DeliveryLimits
  /** Asked before each attempt: whether this instance is still the one that delivers. */
  readonly mayAttempt: () => boolean
  readonly stop: AbortSignal
  readonly onAttempt: (attempt: Attempt) => void
}

const lookEveryMs = 50

/**
 * Posts one parcel until a receiver takes it, refuses it, or its time is over. Attempts are measured by the machine's
 * own timer and the waits between them by the wall clock; both count towards the time in which it is given up.
 */
export async function fly(parcel: Parcel, options: FlightOptions): Promise<Landing> {
  const { post, clock, limits, stop } = options
  let spentMs = 0
  for (let attempts = 1; ; attempts++) {
    if (!options.mayAttempt() || stop.aborted) return null
    const beganMs = performance.now()
    const attempt = await post.send(parcel, attemptTime(limits, spentMs), stop)
    spentMs += performance.now() - beganMs
    options.onAttempt(attempt)
    if (attempt.outcome === 'stopped') return null
    const { status } = attempt
    if (attempt.outcome === 'delivered') return { state: 'delivered', attempts, status, problem: null }
    const waitMs = attempt.outcome === 'refused' ? null : backoff(limits, attempts, spentMs)
    if (waitMs === null) return { state: 'dead', attempts, status, problem: attempt.problem }
    await until(clock, clock() + waitMs, stop)
    spentMs += waitMs
  }
}

/** The clock may stand still, or jump. */
async function until(clock: Clock, at: EpochMs, stop: AbortSignal): Promise<void> {
  while (clock() < at && !stop.aborted) {
    const leftMs = at - clock()
    await wait(Math.min(lookEveryMs, leftMs), undefined, { signal: stop }).catch(() => {})
  }
}
