import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { RandomBytes } from '../keys/random-text.ts'
import type { Keyring } from './keyring.ts'
import { Secret } from './secret.ts'

const nonceBytes = 12
const tagBytes = 16

/** The row a sealed value belongs to: table, then key columns. A value moved to another row does not open. */
export type Place = readonly [table: string, ...key: string[]]

/** Seals a secret for its row: AES-256-GCM, base64 of nonce, tag and ciphertext. */
export function seal(keyring: Keyring, random: RandomBytes, value: string, place: Place): string {
  const nonce = random(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', keyring.sealing, nonce).setAAD(placeBytes(place))
  const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
}

/** Opens what `seal` made for the same row; null if it was altered, moved, or sealed under another master key. */
export function unseal(keyring: Keyring, sealed: string, place: Place): Secret | null {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length < nonceBytes + tagBytes) return null
  const decipher = createDecipheriv('aes-256-gcm', keyring.sealing, bytes.subarray(0, nonceBytes))
    .setAAD(placeBytes(place))
    .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
  const start = decipher.update(bytes.subarray(nonceBytes + tagBytes))
  try {
    return new Secret(Buffer.concat([start, decipher.final()]).toString('utf8'))
  } catch {
    return null
  }
}

function placeBytes(place: Place): Buffer {
  return Buffer.from(JSON.stringify(place))
}
