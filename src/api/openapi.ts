import { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Route } from './route.ts'

/** One door's API, as its document introduces it. */
export interface Surface {
  readonly description: string
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  /** Ways to authenticate, by name; each is enough. */
  readonly credentials: Readonly<Record<string, SecurityScheme>>
  /** The body of a refusal. */
  readonly problem: z.ZodType
  /** What every route may answer instead, by status. */
  readonly refuses: Readonly<Record<number, string>>
  /** The same, in a body of its own. */
  readonly limits?: Readonly<Record<number, { readonly why: string; readonly body: z.ZodType }>>
}

type Registry = OpenAPIHono['openAPIRegistry']
type SecurityScheme =
  | { readonly type: 'apiKey'; readonly in: 'header'; readonly name: string; readonly description?: string }
  | { readonly type: 'http'; readonly scheme: 'bearer' | 'basic'; readonly description?: string }

/** What any route of any door may answer instead. */
const common: Readonly<Record<number, string>> = {
  500: 'A fault of the gateway',
  503: 'The gateway cannot do this now',
}
const withBody: Readonly<Record<number, string>> = { 413: 'The body is larger than 1 MiB' }

/** The OpenAPI 3.1 document of one door's routes. */
export function openApiDocument<Visit>(surface: Surface, routes: readonly Route<Visit>[], version: string) {
  const { description, tags, credentials } = surface
  const app = new OpenAPIHono()
  const registry = app.openAPIRegistry
  for (const [name, scheme] of Object.entries(credentials)) {
    registry.registerComponent('securitySchemes', name, scheme)
  }
  for (const route of routes) registry.registerPath(toPath(route, surface))
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Tollgate', version, description },
    security: Object.keys(credentials).map((name) => ({ [name]: [] })),
    tags: [...tags],
  })
}

type PathConfig = Parameters<Registry['registerPath']>[0]

function toPath<Visit>(route: Route<Visit>, surface: Surface): PathConfig {
  const { path, operationId, tag, summary, description, query, headers, body, returns, refuses } = route
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const always = { ...common, ...surface.refuses }
  const problems = Object.entries({ ...always, ...(body ? withBody : {}), ...refusals(refuses, always[403]) })
  return {
    method: route.method.toLowerCase() as PathConfig['method'],
    path,
    operationId,
    tags: [tag],
    summary,
    description,
    request: {
      ...(names.length > 0
        ? { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) }
        : {}),
      ...(query ? { query } : {}),
      ...(headers ? { headers } : {}),
      ...(body ? { body: { ...jsonOf(body.schema), required: !body.isOptional } } : {}),
    },
    responses: {
      200: { description: 'Done', ...jsonOf(returns) },
      ...Object.fromEntries(
        problems.map(([status, why]) => [status, { description: why, ...jsonOf(surface.problem) }]),
      ),
      ...Object.fromEntries(
        Object.entries(surface.limits ?? {}).map(([status, { why, body }]) => [
          status,
          { description: why, ...jsonOf(body) },
        ]),
      ),
    },
  }
}

/** A route's own reasons; those for 403 stand beside the reason that every route has. */
function refusals(
  refuses: Readonly<Partial<Record<number, string>>>,
  always: string | undefined,
): Readonly<Partial<Record<number, string>>> {
  const own = refuses[403]
  return own === undefined || always === undefined ? refuses : { ...refuses, 403: `${always}. ${own}` }
}

function jsonOf(schema: z.ZodType) {
  return { content: { 'application/json': { schema } } }
}
