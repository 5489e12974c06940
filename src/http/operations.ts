import { Hono } from 'hono'
import type { Metrics } from '../telemetry/metrics.ts'

/** What the plain endpoints ask the rest of the gateway. */
export interface Operations {
  /** Why the gateway cannot serve now; empty when it can. */
  readonly unreadyReasons: () => readonly string[]
  readonly metrics: Metrics
  /** Whether an Authorization header is an operator's. */
  readonly isOperator: (authorization: string | undefined) => boolean
}

/** `/healthz`, `/readyz` and `/metrics`: for probes and scrapers. */
export function operationsRoutes({ unreadyReasons, metrics, isOperator }: Operations): Hono {
  const app = new Hono()
  app.get('/healthz', (context) => context.json({ status: 'alive' }))
  app.get('/readyz', (context) => {
    const reasons = unreadyReasons()
    return reasons.length === 0
      ? context.json({ status: 'ready' })
      : context.json({ status: 'not ready', reasons }, 503)
  })
  app.get('/metrics', async (context) => {
    if (!isOperator(context.req.header('authorization'))) {
      return context.json(
        { error: 'Metrics need an admin key: send `Authorization: Bearer <admin key>`.' },
        401,
        { 'www-authenticate': 'Bearer' },
      )
    }
    return context.body(await metrics.render(), 200, { 'content-type': metrics.contentType })
  })
  return app
}
