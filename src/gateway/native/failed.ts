import type { PricedUsage } from '../../domain/usage.ts'
import type { Ending } from '../settle.ts'
import type { Problem } from './problem.ts'

export type NativeEnding = Ending<PricedUsage>

/** An attempt that brought no answer, and what the accounts are to know of it. */
export interface Failed {
  readonly problem: Problem
  readonly ending: NativeEnding
}

/** Notes how an attempt went, once: before it is settled, so that the record of the call has it. */
export type NoteAttempt = (problem: Problem | null) => void
