import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The configured master key, or the one in the data directory; null where there is neither. Throws a system error. */
export function findMasterKey(configured: string | null, dataDirectory: string): string | null {
  if (configured !== null) return configured
  try {
    return readFileSync(masterKeyFile(dataDirectory), 'utf8').trim() || null
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

/** Makes a master key in the data directory, for its owner only. Throws where there is one. */
export function makeMasterKey(dataDirectory: string): string {
  const value = randomBytes(32).toString('base64')
  writeFileSync(masterKeyFile(dataDirectory), `${value}\n`, { mode: 0o600, flag: 'wx' })
  return value
}

export function masterKeyFile(dataDirectory: string): string {
  return join(dataDirectory, 'master-key')
}
