import { openRoster, type Seated } from '../domain/roster.ts'

/** What was being waited for. */
export type Phase = 'connect' | 'first_byte' | 'idle' | 'total'

/** Something that must not wait for ever. The sweep keeps its times; its owner says what happened since. */
export interface Timed extends Seated {
  phase: Exclude<Phase, 'total'>
  /** How long the phase may last without progress. */
  phaseMs: number
  /** Set by the owner whenever the phase begins anew; taken back by the sweep, which reads the clock. */
  hasProgressed: boolean
  phaseEndsAt: number
  /** Infinity for none. */
  readonly totalMs: number
  /** Unset until the first sweep. */
  totalEndsAt: number | null
}

/** Deadlines of many things with one timer. */
export interface Deadlines<T extends Timed> {
  add(timed: T): void
  delete(timed: T): void
  /** Ends what is due. Costs some nanoseconds for each thing that waits. */
  sweep(nowMs: number): void
  /** All that is waiting now. */
  waiting(): readonly T[]
}

/**
 * Keeps deadlines without a timer or a look at the clock for each: a phase begins at the first sweep that
 * sees it. So a deadline strikes up to two sweeps late, and never early.
 */
export function openDeadlines<T extends Timed>(onExpired: (timed: T, phase: Phase) => void): Deadlines<T> {
  const waiting = openRoster<T>()
  return {
    add: waiting.add,
    delete: waiting.remove,
    sweep(nowMs) {
      for (const timed of waiting.members()) {
        timed.totalEndsAt ??= nowMs + timed.totalMs
        if (timed.hasProgressed) {
          timed.hasProgressed = false
          timed.phaseEndsAt = nowMs + timed.phaseMs
        }
        if (nowMs >= timed.totalEndsAt) onExpired(timed, 'total')
        else if (nowMs >= timed.phaseEndsAt) onExpired(timed, timed.phase)
      }
    },
    waiting: waiting.members,
  }
}

/** Calls back now and then, and tells a time that only ever grows. */
export interface SweepTimer {
  nowMs(): number
  /** Returns what stops it. */
  every(intervalMs: number, run: () => void): () => void
}

/** The process's own timer. It does not keep the process alive. */
export const systemTimer: SweepTimer = {
  nowMs: () => performance.now(),
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs)
    timer.unref()
    return () => clearInterval(timer)
  },
}
