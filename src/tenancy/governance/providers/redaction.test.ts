import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isRedacted, redact } from './redaction.ts'
import { keptOrNew, resolveTexts } from './written-secrets.ts'

const variable = (name: string) => ({ SET: 'a-secret-of-the-environment' })[name]

test('a secret is shown in part, and a short one not at all', () => {
  expect(redact('sk-abcdefghijklmnopqrxyz')).toBe('sk-a****xyz')
  expect(redact('short-secret-15')).toBe('****')
  expect(redact('')).toBe('')
})

test('whatever a secret is, what is shown of it is known as such, and keeps it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 60 }), (secret) => {
      const shown = redact(secret)
      expect(isRedacted(shown)).toBe(true)
      expect(keptOrNew(shown, secret, 'value', () => undefined)).toBe(secret)
    }),
  )
})

test('stars that stand for something else are refused', () => {
  const refused = { failure: 'invalid', message: expect.stringMatching(/^value: is not what is shown/) }
  expect(keptOrNew('sk-a****xyz', undefined, 'value', variable)).toEqual(refused)
  expect(keptOrNew('sk-a****xyz', 'another-secret-that-is-long', 'value', variable)).toEqual(refused)
  expect(keptOrNew('sk-plain', 'another-secret-that-is-long', 'value', variable)).toBe('sk-plain')
})

test('what is shown of a variable’s value keeps the variable', () => {
  expect(keptOrNew('a-se****ent', 'env.SET', 'value', variable)).toBe('env.SET')
})

test('variables are put in wherever they stand', () => {
  const written = { a: 'env.SET', b: { c: ['env.UNSET', 'plain', 3] } }
  expect(resolveTexts(written, variable)).toEqual({
    value: { a: 'a-secret-of-the-environment', b: { c: ['', 'plain', 3] } },
    envVars: { a: 'SET', 'b.c.0': 'UNSET' },
    unset: ['UNSET'],
  })
})
