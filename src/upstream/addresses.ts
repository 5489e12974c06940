import { BlockList, isIPv6 } from 'node:net'

/**
 * What an address is to us: `public` may be reached by anybody, `internal` only where the operator said so,
 * `forbidden` never.
 */
export type AddressKind = 'public' | 'internal' | 'forbidden'

type Range = readonly [network: string, prefixBits: number]

/** Link-local and metadata services of the clouds, and what is no single host. */
const forbidden = blockList([
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.192', 32],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['fe80::', 10],
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
  ['fd00:42::42', 128],
  ['ff00::', 8],
])

/** Loopback, private, shared and reserved ranges. */
const internal = blockList([
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['::1', 128],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fec0::', 10],
])

/**
 * Judges a numeric address. An IPv4 address within an IPv6 one is judged as the IPv4 address that it reaches.
 */
export function addressKind(address: string): AddressKind {
  const plain = unwrapAddress(address)
  if (isWithin(forbidden, plain)) return 'forbidden'
  return isWithin(internal, plain) ? 'internal' : 'public'
}

/** Whether one of the list's networks holds the address; it is unwrapped first. */
export function holdsAddress(networks: BlockList, address: string): boolean {
  return isWithin(networks, unwrapAddress(address))
}

/**
 * IPv4-mapped, -translated and -compatible addresses, NAT64 and 6to4 become the IPv4 address that they stand
 * for.
 */
export function unwrapAddress(address: string): string {
  const withoutZone = address.split('%', 1)[0] ?? address
  if (!isIPv6(withoutZone)) return withoutZone
  const groups = groupsOf(withoutZone)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  if (a === 0x2002) return dotted(b, c)
  if (a === 0x64 && b === 0xff9b && (c | d | e | f) === 0) return dotted(g, h)
  if ((a | b | c | d) !== 0) return withoutZone
  const isMapped = e === 0 && f === 0xffff
  const isTranslated = e === 0xffff && f === 0
  const isCompatible = e === 0 && f === 0 && (g !== 0 || h > 1)
  return isMapped || isTranslated || isCompatible ? dotted(g, h) : withoutZone
}

function isWithin(networks: BlockList, address: string): boolean {
  return networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

function blockList(ranges: readonly Range[]): BlockList {
  const list = new BlockList()
  for (const [network, prefixBits] of ranges) {
    list.addSubnet(network, prefixBits, isIPv6(network) ? 'ipv6' : 'ipv4')
  }
  return list
}

function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const front = hexGroups(head)
  if (tail === undefined) return front
  const back = hexGroups(tail)
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
}

function hexGroups(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
