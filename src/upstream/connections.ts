import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { Failure } from '../domain/failure.ts'
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './call.ts'
import { openDeadlines, type Phase, type SweepTimer } from './deadlines.ts'
import type { DialSettings } from './dial.ts'
import type { Egress, Reach } from './egress.ts'
import { type Exchange, failExchange, openExchange } from './exchange.ts'
import type { Origin } from './origin.ts'
import { openPool, type Pool, type PoolCounts, type PoolLimits } from './pool.ts'

/** What the client needs of its surroundings. */
export interface UpstreamOptions {
  readonly egress: Egress
  readonly timer: SweepTimer
  readonly limits?: Partial<PoolLimits>
  /** Certificates in PEM that are trusted besides those of the system. */
  readonly extraAuthorities?: readonly string[]
}

/** A look at the client, for metrics. */
interface UpstreamStats extends Readonly<PoolCounts> {
  /** Requests whose response is not complete. */
  readonly waiting: number
  readonly open: number
  readonly free: number
  /** Free connections that must not be free; anything but 0 is a bug. */
  readonly unclean: number
}

/** The gateway's HTTP/1.1 client. */
export interface Upstream {
  /**
   * Sends a request on a kept connection or a new one. Each connection serves one request at a time. A kept
   * connection that turns out to be dead before it gave a byte is replaced once, and the request sent again.
   * Throws for a request whose path or headers are not well-formed: that is a bug.
   */
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
  stats(): UpstreamStats
  /** Closes free connections and fails what is under way; later requests fail too. */
  close(): void
}

const defaultLimits: PoolLimits = {
  maxIdlePerOrigin: 512,
  maxPerOrigin: Number.POSITIVE_INFINITY,
  idleMs: 30_000,
}

/** How late a timeout may be: twice this. */
const sweepMs = 100

const closing: Failure = { failure: 'upstream', problem: 'cut', message: 'The gateway is closing.' }

/** Opens the client. It connects nowhere by itself. Throws for authorities that cannot be read. */
export function openUpstream({ egress, timer, limits, extraAuthorities = [] }: UpstreamOptions): Upstream {
  const poolLimits = { ...defaultLimits, ...limits }
  const counts: PoolCounts = { dialled: 0, reused: 0, retried: 0 }
  const pools = new Map<string, Pool>()
  const deadlines = openDeadlines<Exchange>((exchange, phase) => failExchange(exchange, timedOut(phase)))
  const forget = deadlines.delete
  let isClosed = false

  const dialling: DialSettings = {
    readBuffer: Buffer.allocUnsafeSlow(65_536),
    secureContext: makeSecureContext(extraAuthorities),
  }

  /** Connections that were made with one reach are not used with another. */
  function poolOf(origin: Origin, reach: Reach | undefined): Pool | Failure {
    const key = reach === undefined ? origin.key : `${origin.key} ${reach}`
    const known = pools.get(key)
    if (known !== undefined) return known
    const route = egress.route(origin, reach)
    if ('failure' in route) return route
    const pool = openPool(route, dialling, poolLimits, counts)
    pools.set(key, pool)
    return pool
  }

  function sweep(): void {
    const nowMs = timer.nowMs()
    deadlines.sweep(nowMs)
    for (const [key, pool] of pools) {
      pool.sweep(nowMs)
      if (pool.openCount() === 0) pools.delete(key)
    }
  }

  const stopSweeping = timer.every(sweepMs, sweep)

  return {
    send(request, handler) {
      const exchange = openExchange(request, handler, forget)
      deadlines.add(exchange)
      const pool = isClosed ? closing : poolOf(request.origin, request.reach)
      if ('failure' in pool) process.nextTick(failExchange, exchange, pool)
      else pool.serve(exchange)
      return exchange
    },
    stats() {
      const all = [...pools.values()]
      return {
        ...counts,
        waiting: deadlines.waiting().length,
        open: sum(all.map((pool) => pool.openCount())),
        free: sum(all.map((pool) => pool.freeCount())),
        unclean: sum(all.map((pool) => pool.uncleanCount())),
      }
    },
    close() {
      isClosed = true
      stopSweeping()
      for (const pool of pools.values()) pool.close()
      for (const exchange of deadlines.waiting()) failExchange(exchange, closing)
    },
  }
}

function timedOut(phase: Phase): Failure {
  return { failure: 'upstream_timeout', phase }
}

function makeSecureContext(extraAuthorities: readonly string[]): SecureContext {
  if (extraAuthorities.length === 0) return createSecureContext({ minVersion: 'TLSv1.2' })
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ca: [...getCACertificates('default'), ...extraAuthorities],
  })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
