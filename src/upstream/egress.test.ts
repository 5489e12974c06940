import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLong } from '../../test/setup/form.ts'
import { isFailure } from '../domain/failure.ts'
import { addressKind, unwrapAddress } from './addresses.ts'
import { originOf, resolvesTo } from './connections.fixture.ts'
import { type EgressRules, egressRefusal, openEgress, type Resolve } from './egress.ts'

function open(rules: Partial<EgressRules> = {}, resolve: Resolve = () => expect.unreachable()) {
  const egress = openEgress({ trusted: [], allowPrivate: [], origins: new Map(), ...rules }, resolve)
  if (isFailure(egress)) throw new Error('the rules are wrong')
  return egress
}

/** Whether an origin made of the address itself passes; then a name that resolves to it must pass too. */
async function passes(
  address: string,
  rules: Partial<EgressRules> = {},
  isTrusted = false,
): Promise<boolean> {
  const host = address.includes(':') ? `[${address}]` : address
  const literal = originOf(`https://${host}`)
  const named = originOf('https://name.test')
  const family = address.includes(':') ? 6 : 4
  const egress = open(
    { trusted: isTrusted ? [literal, named] : [], ...rules },
    resolvesTo({ address, family }),
  )
  const direct = !isFailure(egress.route(literal))
  expect(await resolved(egress.route(named))).toEqual(direct ? [address] : [])
  return direct
}

/** The addresses that a route's lookup lets through. */
function resolved(route: ReturnType<ReturnType<typeof open>['route']>): Promise<string[]> {
  if (isFailure(route)) throw new Error('a name is never refused by itself')
  return new Promise((resolve) =>
    route.lookup('name.test', { all: true }, (error, found) =>
      resolve(error === null && Array.isArray(found) ? found.map(({ address }) => address) : []),
    ),
  )
}

const publicAddresses = [
  '1.1.1.1',
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '100.63.0.1',
  '2606:4700::1111',
  '2a00::1',
]
const internalAddresses = [
  ...[
    '127.0.0.1',
    '127.255.0.9',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.127.0.1',
  ],
  ...['192.0.2.1', '198.18.0.1', '203.0.113.7', '::1', 'fc00::1', 'fd12:3456::1', 'fec0::1', '2001:db8::1'],
]
const forbiddenAddresses = [
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '169.254.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
  ],
  ...['224.0.0.1', '239.1.2.3', '240.0.0.1', '255.255.255.255'],
  ...['::', 'fe80::1', 'febf::1', 'fd00:ec2::254', 'fd20:ce::254', 'ff02::1'],
]

