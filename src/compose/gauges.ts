import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Room } from '../gateway/room.ts'
import type { Stores } from './stores.ts'

/** Gauges of what other rooms keep. */
export function measure({ metrics, spool, clock }: Room, { counters, background }: Stores): void {
  metrics.gauge('tollgate_holds_open', 'Calls admitted and not settled yet.', counters.openReservations)
  metrics.gauge('tollgate_counters', 'Counters in memory.', () => counters.size().counters)
  metrics.gauge(
    'tollgate_spool_lag_bytes',
    'Settlements that could not be written to the spool yet.',
    spool.unwrittenBytes,
  )
  metrics.gauge(
    'tollgate_drain_lag_bytes',
    'Spooled settlements that are not in the database yet.',
    () => background.standing().waitingBytes,
  )
  metrics.gauge('tollgate_drain_lag_seconds', 'Age of the oldest of them.', () => {
    const { oldestAt } = background.standing()
    return oldestAt === null ? 0 : Math.max(0, clock() - oldestAt) / 1000
  })
  const { deliveries } = background
  metrics.counter(
    'tollgate_deliveries_delivered_total',
    'Deliveries that receivers took.',
    () => deliveries()?.delivered ?? 0,
  )
  metrics.counter(
    'tollgate_deliveries_dead_total',
    'Deliveries that became dead letters.',
    () => deliveries()?.dead ?? 0,
  )
  metrics.counter(
    'tollgate_delivery_attempts_failed_total',
    'Attempts to deliver that failed.',
    () => deliveries()?.failedAttempts ?? 0,
  )
  metrics.gauge(
    'tollgate_delivery_waiting_events',
    'Events that are still to be delivered.',
    () => deliveries()?.waitingEvents ?? 0,
  )
  metrics.gauge('tollgate_delivery_waiting_seconds', 'Age of the oldest of them.', () => {
    const oldestAt = deliveries()?.oldestWaitingAt ?? null
    return oldestAt === null ? 0 : Math.max(0, clock() - oldestAt) / 1000
  })
  metrics.gauge(
    'tollgate_dead_letters',
    'Deliveries that failed for good and are kept.',
    () => deliveries()?.deadLetters ?? 0,
  )
  metrics.gauge(
    'tollgate_event_loop_delay_max_seconds',
    'Longest time since the last scrape for which the thread of the requests could not attend to them.',
    longestDelaySeconds(),
  )
}

/** A delay shorter than this may go unseen, and a longer one be told as shorter by as much. */
const resolutionMs = 2

/** The longest delay since it was last asked for. */
function longestDelaySeconds(): () => number {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  return () => {
    const longestMs = delay.count === 0 ? 0 : delay.max / 1e6 - resolutionMs
    delay.reset()
    return Math.max(0, longestMs) / 1000
  }
}
