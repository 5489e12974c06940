import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestCredential } from '../keys/digest.ts'
import { deriveKeyring } from './keyring.ts'
import { type Place, seal, unseal } from './sealing.ts'
import { Secret } from './secret.ts'

const keyring = deriveKeyring('one')
const place: Place = ['secrets', 'w', 's']

test('a sealed value opens in its own row, under its own master key, unaltered', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (value, position) => {
      const sealed = seal(keyring, randomBytes, value, place)
      expect(unseal(keyring, sealed, place)?.reveal()).toBe(value)
      expect(unseal(keyring, sealed, ['secrets', 'w', 't'])).toBeNull()
      expect(unseal(keyring, sealed, ['secrets', 'ws', ''])).toBeNull()
      expect(unseal(deriveKeyring('two'), sealed, place)).toBeNull()
      const bytes = Buffer.from(sealed, 'base64')
      const at = position % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(unseal(keyring, bytes.toString('base64'), place)).toBeNull()
      expect(unseal(keyring, bytes.subarray(0, at).toString('base64'), place)).toBeNull()
    }),
    { numRuns: 30 },
  )
})

test('the same value is never sealed to the same text', () => {
  expect(seal(keyring, randomBytes, 'v', place)).not.toBe(seal(keyring, randomBytes, 'v', place))
})

test('a secret shows itself to nobody who does not ask', () => {
  const secret = new Secret('hunter2')
  const shown = [`${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true, depth: 9 })]
  for (const text of shown) expect(text).not.toContain('hunter2')
  expect(secret.reveal()).toBe('hunter2')
})

test('a digest depends on the credential and on the master key', () => {
  const digest = digestCredential(keyring, 'sky_a.b')
  expect(digest).toHaveLength(32)
  expect(digestCredential(deriveKeyring('one'), 'sky_a.b')).toEqual(digest)
  expect(digestCredential(keyring, 'sky_a.c')).not.toEqual(digest)
  expect(digestCredential(deriveKeyring('two'), 'sky_a.b')).not.toEqual(digest)
})
