import { createHmac, hkdfSync } from 'node:crypto'

/** One key per purpose, all derived from the installation's master key, so that none can stand in for another. */
export interface Keyring {
  /** Goes before a credential when it is digested. Text, because joining text and hashing it once is cheapest. */
  readonly pepper: string
  readonly sealing: Buffer
  readonly cursors: Buffer
  /** Digests what the configuration file says, secrets included, so that a change can be noticed. */
  readonly fileEntries: Buffer
  /** Stored at the first start; a different one at a later start means a different master key. */
  readonly checkValue: string
}

/** Derives the keys (HKDF-SHA-256). The master key may be any text; its strength is its owner's. */
export function deriveKeyring(masterKey: string): Keyring {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', masterKey, 'tollgate', purpose, 32))
  return {
    pepper: derive('credential digests').toString('base64'),
    sealing: derive('sealing'),
    cursors: derive('cursors'),
    fileEntries: derive('file entries'),
    checkValue: createHmac('sha256', derive('check')).update('master key').digest('base64'),
  }
}
