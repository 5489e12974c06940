import type { Failure } from '../domain/failure.ts'
import type { Quantity } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import { one } from '../limits/claim.ts'
import {
  type Counter,
  chargeAt,
  isIdle,
  lacksRoom,
  newCounter,
  opensAt,
  roomIn,
  turn,
} from '../limits/counter.ts'
import type { PlanRow } from '../limits/plan.ts'

export interface RateLimit {
  /** Counts a request of a caller to one route; or says why it is refused, and counts nothing. */
  count(caller: string, operation: string, now: EpochMs): Failure | null
  /** Callers and routes remembered. */
  readonly size: number
}

const windowMs = 1000

/**
 * Limits how often each caller may call each route within any second. Remembers those who called within the last one;
 * each request forgets up to two of the others.
 */
export function openRateLimit(perSecond: number): RateLimit {
  const ceiling: Quantity = { whole: perSecond, pico: 0 }
  /** Whoever has not called for longest stands first. */
  const counters = new Map<string, Counter>()

  function forgetIdle(now: EpochMs): void {
    let looks = 2
    for (const [name, counter] of counters) {
      turn(counter, now)
      if (!isIdle(counter)) return
      counters.delete(name)
      looks -= 1
      if (looks === 0) return
    }
  }

  return {
    get size() {
      return counters.size
    },
    count(caller, operation, now) {
      forgetIdle(now)
      const name = `${caller} ${operation}`
      const counter = counters.get(name) ?? newCounter(rowOf(name, ceiling), now)
      counters.delete(name)
      counters.set(name, counter)
      turn(counter, now)
      if (lacksRoom(counter, ceiling, one)) return refusal(counter, ceiling, now)
      chargeAt(counter, counter.mark, one)
      return null
    },
  }
}

function refusal(counter: Counter, ceiling: Quantity, now: EpochMs): Failure {
  const opens = opensAt(counter, ceiling, one, now)
  return {
    failure: 'limited',
    limit: {
      metric: 'request',
      unit: 'second',
      ceiling: ceiling.whole,
      remaining: roomIn(counter, ceiling).whole,
      windowMs,
      opensAt: opens,
      retryAfterMs: opens - now,
      model: '',
    },
  }
}

function rowOf(name: string, ceiling: Quantity): PlanRow {
  return {
    counter: name,
    generation: 0,
    metric: 'request',
    ceiling,
    window: { kind: 'rolling', lengthMs: windowMs },
    unit: 'second',
    strict: false,
    refundsFailed: false,
    chargedAt: 'completion',
    subject: null,
  }
}