describe('an address', () => {
  it.each(publicAddresses)('%s is public', async (address) => {
    expect(addressKind(address)).toBe('public')
    expect(await passes(address)).toBe(true)
  })

  it.each(internalAddresses)(
    '%s is internal: the file or an allowed network lets it pass',
    async (address) => {
      expect(addressKind(address)).toBe('internal')
      expect(await passes(address)).toBe(false)
      expect(await passes(address, {}, true)).toBe(true)
      expect(
        await passes(address, { allowPrivate: [`${address}/${address.includes(':') ? 128 : 32}`] }),
      ).toBe(true)
      expect(await passes(address, { allowPrivate: ['10.99.0.0/16', 'fd99::/16'] })).toBe(false)
    },
  )

  it.each(forbiddenAddresses)('%s is forbidden, whatever is allowed', async (address) => {
    expect(addressKind(address)).toBe('forbidden')
    expect(await passes(address, { allowPrivate: ['0.0.0.0/0', '::/0'] }, true)).toBe(false)
  })

  it('within an IPv6 address is judged as itself', () => {
    const every = [...publicAddresses, ...internalAddresses, ...forbiddenAddresses]
    for (const address of every.filter((each) => !each.includes(':'))) {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
      const groups = [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(':')
      const wrapped = [
        `::ffff:${address}`,
        `::FFFF:${groups}`,
        `0:0:0:0:0:ffff:${groups}`,
        `64:ff9b::${groups}`,
      ]
      for (const each of [...wrapped, `2002:${groups}::1`, `::ffff:0:${address}`]) {
        expect(unwrapAddress(each)).toBe(address)
        expect(addressKind(each)).toBe(addressKind(address))
      }
      if (a !== 0) expect(unwrapAddress(`::${address}`)).toBe(address)
    }
  })

  it('is unwrapped like that however it is written', () => {
    const dotted = fc.ipV4()
    fc.assert(
      fc.property(dotted, (address) => {
        const { hostname } = new URL(`http://[::ffff:${address}]`)
        expect(unwrapAddress(hostname.slice(1, -1))).toBe(address)
      }),
      { numRuns: isLong ? 10_000 : 300 },
    )
    fc.assert(
      fc.property(fc.ipV6(), (address) => void addressKind(address)),
      { numRuns: isLong ? 10_000 : 300 },
    )
  })

  it('of a link keeps its kind with a zone', () => {
    expect(addressKind('fe80::1%eth0')).toBe('forbidden')
    expect(addressKind('::ffff:169.254.169.254%1')).toBe('forbidden')
  })
})

describe('an origin', () => {
  it.each(['0x7f.1', '2130706433', '017700000001', '127.1', '[::ffff:7f00:1]', '[0:0:0:0:0:0:0:1]'])(
    'that spells loopback as %s is refused',
    (host) => expect(open().route(originOf(`http://${host}:8080`))).toBe(egressRefusal),
  )

  it('is trusted with its port and scheme only', () => {
    const egress = open({ trusted: [originOf('http://127.0.0.1:11434')] })
    expect(egress.route(originOf('http://127.0.0.1:11434/v1'))).not.toHaveProperty('failure')
    for (const other of ['http://127.0.0.1:11435', 'https://127.0.0.1:11434', 'http://127.0.0.2:11434']) {
      expect(egress.route(originOf(other))).toBe(egressRefusal)
    }
  })

  it('whose name leads to several addresses is reached at the allowed ones', async () => {
    const mixed = resolvesTo(
      { address: '10.0.0.1', family: 4 },
      { address: '1.1.1.1', family: 4 },
      { address: '::ffff:169.254.169.254', family: 6 },
      { address: '2606:4700::1111', family: 6 },
    )
    const route = open({}, mixed).route(originOf('https://name.test'))
    expect(await resolved(route)).toEqual(['1.1.1.1', '2606:4700::1111'])
    if (isFailure(route)) throw new Error('refused')
    const one = await new Promise((resolve) =>
      route.lookup('name.test', {}, (_, address, family) => resolve({ address, family })),
    )
    expect(one).toEqual({ address: '1.1.1.1', family: 4 })
  })

  it('that is replaced must pass by itself first, and its replacement is trusted', () => {
    const fake = originOf('http://127.0.0.1:9999')
    const [vendor, internal] = [originOf('https://api.vendor.test'), originOf('http://10.0.0.1')]
    const origins = new Map([vendor, internal].map((origin) => [origin.key, fake]))
    const egress = open({ origins })
    expect(egress.route(vendor)).toMatchObject({ destination: fake })
    expect(egress.route(internal)).toBe(egressRefusal)
    expect(egress.route(fake)).toBe(egressRefusal)
  })

  it('is never replaced by a forbidden one', () => {
    const vendor = originOf('https://api.vendor.test')
    const egress = open({ origins: new Map([[vendor.key, originOf('http://169.254.169.254')]]) })
    expect(egress.route(vendor)).toBe(egressRefusal)
  })
})

describe('the list of allowed networks', () => {
  it.each([
    '',
    '10.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::/129',
    'localhost/8',
    '10.0.0.0/-1',
    '/8',
  ])('refuses %j', (network) => {
    const rules = { trusted: [], allowPrivate: ['10.0.0.0/8', network], origins: new Map() }
    expect(openEgress(rules, () => {})).toMatchObject({ failure: 'invalid' })
  })
})
