import { lookup } from 'node:dns'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { findOperator } from '../api/authenticate.ts'
import { createManagement, dressManaged } from '../api/management.ts'
import type { Billing } from '../billing/billing.ts'
import { bundledCatalog } from '../catalog/bundled.ts'
import type { Settings } from '../config/settings.ts'
import { isDataPlane } from '../gateway/accept.ts'
import { dressFrontier } from '../gateway/frontier-failures.ts'
import { serveCall } from '../gateway/pipeline.ts'
import type { Room } from '../gateway/room.ts'
import type { Caller } from '../http/caller.ts'
import { operationsRoutes } from '../http/operations.ts'
import { defaultPatience, type HttpServer, openServer } from '../http/server.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import { isPublicHost } from '../upstream/public-host.ts'
import type { Basics } from './basics.ts'
import { openOwnEgress } from './egress-rules.ts'

const bytesPerMb = 2 ** 20

/** What the listener is made of, beside the settings. */
export interface ListenerParts {
  readonly room: Room
  readonly tenancy: Tenancy
  readonly billing: Billing
  /** The product's. */
  readonly version: string
  readonly isDraining: () => boolean
}

/** Makes the listener: calls of models to the room, everything else to management and the probes. */
export function makeListener(settings: Settings, basics: Basics, parts: ListenerParts): HttpServer {
  const { clock, newUlid, log, metrics } = basics
  const { room, tenancy, version } = parts
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
    egress: openOwnEgress(settings, null),
    isPublicHost: (host) => isPublicHost(host, lookup),
    mayStandOpen: settings.mayStandOpen,
    catalog: bundledCatalog,
    requestsPerSecond: settings.frontier.managementRequestsPerSecond,
    version,
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
  const senders = new WeakMap<object, () => Caller>()
  const manage = getRequestListener(
    (request, { incoming }) => {
      const sender = senders.get(incoming)
      return app.fetch(request, sender && { sender })
    },
    { overrideGlobalObjects: false },
  )
  const management = (request: IncomingMessage, response: ServerResponse, sender: () => Caller) => {
    senders.set(request, sender)
    void manage(request, response)
  }
  return openServer({
    settings: {
      maxConnections: settings.server.max_connections,
      maxBufferedBytes: settings.server.max_buffered_mb * bytesPerMb,
      bodyIdleMs: settings.server.body_idle_seconds * 1000,
      trustedProxies: settings.server.trusted_proxies,
      ownNames: [
        ...settings.server.host_names,
        ...settings.frontier.workspaces.flatMap(({ domains }) => domains),
      ],
      patience: defaultPatience,
    },
    clock,
    elapsedMs: () => performance.now(),
    isDataPlane,
    dataPlane: (exchange) => serveCall(exchange, room),
    management,
    dress: (failure, path) => (isDataPlane(path) ? dressFrontier(failure) : dressManaged(failure, path)),
    bug: reportBug,
  })
}
