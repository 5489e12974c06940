import { getRequestListener } from '@hono/node-server'
import { findOperator } from '../api/authenticate.ts'
import { createManagement, dressManaged } from '../api/management.ts'
import type { Billing } from '../billing/billing.ts'
import type { Settings } from '../config/settings.ts'
import { isDataPlane } from '../gateway/accept.ts'
import { dressFrontier } from '../gateway/frontier-failures.ts'
import { serveCall } from '../gateway/pipeline.ts'
import type { Room } from '../gateway/room.ts'
import { operationsRoutes } from '../http/operations.ts'
import { defaultPatience, type HttpServer, openServer } from '../http/server.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import type { Basics } from './basics.ts'

const bytesPerMb = 2 ** 20

/** What the listener is made of, beside the settings. */
export interface ListenerParts {
  readonly room: Room
  readonly tenancy: Tenancy
  readonly billing: Billing
  readonly isDraining: () => boolean
}

/** Makes the listener: calls of models to the room, everything else to management and the probes. */
export function makeListener(settings: Settings, basics: Basics, parts: ListenerParts): HttpServer {
  const { clock, newUlid, log, metrics } = basics
  const { room, tenancy } = parts
  const reportBug = (error: unknown): string => {
    const id = newUlid(clock())
    log.error({ id, err: error }, 'a request met a bug')
    return id
  }
  const app = createManagement({
    tenancy,
    billing: parts.billing,
    counters: room.counters,
    clock,
    requestsPerSecond: settings.frontier.managementRequestsPerSecond,
    reportBug,
  })
  app.route(
    '/',
    operationsRoutes({
      metrics,
      isOperator: (authorization) => findOperator(tenancy, authorization) !== null,
      unreadyReasons: () => [
        ...(parts.isDraining() ? ['the gateway is shutting down'] : []),
        ...(room.spool.isWritable() ? [] : ['the spool cannot be written']),
      ],
    }),
  )
  const manage = getRequestListener(app.fetch, { overrideGlobalObjects: false })
  return openServer({
    settings: {
      maxConnections: settings.server.max_connections,
      maxBufferedBytes: settings.server.max_buffered_mb * bytesPerMb,
      bodyIdleMs: settings.server.body_idle_seconds * 1000,
      trustedProxies: settings.server.trusted_proxies,
      ownNames: settings.frontier.workspaces.flatMap(({ domains }) => domains),
      patience: defaultPatience,
    },
    clock,
    elapsedMs: () => performance.now(),
    isDataPlane,
    dataPlane: (exchange) => serveCall(exchange, room),
    management: (request, response) => void manage(request, response),
    dress: (failure, path) => (isDataPlane(path) ? dressFrontier(failure) : dressManaged(failure, path)),
    bug: reportBug,
  })
}
