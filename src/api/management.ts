import { Hono } from 'hono'
import type { Failure } from '../domain/failure.ts'
import type { DressedFailure } from '../domain/failure-table.ts'
import { adminDoor } from './admin/door.ts'
import { dressAdmin } from './admin/failures.ts'
import { adminRoutes } from './admin/routes.ts'
import { documentation } from './docs.ts'
import { dressManagement } from './failures.ts'
import { openRateLimit } from './rate-limit.ts'
import { routes } from './routes.ts'
import { type ReportBug, serveRoutes, toResponse } from './serve.ts'
import { type WorkspaceServices, workspaceDoor } from './workspace-door.ts'

export interface ManagementOptions extends Omit<WorkspaceServices, 'rateLimit'> {
  /** How often one key may call one route of the workspaces' API within a second. */
  readonly requestsPerSecond: number
  readonly reportBug: ReportBug
}

/**
 * The workspaces' API under `/v1/gateway` and `/v1/audit_logs`, the operator's under `/api/admin`, their documents and the
 * page of both. Knows nothing of the server that carries it.
 */
export function createManagement(options: ManagementOptions): Hono {
  const { requestsPerSecond, reportBug, ...services } = options
  const rateLimit = openRateLimit(requestsPerSecond)
  const app = new Hono()
  app.route('/', serveRoutes(['/api/admin'], adminRoutes, adminDoor(services), reportBug))
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
