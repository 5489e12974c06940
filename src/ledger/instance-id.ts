import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InstanceId } from '../domain/ids.ts'

/**
 * The id of the instance that this data directory belongs to; made by `newId` when there is none, so that a restart
 * is the same instance. Only for the holder of the directory's lock. Throws when the file cannot be read or written.
 */
export function keptInstanceId(directory: string, newId: () => string): InstanceId {
  const path = join(directory, 'instance-id')
  try {
    const kept = readFileSync(path, 'utf8').trim()
    if (/^[0-9A-HJKMNP-TV-Z]{26}$/.test(kept)) return kept as InstanceId
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const made = newId()
  writeFileSync(path, `${made}\n`, { mode: 0o600, flush: true })
  return made as InstanceId
}
