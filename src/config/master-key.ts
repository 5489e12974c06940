import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The master key in force, and where it was made if this start made it. */
export interface MasterKey {
  readonly value: string
  readonly madeAt: string | null
}

/** The configured master key, or the one in the data directory, made there at the first start for the owner only. */
export function openMasterKey(configured: string | null, dataDirectory: string): MasterKey {
  if (configured !== null) return { value: configured, madeAt: null }
  const path = join(dataDirectory, 'master-key')
  try {
    return { value: readFileSync(path, 'utf8').trim(), madeAt: null }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const value = randomBytes(32).toString('base64')
  writeFileSync(path, `${value}\n`, { mode: 0o600, flag: 'wx' })
  return { value, madeAt: path }
}
