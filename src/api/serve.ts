import { type Context, Hono } from 'hono'
import type { Failure } from '../domain/failure.ts'
import { isFailure } from '../domain/failure.ts'
import type { DressedFailure } from '../domain/failure-table.ts'
import { isUnavailable } from '../store/errors.ts'
import { readBytes } from './read-json.ts'
import type { Route } from './route.ts'

/** Called with what a route threw; gives the name under which the log has it. */
export type ReportBug = (error: unknown) => string

/** Where a request came from, as the listener tells. */
export interface Sender {
  readonly address: string
  /** A browser sent it from another site, or under a name that is not ours. */
  readonly isForeign: boolean
  /** A browser sent it from a page of another origin. */
  readonly isCrossOrigin: boolean
}

/** What the listener hands over beside the request itself. */
export interface Handed {
  readonly sender?: () => Sender
}

/** Nothing is believed of a request that came past the listener. */
const unknownSender: Sender = { address: '', isForeign: true, isCrossOrigin: true }

/** What a door judges a visitor by. */
export interface Knock {
  readonly method: string
  readonly path: string
  header(name: string): string | undefined
  sender(): Sender
}

type Visited = Context<{ Bindings: Handed }>

/** Who may come in, and how they are told that something failed. */
export interface Door<Visit> {
  admit(knock: Knock): Visit | Failure | Promise<Visit | Failure>
  /** Anybody may know what there is behind it: which methods a path takes is told before who asks is looked at. */
  readonly tellsMethods?: boolean
  /** Why a visitor may not call this route now; null where it may. */
  limit?(visit: Visit, operationId: string): Failure | null
  /** What to say of a path whose parameter of this name cannot be decoded; left out, there is nothing at such a path. */
  misspelt?(parameter: string): Failure
  dress(failure: Failure): DressedFailure
}

/**
 * Serves routes below `bases` to those whom the door admits: authenticate, authorise, limit, then the route itself.
 *
 * Whoever may not come in learns nothing of the paths: the door judges before them.
 */
export function serveRoutes<Visit extends object>(
  bases: readonly string[],
  routes: readonly Route<Visit>[],
  door: Door<Visit>,
  reportBug: ReportBug,
): Hono<{ Bindings: Handed }> {
  const app = new Hono<{ Bindings: Handed }>()
  const admit = ({ req, env }: Visited) =>
    door.admit({
      method: req.method,
      path: req.path,
      header: (name) => req.header(name),
      sender: env?.sender ?? (() => unknownSender),
    })
  const refuse = (failure: Failure) => toResponse(door.dress(failure))
  const serve = async (context: Visited, route: Route<Visit>): Promise<Response> => {
    const { req } = context
    const visit = await admit(context)
    if (isFailure(visit)) return refuse(visit)
    const limited = door.limit?.(visit, `${route.method} ${route.path}`) ?? null
    if (limited) return refuse(limited)
    const params = req.param() as Record<string, string>
    const misspelt = door.misspelt && undecodable(route.path, req.url)
    if (misspelt) return refuse(door.misspelt?.(misspelt) ?? nothingThere)
    if (!Object.values(params).every(isPlain)) return refuse(nothingThere)
    const answer = await route.answer({
      ...visit,
      params,
      query: req.query(),
      queries: req.queries(),
      header: (name) => req.header(name),
      readBody: () => readBytes(req.raw),
      setHeader: (name, value) => context.header(name, value),
    })
    return isFailure(answer) ? refuse(answer) : context.json(answer as object, route.status)
  }
  const refuseKnown = (failure: Failure) => async (context: Visited) => {
    const visit = await admit(context)
    return refuse(isFailure(visit) ? visit : failure)
  }

  for (const [path, ofPath] of Map.groupBy(routes, ({ path }) => path)) {
    const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1')
    for (const route of ofPath) app.on(route.method, pattern, (context) => serve(context, route))
    const allow = ofPath.map(({ method }) => method)
    const otherMethod: Failure = { failure: 'method_not_allowed', allow }
    app.all(pattern, door.tellsMethods ? () => refuse(otherMethod) : refuseKnown(otherMethod))
  }
  for (const below of bases.flatMap((base) => [base, `${base}/*`])) {
    app.all(below, refuseKnown({ failure: 'not_found', what: 'route' }))
  }
  app.onError((error) =>
    refuse(
      isUnavailable(error)
        ? { failure: 'overloaded', reason: 'database', retryAfterMs: 1000 }
        : { failure: 'internal', id: reportBug(error) },
    ),
  )
  return app
}

const nothingThere: Failure = { failure: 'not_found', what: 'route' }

/** The name of a parameter that is not percent-encoded as it should be; null where all are. */
function undecodable(path: string, url: string): string | null {
  const given = new URL(url).pathname.split('/')
  const names = path.split('/').map((part) => /^\{(\w+)\}$/.exec(part)?.[1])
  return names.find((name, at) => name !== undefined && !canBeDecoded(given[at] ?? '')) ?? null
}

function canBeDecoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** No id of ours has such characters, and not every database can be asked for them. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** A failure as what `fetch` gives. */
export function toResponse({ status, headers, body }: DressedFailure): Response {
  return new Response(new Uint8Array(body), { status, headers: headerPairs(headers) })
}

/** Names and values of a flat list, as `fetch` takes them. */
export function headerPairs(headers: readonly string[]): [string, string][] {
  return headers.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : [],
  )
}
