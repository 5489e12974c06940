import { readFileSync } from 'node:fs'
import { type Clock, type EpochMs, monotonicClock } from '../domain/time.ts'

const rereadMs = 50

/**
 * The wall clock that everything is handed. With a file, for tests, it stands still at the epoch milliseconds in it: who
 * looks at the clock reads the file again where that was last done fifty milliseconds ago. A file that cannot be read
 * leaves the last instant.
 */
export function openClock(testClockFile: string | null): Clock {
  if (testClockFile === null) return monotonicClock(Date.now(), () => performance.now())
  let now = readInstant(testClockFile) ?? Date.now()
  let readAtMs = performance.now()
  return () => {
    if (performance.now() - readAtMs < rereadMs) return now
    now = Math.max(now, readInstant(testClockFile) ?? now)
    readAtMs = performance.now()
    return now
  }
}

function readInstant(file: string): EpochMs | null {
  try {
    const instant = Number(readFileSync(file, 'utf8').trim())
    return Number.isSafeInteger(instant) && instant > 0 ? instant : null
  } catch {
    return null
  }
}
