import { readFileSync } from 'node:fs'
import { type Clock, type EpochMs, monotonicClock } from '../domain/time.ts'

const rereadMs = 50

/**
 * The wall clock that everything is handed. With a file, for tests, it stands still at the epoch milliseconds in
 * it, which is read again twenty times a second; a file that cannot be read leaves the last instant.
 */
export function openClock(testClockFile: string | null): Clock {
  if (testClockFile === null) return monotonicClock(Date.now(), () => performance.now())
  let now = readInstant(testClockFile) ?? Date.now()
  setInterval(() => {
    now = Math.max(now, readInstant(testClockFile) ?? now)
  }, rereadMs).unref()
  return () => now
}

function readInstant(file: string): EpochMs | null {
  try {
    const instant = Number(readFileSync(file, 'utf8').trim())
    return Number.isSafeInteger(instant) && instant > 0 ? instant : null
  } catch {
    return null
  }
}
