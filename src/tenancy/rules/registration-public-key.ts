import type { Failure } from '../../domain/failure.ts'

/** What registrations are verified with: the 32 raw bytes of an Ed25519 public key, in base64. */
export function registrationPublicKey(text: string): Failure | null {
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return null
  return { failure: 'invalid', message: 'registration_public_key: must be 32 bytes in base64' }
}
