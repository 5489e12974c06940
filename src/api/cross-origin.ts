import type { MiddlewareHandler } from 'hono'
import { crossOriginHeaders, preflightHeaders } from '../tenancy/governance/client/cross-origin.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import { headerPairs } from './serve.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Lets pages of other origins read answers, as far as the operator allows, and tells browsers so beforehand: that
 * question is answered to everybody, and says nothing of what there is.
 */
export function crossOrigin(tenancy: Pick<Tenancy, 'snapshot'>): MiddlewareHandler {
  return async (context, next) => {
    const origin = context.req.header('origin')
    if (origin === undefined) return next()
    const { client } = tenancy.snapshot().governance
    const isQuestion =
      context.req.method === 'OPTIONS' && context.req.header('access-control-request-method') !== undefined
    if (isQuestion) {
      const wanted = context.req.header('access-control-request-headers') ?? null
      return new Response(null, {
        status: 204,
        headers: headerPairs(preflightHeaders(client, origin, methods, wanted)),
      })
    }
    await next()
    for (const [name, value] of headerPairs(crossOriginHeaders(client, origin)))
      context.res.headers.append(name, value)
  }
}
