import { Hono } from 'hono'
import type { Failure } from '../domain/failure.ts'
import type { DressedFailure } from '../domain/failure-table.ts'
import { adminDoor } from './admin/door.ts'
import { dressAdmin } from './admin/failures.ts'
import { adminRoutes } from './admin/routes.ts'
import { crossOrigin } from './cross-origin.ts'
import { documentation } from './docs.ts'
import { openEntrance } from './entrance.ts'
import { dressManagement } from './failures.ts'
import { governanceDoor } from './governance/door.ts'
import { governanceRoutes, virtualKeyRoutes } from './governance/routes.ts'
import { virtualKeyDoor } from './governance/virtual-key-door.ts'
import { openDoor } from './open/door.ts'
import { openRoutes } from './open/routes.ts'
import { openRateLimit } from './rate-limit.ts'
import { routes } from './routes.ts'
import { type Handed, type ReportBug, serveRoutes, toResponse } from './serve.ts'
import { setupDoor } from './setup/door.ts'
import type { SetupServices } from './setup/route.ts'
import { setupRoutes } from './setup/routes.ts'
import { type WorkspaceServices, workspaceDoor } from './workspace-door.ts'

export interface ManagementOptions extends Omit<WorkspaceServices, 'rateLimit'>, SetupServices {
  /** How often one key may call one route of the workspaces' API within a second. */
  readonly requestsPerSecond: number
  readonly reportBug: ReportBug
}

/**
 * The workspaces' API under `/v1/gateway` and `/v1/audit_logs`, the operator's under `/api/admin`, their documents and the
 * page of both. Knows nothing of the server that carries it.
 */
export function createManagement(options: ManagementOptions): Hono<{ Bindings: Handed }> {
  const { requestsPerSecond, reportBug, ...services } = options
  const rateLimit = openRateLimit(requestsPerSecond)
  const app = new Hono<{ Bindings: Handed }>()
  const entrance = openEntrance(services)
  app.use('/api/*', crossOrigin(services.tenancy))
  app.route('/', serveRoutes([], openRoutes, openDoor({ ...services, entrance }), reportBug))
  app.route('/', serveRoutes(['/api/admin'], adminRoutes, adminDoor(services, entrance), reportBug))
  // Before the routes of virtual keys by their id: this word is none.
  app.route('/', serveRoutes([], virtualKeyRoutes, virtualKeyDoor(services), reportBug))
  app.route(
    '/',
    serveRoutes(['/api/governance'], governanceRoutes, governanceDoor(services, entrance), reportBug),
  )
  // Last of those under `/api`: what is none of the others' is nobody's, and only administrators are told.
  app.route('/', serveRoutes(['/api'], setupRoutes, setupDoor(services, entrance), reportBug))
  app.route(
    '/',
    serveRoutes(
      ['/v1/gateway', '/v1/audit_logs'],
      routes,
      workspaceDoor({ ...services, rateLimit }),
      reportBug,
    ),
  )
  app.route(
    '/',
    documentation({
      '/openapi.json': {
        title: 'Gateway',
        read: () => import('../../openapi/frontier.json', { with: { type: 'json' } }),
      },
      '/openapi/governance.json': {
        title: 'Governance',
        read: () => import('../../openapi/governance.json', { with: { type: 'json' } }),
      },
      '/openapi/admin.json': {
        title: 'Operator',
        read: () => import('../../openapi/admin.json', { with: { type: 'json' } }),
      },
    }),
  )
  app.notFound(({ req }) => toResponse(dressManaged({ failure: 'not_found', what: 'route' }, req.path)))
  return app
}

/** A failure as the surface that a path leads to says it, where nobody came as far as a route. */
export function dressManaged(failure: Failure, path: string): DressedFailure {
  const isOperators = path === '/api' || path.startsWith('/api/')
  return isOperators ? dressAdmin(failure) : dressManagement(failure)
}
