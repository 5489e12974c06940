import type { Hono } from 'hono'
import type { Tenancy } from '../tenancy/tenancy.ts'
import { documentation } from './docs.ts'
import { openApiDocument } from './openapi.ts'
import { routes } from './routes.ts'
import { type ReportBug, serveRoutes } from './serve.ts'

export interface ManagementOptions {
  readonly tenancy: Tenancy
  /** The product's, for the document. */
  readonly version: string
  readonly reportBug: ReportBug
}

/** The management API under `/v1/gateway`, its document and its page. Knows nothing of the server that carries it. */
export function createManagement({ tenancy, version, reportBug }: ManagementOptions): Hono {
  const app = serveRoutes('/v1/gateway', routes, tenancy, reportBug)
  app.route('/', documentation(openApiDocument(routes, version)))
  return app
}
