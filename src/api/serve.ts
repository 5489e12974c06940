import { type Context, Hono } from 'hono'
import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import { isUnavailable } from '../store/errors.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import { authenticate } from './authenticate.ts'
import { dressManagement } from './failures.ts'
import { readJson } from './read-json.ts'
import type { Route } from './route.ts'

/** Called with what a route threw; gives the name under which the log has it. */
export type ReportBug = (error: unknown) => string

/**
 * Serves routes below `base` to the workspaces' callers: authenticate, authorise, then the route itself.
 *
 * Whoever may not come in learns nothing of the paths: credential, onboarding and scope are judged before them.
 */
export function serveRoutes(
  base: string,
  routes: readonly Route[],
  tenancy: Tenancy,
  reportBug: ReportBug,
): Hono {
  const app = new Hono()
  const serve = async (context: Context, route: Route): Promise<Response> => {
    const { req } = context
    const caller = callerOf(context, tenancy)
    if (isFailure(caller)) return refuse(caller)
    const params = req.param() as Record<string, string>
    if (!Object.values(params).every(isPlain)) return refuse({ failure: 'not_found', what: 'route' })
    const readBody = () => readJson(req.raw)
    const answer = await route.answer({ caller, tenancy, params, query: req.query(), readBody })
    return isFailure(answer) ? refuse(answer) : context.json(answer as object)
  }
  const refuseKnown = (failure: Failure) => (context: Context) => {
    const caller = callerOf(context, tenancy)
    return refuse(isFailure(caller) ? caller : failure)
  }

  for (const [path, ofPath] of Map.groupBy(routes, ({ path }) => path)) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
    for (const route of ofPath) app.on(route.method, pattern, (context) => serve(context, route))
    const allow = ofPath.map(({ method }) => method)
    app.all(pattern, refuseKnown({ failure: 'method_not_allowed', allow }))
  }
  for (const below of [base, `${base}/*`]) {
    app.all(below, refuseKnown({ failure: 'not_found', what: 'route' }))
  }
  app.notFound(() => refuse({ failure: 'not_found', what: 'route' }))
  app.onError((error) =>
    refuse(
      isUnavailable(error)
        ? { failure: 'overloaded', reason: 'database', retryAfterMs: 1000 }
        : { failure: 'internal', id: reportBug(error) },
    ),
  )
  return app
}

function callerOf({ req }: Context, tenancy: Tenancy) {
  return authenticate(tenancy, req.header('authorization'), req.header('x-tollgate-workspace'))
}

/** No id of ours has such characters, and not every database can be asked for them. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function refuse(failure: Failure): Response {
  const { status, headers, body } = dressManagement(failure)
  const pairs = headers.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : [],
  )
  return new Response(new Uint8Array(body), { status, headers: pairs })
}
