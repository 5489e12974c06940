import { createHmac, hash } from 'node:crypto'
import type { Keyring } from '../sealing/keyring.ts'

/**
 * SHA-256 of pepper and credential: what is stored and looked up in the credential's place. By way of a string, because
 * a buffer made by the hash has memory of its own outside of the heap: that took up to seven times as long.
 */
export function digestCredential(keyring: Keyring, credential: string): Buffer {
  return Buffer.from(hash('sha256', keyring.pepper + credential, 'hex'), 'hex')
}

/** Digest of an entry of the configuration file. Keyed, because entries hold secrets that may be guessable. */
export function digestFileEntry(keyring: Keyring, entry: readonly unknown[]): string {
  return createHmac('sha256', keyring.fileEntries).update(JSON.stringify(entry)).digest('hex')
}
