import { expect, test } from 'vitest'
import { type Caller, isForeign, readCaller, trustProxies } from './caller.ts'

const ownNames = new Set(['ai.example'])
const reader = (headers: Record<string, string>) => (name: string) => headers[name] ?? null

test.each([
  ['10.0.0.1', true],
  ['10.255.0.1', true],
  ['::ffff:10.0.0.1', true],
  ['11.0.0.1', false],
  ['192.168.1.7', true],
  ['192.168.1.8', false],
  ['fd00::1', true],
  ['fe80::1', false],
  ['', false],
  ['proxy', false],
])('an address in the list is trusted: %s %s', (address, expected) => {
  expect(trustProxies(['10.0.0.0/8', '192.168.1.7', 'fd00::/8'])(address)).toBe(expected)
})

test('nobody is trusted by an empty list', () => {
  expect(trustProxies([])('127.0.0.1')).toBe(false)
})

const isTrusted = trustProxies(['10.0.0.0/8'])

test.each<[what: string, peer: string, headers: Record<string, string>, expected: Partial<Caller>]>([
  [
    'a stranger is believed nothing',
    '6.6.6.6',
    { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'else.example' },
    { address: '6.6.6.6', protocol: 'http', host: 'ai.example' },
  ],
  [
    'a proxy is believed the address it saw',
    '10.0.0.1',
    { 'x-forwarded-for': '1.2.3.4' },
    { address: '1.2.3.4', protocol: 'http' },
  ],
  [
    'behind two proxies, what the client itself claims does not count',
    '10.0.0.1',
    { 'x-forwarded-for': '10.9.9.9, 1.2.3.4, 10.0.0.2', 'x-forwarded-proto': 'https, http' },
    { address: '1.2.3.4', protocol: 'https' },
  ],
  [
    'an unreadable hop ends the way',
    '10.0.0.1',
    { 'x-forwarded-for': '1.2.3.4, unknown' },
    { address: '10.0.0.1' },
  ],
  ['only proxies on the way', '10.0.0.1', { 'x-forwarded-for': '10.0.0.3' }, { address: '10.0.0.3' }],
  ['an IPv4 address in IPv6 is told plainly', '::ffff:6.6.6.6', {}, { address: '6.6.6.6' }],
  [
    'the host is what the nearest proxy was asked for',
    '10.0.0.1',
    { 'x-forwarded-host': 'evil.example, ai.example' },
    { host: 'ai.example', isForeign: false },
  ],
])('%s', (_, peer, headers, expected) => {
  expect(readCaller(peer, 'ai.example', reader(headers), isTrusted, ownNames)).toMatchObject(expected)
})

test.each<[host: string | null, headers: Record<string, string>, expected: boolean]>([
  ['localhost:8080', {}, false],
  ['tollgate.localhost', {}, false],
  ['127.0.0.1:8080', {}, false],
  ['127.9.9.9', {}, false],
  ['[::1]:8080', {}, false],
  ['AI.Example:443', {}, false],
  [null, {}, false],
  ['127.0.0.1.evil.example', {}, true],
  ['evil.example', {}, true],
  ['notlocalhost', {}, true],
  ['10.0.0.1', {}, true],
  ['localhost:8080', { origin: 'http://localhost:8080' }, false],
  ['localhost:8080', { origin: 'http://localhost:3000' }, true],
  ['localhost:8080', { origin: 'https://evil.example' }, true],
  ['localhost:8080', { origin: 'null' }, true],
  ['ai.example', { origin: 'https://AI.example' }, false],
  ['localhost', { 'sec-fetch-site': 'same-origin' }, false],
  ['localhost', { 'sec-fetch-site': 'Cross-Site' }, true],
])('a call to %s with %o is foreign: %s', (host, headers, expected) => {
  expect(isForeign(host, reader(headers), ownNames)).toBe(expected)
})
