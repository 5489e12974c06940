import type { EpochMs } from '../domain/time.ts'
import type { CounterStore, PlanRow, Reading } from './plan.ts'

/** Rows read before others get their turn: a call waits for some hundredths of a millisecond at most. */
const rowsAtOnce = 256

/**
 * Reads rows for views, however many they are, without stopping those who charge. Rows of one slice are as they were
 * at one instant, the slices one after the other.
 *
 * `giveWay` resolves when whoever waited for the thread has had it.
 */
export async function* readSlices(
  counters: Pick<CounterStore, 'read'>,
  rows: readonly PlanRow[],
  clock: () => EpochMs,
  giveWay: () => Promise<void>,
): AsyncGenerator<{ readonly at: EpochMs; readonly readings: readonly Reading[] }> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    if (from > 0) await giveWay()
    const at = clock()
    yield { at, readings: await counters.read(rows.slice(from, from + rowsAtOnce), at) }
  }
}
