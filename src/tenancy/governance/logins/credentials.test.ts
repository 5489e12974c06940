import { expect, test } from 'vitest'
import { bearerOf, extractVirtualKey, isTokenShaped } from './credentials.ts'

const key = 'sk-bf-00000000-0000-4000-8000-000000000001'
const other = 'sk-bf-00000000-0000-4000-8000-000000000002'
const token = 'aaaa.bbbb.cccc'
const value = (text: string) => ({ kind: 'value', text })
const asToken = { kind: 'token', text: token }

test.each<[what: string, headers: Record<string, string>, readsTokens: boolean, expected: object | null]>([
  ['nothing', {}, true, null],
  ['its own header', { 'x-bf-vk': key }, false, value(key)],
  ['its own header, whatever stands there', { 'x-bf-vk': ' anything ' }, false, value('anything')],
  ['its own header, empty', { 'x-bf-vk': '  ', 'x-api-key': key }, false, value(key)],
  [
    'its own header before the others',
    { 'x-bf-vk': other, authorization: `Bearer ${key}` },
    false,
    value(other),
  ],
  ['a bearer', { authorization: `bEaReR  ${key} ` }, false, value(key)],
  [
    'a prefix in another case',
    { authorization: `Bearer ${key.toUpperCase()}` },
    false,
    value(key.toUpperCase()),
  ],
  [
    'another bearer is left alone',
    { authorization: 'Bearer sk-proj-1', 'x-api-key': key },
    false,
    value(key),
  ],
  ['another scheme is left alone', { authorization: `Basic ${key}` }, false, null],
  ['the first of several', { 'api-key': other, 'x-goog-api-key': key }, false, value(key)],
  [
    'a provider’s key is none',
    { 'x-api-key': 'sk-ant-1', 'x-goog-api-key': 'AIza', 'api-key': 'k' },
    true,
    null,
  ],
  ['a token where tokens are read', { authorization: `Bearer ${token}` }, true, asToken],
  ['a token in its own header', { 'x-bf-vk': token }, true, asToken],
  ['a token in an SDK’s header', { 'x-goog-api-key': token }, true, asToken],
  ['a token where they are not', { authorization: `Bearer ${token}` }, false, null],
  ['a token in its own header where they are not', { 'x-bf-vk': token }, false, value(token)],
])('%s', (_what, headers, readsTokens, expected) => {
  expect(extractVirtualKey((name) => headers[name], readsTokens)).toEqual(expected)
})

test('a bearer is what stands behind the scheme', () => {
  expect(bearerOf('Bearer a b')).toBe('a b')
  for (const header of [null, undefined, '', 'Bearer', 'Bearer ', 'Basic x', 'Bearerx y'])
    expect([header, bearerOf(header)]).toEqual([header, null])
})

test('a token has three parts, the last of which may be empty', () => {
  for (const text of ['a.b.c', 'a-_.b.']) expect(isTokenShaped(text)).toBe(true)
  for (const text of ['', 'a.b', 'a..c', '.b.c', 'a.b.c.d', 'a.b.c ', 'a.b+.c'])
    expect(isTokenShaped(text)).toBe(false)
})
