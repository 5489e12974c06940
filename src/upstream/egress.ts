import type { LookupAddress, LookupAllOptions } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { Failure } from '../domain/failure.ts'
import { addressKind, holdsAddress } from './addresses.ts'
import type { Origin } from './origin.ts'

/** Finds all addresses of a name: `dns.lookup`. */
export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** What the operator allows. */
export interface EgressRules {
  /** Origins that the operator wrote in the configuration file: internal addresses pass there. */
  readonly trusted: readonly Origin[]
  /** Networks such as `10.0.0.0/8` that any origin may lead to. */
  readonly allowPrivate: readonly string[]
  /** By the `key` of an origin: where its requests go instead. Written in the file, hence trusted. */
  readonly origins: ReadonlyMap<string, Origin>
}

/**
 * How far an origin may lead. `trusted`: to internal addresses, for the operator wrote it in the file; `allowed`: to
 * those that `allowPrivate` holds; `public`: to public ones only.
 */
export type Reach = 'trusted' | 'allowed' | 'public'

/** A way out: where to connect, and the only name lookup that may be used for it. */
export interface Route {
  readonly destination: Origin
  readonly lookup: LookupFunction
}

/** The one door to other machines. */
export interface Egress {
  /**
   * The way to an origin, or an `upstream` failure with problem `refused`. An address in the origin itself is
   * judged here; a name is judged by what it resolves to, at each new connection, by the route's `lookup`.
   */
  route(origin: Origin, reach?: Reach): Route | Failure
}

/** The `code` of the error that a route's `lookup` gives when a name resolves to forbidden addresses only. */
export const egressRefusedCode = 'EGRESS_REFUSED'

/** What a caller is told of a refused destination. It never names the address that was found. */
export const egressRefusal: Failure = {
  failure: 'upstream',
  problem: 'refused',
  message: 'The address of the upstream is not one that this gateway may reach.',
}

/**
 * Opens the door. Public addresses pass. Loopback, private and reserved ones pass if `allowPrivate` holds
 * them or if the origin is trusted; link-local, metadata, multicast and unspecified ones never do. Returns an
 * `invalid` failure for a network that is none.
 */
export function openEgress(rules: EgressRules, resolve: Resolve): Egress | Failure {
  const allowed = new BlockList()
  for (const network of rules.allowPrivate) {
    if (!addNetwork(allowed, network))
      return { failure: 'invalid', message: `'${network}' is not a network.` }
  }
  const trusted = new Set(rules.trusted.map((origin) => origin.key))

  function mayReach(address: string, reach: Reach): boolean {
    const kind = addressKind(address)
    if (kind !== 'internal' || reach === 'trusted') return kind !== 'forbidden'
    return reach === 'allowed' && holdsAddress(allowed, address)
  }

  function guardedLookup(reach: Reach): LookupFunction {
    return (hostname, options, done) => {
      resolve(hostname, { ...options, all: true }, (error, found) => {
        if (error) return done(error, '')
        const reachable = found.filter(({ address }) => mayReach(address, reach))
        const [first] = reachable
        if (first === undefined) return done(refusedError(), '')
        return options.all === true ? done(null, reachable) : done(null, first.address, first.family)
      })
    }
  }

  const lookups: Readonly<Record<Reach, LookupFunction>> = {
    trusted: guardedLookup('trusted'),
    allowed: guardedLookup('allowed'),
    public: guardedLookup('public'),
  }

  function judge(origin: Origin, reach: Reach): Route | Failure {
    if (isIP(origin.host) !== 0 && !mayReach(origin.host, reach)) return egressRefusal
    return { destination: origin, lookup: lookups[reach] }
  }

  return {
    route(origin, reach = trusted.has(origin.key) ? 'trusted' : 'allowed') {
      const asked = judge(origin, reach)
      const replacement = rules.origins.get(origin.key)
      return 'failure' in asked || replacement === undefined ? asked : judge(replacement, 'trusted')
    },
  }
}

function addNetwork(list: BlockList, network: string): boolean {
  const [address = '', prefix = '', ...rest] = network.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix)) return false
  const prefixBits = Number(prefix)
  if (prefixBits > (family === 4 ? 32 : 128)) return false
  list.addSubnet(address, prefixBits, family === 4 ? 'ipv4' : 'ipv6')
  return true
}

function refusedError(): NodeJS.ErrnoException {
  return Object.assign(new Error('no address of the name may be reached'), { code: egressRefusedCode })
}
