import type { Clock } from '../domain/time.ts'
import { type Rounds, repeat } from '../ledger/rounds.ts'
import type { Database } from '../store/database.ts'
import { sweepDeliveries } from './deliveries.sql.ts'

export interface DeliverySweepOptions {
  readonly database: Database
  readonly clock: Clock
  readonly deliveriesKeptMs: number
  readonly deadLettersKeptMs: number
  /** A round ended early: what it left is left for the next. */
  readonly onError: (error: unknown) => void
  readonly everyMs?: number
}

/** Deletes deliveries and dead letters that have been kept long enough, each hour, a little at a time. */
export function openDeliverySweep(options: DeliverySweepOptions): Rounds {
  const { database, clock, onError, everyMs = 3_600_000 } = options
  let isClosed = false

  async function sweep(): Promise<void> {
    const now = clock()
    while (!isClosed && (await sweepDeliveries(database, 'delivered', now - options.deliveriesKeptMs)));
    while (!isClosed && (await sweepDeliveries(database, 'dead', now - options.deadLettersKeptMs)));
  }

  const rounds = repeat(everyMs, sweep, onError)
  return {
    close() {
      isClosed = true
      return rounds.close()
    },
  }
}
