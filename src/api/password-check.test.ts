import { createHash, randomBytes, scryptSync } from 'node:crypto'
import { expect, test } from 'vitest'
import type { AuthConfig } from '../tenancy/governance/facts.ts'
import { hashPassword, isPassword } from '../tenancy/governance/logins/password.ts'
import { openPasswordCheck } from './password-check.ts'

const digestOf = (text: string) => createHash('sha256').update(text).digest()

/** Its password is stored as any is, at a thirty-second of the cost. */
function authWith(password: string): AuthConfig {
  const salt = randomBytes(16)
  const hash = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 })
  return {
    isEnabled: true,
    adminUsername: 'ops',
    adminPasswordHash: ['scrypt', 1024, 8, 1, salt.toString('base64'), hash.toString('base64')].join('$'),
    disableAuthOnInference: false,
    jwt: null,
  }
}

test('a password is stored salted, and known again', async () => {
  const [one, two] = [await hashPassword(randomBytes, 'pass'), await hashPassword(randomBytes, 'pass')]
  expect(one).toMatch(/^scrypt\$32768\$8\$1\$/)
  expect(one).not.toBe(two)
  expect(await isPassword(one, 'pass')).toBe(true)
  expect(await isPassword(one, 'Pass')).toBe(false)
  expect(await isPassword('plain', 'plain')).toBe(false)
})

test('a pair that was right passes for a minute, as long as the password holds', async () => {
  let now = 0
  const check = openPasswordCheck(() => now, digestOf)
  const auth = authWith('right')
  const right = { username: 'ops', password: 'right' }
  expect(await check.judge(right, auth, 'a')).toBeNull()
  // Whoever guesses meanwhile does not lock out who is known.
  for (let guess = 0; guess < 5; guess++)
    expect(await check.judge({ ...right, password: 'wrong' }, auth, 'a')).not.toBeNull()
  now = 59_999
  expect(await check.judge(right, auth, 'a')).toBeNull()
  expect(await check.judge(right, authWith('new'), 'b')).not.toBeNull()
  const again = { ...right, password: 'wrong' }
  expect(await check.judge(again, auth, 'a')).toMatchObject({ failure: 'limited' })
})

test('where there is no password, none is right', async () => {
  const check = openPasswordCheck(() => 0, digestOf)
  const auth = { ...authWith('right'), adminPasswordHash: '' }
  expect(await check.judge({ username: 'ops', password: '' }, auth, 'a')).not.toBeNull()
})

test('more guesses at once than can wait are told to come later', async () => {
  const check = openPasswordCheck(() => 0, digestOf)
  const auth = authWith('right')
  const guesses = Array.from({ length: 20 }, (_, at) =>
    check.judge({ username: `name ${at}`, password: 'guess' }, auth, 'a'),
  )
  const kinds = (await Promise.all(guesses)).map((failure) => failure?.failure)
  expect(kinds.filter((kind) => kind === 'overloaded')).toHaveLength(4)
  expect(kinds.filter((kind) => kind === 'unauthenticated')).toHaveLength(16)
})
