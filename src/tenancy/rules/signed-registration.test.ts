import { generateKeyPairSync, hash, sign } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signedRegistration } from './signed-registration.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const onFile = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')
const signatureOf = (body: Uint8Array) => sign(null, body, privateKey)
const failed = { failure: 'invalid', message: 'Signature verification failed' }
const body = fc.uint8Array({ maxLength: 300 })

test('verifies the bytes that were signed, and no others', () => {
  fc.assert(
    fc.property(body, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, flip) => {
      const signature = signatureOf(bytes)
      expect(signedRegistration(onFile, bytes, signature.toString('base64'))).toBeNull()
      const longer = Buffer.concat([bytes, Buffer.from('\n')])
      expect(signedRegistration(onFile, longer, signature.toString('base64'))).toEqual(failed)
      if (bytes.length === 0) return
      const other = Buffer.from(bytes)
      other[at % other.length] = (other[at % other.length] ?? 0) ^ flip
      expect(signedRegistration(onFile, other, signature.toString('base64'))).toEqual(failed)
    }),
  )
})

test('a signature that is another, of another key, or none at all, fails', () => {
  const bytes = Buffer.from('{"key":"k"}')
  const signature = signatureOf(bytes)
  fc.assert(
    fc.property(fc.nat(63), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const other = Buffer.from(signature)
      other[at] = (other[at] ?? 0) ^ flip
      expect(signedRegistration(onFile, bytes, other.toString('base64'))).toEqual(failed)
    }),
  )
  const stranger = generateKeyPairSync('ed25519').privateKey
  const text = signature.toString('base64')
  const spelled = [
    undefined,
    '',
    'not base64!',
    ` ${text}`,
    `${text}, ${text}`,
    text.slice(0, -2),
    signature.toString('hex'),
    signature.toString('base64url'),
    signature.subarray(1).toString('base64'),
    sign(null, bytes, stranger).toString('base64'),
  ]
  for (const one of spelled) expect(signedRegistration(onFile, bytes, one)).toEqual(failed)
})

test('without a public key on file that is what is said, whatever the signature', () => {
  const bytes = Buffer.from('{}')
  for (const signature of [undefined, signatureOf(bytes).toString('base64')]) {
    expect(signedRegistration(null, bytes, signature)).toEqual({
      failure: 'invalid',
      message: 'Must configure a public key before registering API keys',
    })
  }
})

test('a key that is no key, all zeros for one, verifies nothing that anybody could make', () => {
  // Encodings of points of small order: with one of them as key, the point of any scalar and the scalar are a signature.
  const points = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ]
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' })
  const forged = Buffer.concat([Buffer.from(x, 'base64url'), scalarOf(Buffer.from(d, 'base64url'))])
  for (const point of points) {
    const weak = Buffer.from(point, 'hex').toString('base64')
    for (let attempt = 0; attempt < 64; attempt += 1) {
      const bytes = Buffer.from(`{"attempt":${attempt}}`)
      expect(signedRegistration(weak, bytes, forged.toString('base64'))).toEqual(failed)
    }
  }
})

/** The scalar of a private key (RFC 8032, 5.1.5), reduced, in 32 bytes. */
function scalarOf(seed: Buffer): Buffer {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const bytes = Buffer.from(hash('sha512', seed, 'hex'), 'hex').subarray(0, 32)
  bytes[0] = (bytes[0] ?? 0) & 248
  bytes[31] = ((bytes[31] ?? 0) & 127) | 64
  const scalar = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`) % order
  return Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse()
}
