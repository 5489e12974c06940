import type { Clock } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { repeat } from './rounds.ts'
import {
  type DatedTable,
  endedPeriodsKeptMs,
  periodTables,
  readWorkspaceIds,
  rollingChargesKeptMs,
  sweepAuditRows,
  sweepDated,
  sweepEndedPeriods,
  sweepNativeCalls,
  sweepOldGenerations,
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
  readonly attemptsKeptMs: number
  /** For refusals and how many they were. */
  readonly refusalsKeptMs: number
  readonly bucketsKeptMs: number
  /** A round ended early: what it left is left for the next. */
  readonly onError: (error: unknown) => void
  readonly rollingChargesEveryMs?: number
  readonly eventsEveryMs?: number
  readonly auditEveryMs?: number
  readonly periodsEveryMs?: number
}

/** Starts sweeping: charges of rolling windows each second, what else grows with use each hour. */
export function openSweep(options: SweepOptions): Sweep {
  const { database, clock, onError } = options
  let isClosed = false

  async function sweepAllRollingCharges(): Promise<void> {
    const before = clock() - rollingChargesKeptMs
    while (!isClosed && (await sweepRollingCharges(database, before)));
  }

  const keptMs: Readonly<Record<DatedTable, number>> = {
    attempts: options.attemptsKeptMs,
    refusals: options.refusalsKeptMs,
    refusal_counts: options.refusalsKeptMs,
    usage_buckets: options.bucketsKeptMs,
  }

  async function sweepAllDated(): Promise<void> {
    const now = clock()
    for (const workspaceId of await readWorkspaceIds(database)) {
      while (!isClosed && (await sweepUsageEvents(database, workspaceId, now - options.eventsKeptMs)));
      for (const [table, kept] of Object.entries(keptMs)) {
        while (!isClosed && (await sweepDated(database, table as DatedTable, workspaceId, now - kept)));
      }
    }
  }

  async function sweepAllNativeCalls(): Promise<void> {
    const before = clock() - options.eventsKeptMs
    while (!isClosed && (await sweepNativeCalls(database, before)));
  }

  async function sweepAllAuditRows(): Promise<void> {
    const before = clock() - options.auditKeptMs
    while (!isClosed && (await sweepAuditRows(database, before)));
  }

  async function sweepAllPeriods(): Promise<void> {
    const before = clock() - endedPeriodsKeptMs
    for (const table of [...periodTables, 'limit_generations'] as const) {
      while (!isClosed && (await sweepOldGenerations(database, table, before)));
    }
    for (const table of periodTables) {
      while (!isClosed && (await sweepEndedPeriods(database, table, before)));
    }
  }

  const rollingCharges = repeat(options.rollingChargesEveryMs ?? 1000, sweepAllRollingCharges, onError)
  const audit = repeat(options.auditEveryMs ?? 3_600_000, sweepAllAuditRows, onError)
  const events = repeat(options.eventsEveryMs ?? 3_600_000, sweepAllDated, onError)
  const nativeCalls = repeat(options.eventsEveryMs ?? 3_600_000, sweepAllNativeCalls, onError)

  const periods = repeat(options.periodsEveryMs ?? 3_600_000, sweepAllPeriods, onError)

  return {
    async close() {
      isClosed = true
      await Promise.all([
        rollingCharges.close(),
        events.close(),
        nativeCalls.close(),
        audit.close(),
        periods.close(),
      ])
    },
  }
}
