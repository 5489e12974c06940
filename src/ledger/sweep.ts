import type { Clock } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { repeat } from './rounds.ts'
import {
  readWorkspaceIds,
  rollingChargesKeptMs,
  sweepAuditRows,
  sweepRollingCharges,
  sweepUsageEvents,
} from './sweep.sql.ts'

/** Deletes what has been kept long enough, a little at a time, so that the drain hardly waits for it. */
export interface Sweep {
  /** Ends after the transaction under way. */
  close(): Promise<void>
}

export interface SweepOptions {
  readonly database: Database
  readonly clock: Clock
  readonly eventsKeptMs: number
  readonly auditKeptMs: number
  /** A round ended early: what it left is left for the next. */
  readonly onError: (error: unknown) => void
  readonly rollingChargesEveryMs?: number
  readonly eventsEveryMs?: number
  readonly auditEveryMs?: number
}

/** Starts sweeping: charges of rolling windows each second, usage events and audit rows each hour. */
export function openSweep(options: SweepOptions): Sweep {
  const { database, clock, onError } = options
  let isClosed = false

  async function sweepAllRollingCharges(): Promise<void> {
    const before = clock() - rollingChargesKeptMs
    while (!isClosed && (await sweepRollingCharges(database, before)));
  }

  async function sweepAllUsageEvents(): Promise<void> {
    const before = clock() - options.eventsKeptMs
    for (const workspaceId of await readWorkspaceIds(database)) {
      while (!isClosed && (await sweepUsageEvents(database, workspaceId, before)));
    }
  }

  async function sweepAllAuditRows(): Promise<void> {
    const before = clock() - options.auditKeptMs
    while (!isClosed && (await sweepAuditRows(database, before)));
  }

  const rollingCharges = repeat(options.rollingChargesEveryMs ?? 1000, sweepAllRollingCharges, onError)
  const events = repeat(options.eventsEveryMs ?? 3_600_000, sweepAllUsageEvents, onError)
  const audit = repeat(options.auditEveryMs ?? 3_600_000, sweepAllAuditRows, onError)

  return {
    async close() {
      isClosed = true
      await Promise.all([rollingCharges.close(), events.close(), audit.close()])
    },
  }
}
