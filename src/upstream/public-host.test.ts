import { expect, test } from 'vitest'
import type { Resolve } from './egress.ts'
import { isPublicHost } from './public-host.ts'

const names: Readonly<Record<string, readonly string[]>> = {
  'tools.example': ['93.184.216.34', '2606:2800:220:1::1'],
  'inside.example': ['93.184.216.34', '10.0.0.7'],
  'metadata.example': ['169.254.169.254'],
}
const resolve: Resolve = (hostname, _options, done) => {
  const found = names[hostname]
  if (found === undefined) return done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), [])
  done(
    null,
    found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  )
}

test.each([
  ['tools.example', true],
  ['inside.example', false],
  ['metadata.example', false],
  ['nowhere.example', false],
  ['93.184.216.34', true],
  ['127.0.0.1', false],
  ['[::1]', false],
  ['[2606:2800:220:1::1]', true],
  ['192.168.1.4', false],
])('%s can be reached by everybody: %s', async (host, expected) => {
  expect(await isPublicHost(host, resolve)).toBe(expected)
})
