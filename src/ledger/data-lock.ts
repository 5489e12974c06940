import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A data directory that is this process's alone. */
export interface DataLock {
  release(): void
}

const busy = 5

/**
 * Takes the data directory, or returns null when another process has it. Throws when the directory cannot be written.
 *
 * The lock is a SQLite file held exclusively: the kernel frees it when the process ends, however it ends, so there is
 * no stale lock to clear away.
 */
export function lockDataDirectory(directory: string): DataLock | null {
  const file = new DatabaseSync(join(directory, 'lock'), { timeout: 0 })
  try {
    file.exec('pragma locking_mode = exclusive')
    file.exec('begin exclusive')
    return { release: () => file.close() }
  } catch (error) {
    file.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return null
    throw error
  }
}
