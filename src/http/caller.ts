import { BlockList, isIP } from 'node:net'

/** Who sent a request, as far as its connection and the proxies we trust can tell. */
export interface Caller {
  /** The client's address: the nearest hop that is no trusted proxy of ours. */
  readonly address: string
  /** The host the client asked for; null when it named none. */
  readonly host: string | null
  readonly protocol: 'http' | 'https'
  /**
   * True if a browser sent this from another site, or under a name that is not ours (DNS rebinding). Doors that need
   * no credential refuse such a call; where one is needed, it is the proof.
   */
  readonly isForeign: boolean
  /** True if a browser sent this from a page of another origin, under whatever name of ours. */
  readonly isCrossOrigin: boolean
}

/**
 * Reads a header of a request: all its values joined with commas, since some proxies append a line of their own
 * instead of extending the client's; the name in lower case.
 */
export type HeaderReader = (name: string) => string | null

/** Tells whether an address belongs to a proxy whose `X-Forwarded-*` we believe. */
export type TrustCheck = (address: string) => boolean

/**
 * The check for a list of addresses and CIDR blocks. Addresses that are none are never trusted.
 * Throws on a block that is no address: the configuration has checked them.
 */
export function trustProxies(blocks: readonly string[]): TrustCheck {
  if (blocks.length === 0) return () => false
  const list = new BlockList()
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address) => {
    const plain = plainAddress(address)
    const version = isIP(plain)
    return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Reads the caller of a request that came from `peer` with the given `Host`. */
export function readCaller(
  peer: string,
  host: string | null,
  header: HeaderReader,
  isTrusted: TrustCheck,
  ownNames: ReadonlySet<string>,
): Caller {
  const trusted = isTrusted(peer)
  const effectiveHost = trusted ? forwardedHost(host, header) : host
  return {
    address: trusted ? forwardedAddress(peer, header, isTrusted) : plainAddress(peer),
    host: effectiveHost,
    protocol: trusted && /^\s*https\b/i.test(header('x-forwarded-proto') ?? '') ? 'https' : 'http',
    isForeign: isForeign(effectiveHost, header, ownNames),
    isCrossOrigin: isCrossOrigin(effectiveHost, header),
  }
}

/** The host that the nearest proxy was asked for, or that it asked us for. */
export function forwardedHost(host: string | null, header: HeaderReader): string | null {
  return header('x-forwarded-host')?.split(',').at(-1)?.trim() || host
}

/** See `Caller.isForeign`. `ownNames` are host names without port, in lower case; loopback names are always ours. */
export function isForeign(host: string | null, header: HeaderReader, ownNames: ReadonlySet<string>): boolean {
  return isCrossOrigin(host, header) || (host !== null && !isOwnName(nameOf(host), ownNames))
}

function isCrossOrigin(host: string | null, header: HeaderReader): boolean {
  if (header('sec-fetch-site')?.toLowerCase() === 'cross-site') return true
  const origin = header('origin')
  return origin !== null && !isOriginOf(origin, host)
}

function isOriginOf(origin: string, host: string | null): boolean {
  const match = /^https?:\/\/(.+)$/i.exec(origin)
  return match?.[1]?.toLowerCase() === host?.toLowerCase()
}

function isOwnName(name: string, ownNames: ReadonlySet<string>): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    (isIP(name) === 4 && name.startsWith('127.')) ||
    ownNames.has(name)
  )
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '')
}

// From the right, because each proxy appends: what stands left of the first stranger is the stranger's own claim.
function forwardedAddress(peer: string, header: HeaderReader, isTrusted: TrustCheck): string {
  const hops = header('x-forwarded-for')?.split(',') ?? []
  let address = plainAddress(peer)
  for (const hop of hops.reverse()) {
    const claimed = plainAddress(hop.trim())
    if (isIP(claimed) === 0) return address
    address = claimed
    if (!isTrusted(claimed)) return address
  }
  return address
}

function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address
}
