import { createPublicKey, verify } from 'node:crypto'
import type { Failure } from '../../domain/failure.ts'

/**
 * A registration's body is signed, byte for byte as it was sent, with the private half of its workspace's key. The
 * signature is the 64 bytes of Ed25519 in base64.
 */
export function signedRegistration(
  publicKey: string | null,
  body: Uint8Array,
  signature: string | undefined,
): Failure | null {
  if (publicKey === null) {
    return { failure: 'invalid', message: 'Must configure a public key before registering API keys' }
  }
  const isSigned =
    signature !== undefined &&
    /^[A-Za-z0-9+/]{86}==$/.test(signature) &&
    verify(null, body, keyOf(publicKey), Buffer.from(signature, 'base64'))
  return isSigned ? null : { failure: 'invalid', message: 'Signature verification failed' }
}

function keyOf(publicKey: string) {
  const x = Buffer.from(publicKey, 'base64').toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
}
