import { mkdirSync } from 'node:fs'
import { type DataLock, lockDataDirectory } from '../ledger/data-lock.ts'
import { Refused, wordSystemError } from './refused.ts'

/** Makes the data directory where there is none, and takes it for this process alone. */
export function takeDataDirectory(path: string): DataLock {
  const lock = tryLock(path)
  if (lock === null) {
    throw new Refused(`Another process is using ${path}: stop it, or choose another directory with --data.`)
  }
  return lock
}

function tryLock(path: string): DataLock | null {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return lockDataDirectory(path)
  } catch (error) {
    const reason = wordSystemError(error)
    if (reason === null) throw error
    throw new Refused(`--data: ${path} cannot be written: ${reason}`)
  }
}
