import type { Failure } from '../../domain/failure.ts'

/** Ed25519's points of small order, sign bit cleared, in hex: with these as its key anybody can make signatures. */
const weakKeys: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/**
 * A key that registrations are verified with: the 32 raw bytes of an Ed25519 public key in base64, and none of the
 * few (all zeros, for one) under which signatures can be made without a private key.
 */
export function registrationPublicKey(text: string): Failure | null {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return invalid('must be 32 bytes in base64')
  const bytes = Buffer.from(text, 'base64')
  bytes[31] = (bytes[31] ?? 0) & 0x7f
  return weakKeys.has(bytes.toString('hex')) ? invalid('is a key that anybody can sign for') : null
}

function invalid(message: string): Failure {
  return { failure: 'invalid', message: `registration_public_key: ${message}` }
}
