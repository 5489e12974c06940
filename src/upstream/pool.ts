import type { Failure } from '../domain/failure.ts'
import { type Connection, type ConnectionOwner, openConnection } from './connection.ts'
import type { DialSettings } from './dial.ts'
import type { Route } from './egress.ts'
import { type Exchange, enterPhase, failExchange } from './exchange.ts'

/** How many connections there may be, and for how long. */
export interface PoolLimits {
  /** Free connections kept at most for one origin; one too many is closed. */
  readonly maxIdlePerOrigin: number
  /** Connections to one origin at most, Infinity for no limit. What would need one more fails. */
  readonly maxPerOrigin: number
  /** How long a free connection is kept. */
  readonly idleMs: number
}

/** What pools count, over all origins and since the start. */
export interface PoolCounts {
  dialled: number
  reused: number
  /** Requests sent again because the old connection that they were given to was dead. */
  retried: number
}

/** The connections of one origin. */
export interface Pool {
  /** Gives the exchange the connection that was freed last, or a new one. */
  serve(exchange: Exchange): void
  /** Closes what has been free for too long. */
  sweep(nowMs: number): void
  /** Closes the free connections, and from now on each that becomes free. */
  close(): void
  openCount(): number
  freeCount(): number
  /** Free connections that must not be free; anything but 0 is a bug. */
  uncleanCount(): number
}

/**
 * Closed this long before the upstream would: so a request rarely meets a connection that is being closed.
 */
const marginMs = 1_000

const tooMany: Failure = {
  failure: 'upstream',
  problem: 'refused',
  message: 'All connections to the upstream that its settings allow are in use.',
}

/** Opens the pool of one origin, without connections. */
export function openPool(route: Route, dialling: DialSettings, limits: PoolLimits, counts: PoolCounts): Pool {
  /**
   * The one freed last is at the end, and is taken first: few stay warm, the rest grow old and are closed.
   */
  const free: Connection[] = []
  let openCount = 0
  let isClosed = false

  const owner: ConnectionOwner = {
    session: null,
    onFree(connection) {
      const keptMs = connection.keepAliveMs() - marginMs
      if (isClosed || keptMs <= 0 || free.length >= limits.maxIdlePerOrigin) {
        connection.destroy()
      } else {
        connection.freeUntilMs = null
        free.push(connection)
      }
    },
    onLost(exchange, failure, isStale) {
      if (!isStale || exchange.request === null) {
        failExchange(exchange, failure)
      } else {
        // Once at most: the new connection has served nobody, so its loss is never stale.
        counts.retried++
        dialFor(exchange)
      }
    },
    onClosed(connection) {
      openCount--
      const at = free.lastIndexOf(connection)
      if (at >= 0) free.splice(at, 1)
    },
  }

  function takeFree(): Connection | undefined {
    let connection = free.pop()
    while (connection !== undefined && !connection.isAlive()) connection = free.pop()
    return connection
  }

  function dialFor(exchange: Exchange): void {
    if (openCount >= limits.maxPerOrigin) {
      process.nextTick(failExchange, exchange, tooMany)
      return
    }
    openCount++
    counts.dialled++
    enterPhase(exchange, 'connect', exchange.timeouts.connectMs)
    openConnection(route, dialling, owner).serve(exchange)
  }

  return {
    serve(exchange) {
      const connection = takeFree()
      if (connection === undefined) {
        dialFor(exchange)
      } else {
        counts.reused++
        connection.serve(exchange)
      }
    },
    sweep(nowMs) {
      for (const connection of [...free]) {
        connection.freeUntilMs ??= nowMs + Math.min(limits.idleMs, connection.keepAliveMs() - marginMs)
        if (nowMs >= connection.freeUntilMs) connection.destroy()
      }
    },
    close() {
      isClosed = true
      for (const connection of [...free]) connection.destroy()
    },
    openCount: () => openCount,
    freeCount: () => free.length,
    uncleanCount: () => free.filter((connection) => !connection.isClean()).length,
  }
}
