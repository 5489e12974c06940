import { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import type { Route } from './route.ts'

const Problem = z
  .object({ code: z.string().meta({ example: 'VALIDATION_ERROR' }), message: z.string() })
  .meta({ id: 'Error' })

/** What every route may answer instead. */
const common: Readonly<Record<number, string>> = {
  401: 'No credential, or one that is not valid here',
  403: 'The workspace is not onboarded, or the key may not manage the gateway',
  500: 'A fault of the gateway',
  503: 'The gateway cannot do this now',
}
const withBody: Readonly<Record<number, string>> = { 413: 'The body is larger than 1 MiB' }

const tags = [
  { name: 'Groups', description: 'Who may call which models, and how much.' },
  { name: 'API keys', description: "Credentials of a group's applications." },
  { name: 'Endpoints', description: 'Where slugs lead.' },
]

/** The OpenAPI 3.1 document of some routes. */
export function openApiDocument(routes: readonly Route[], version: string) {
  const app = new OpenAPIHono()
  const registry = app.openAPIRegistry
  registry.registerComponent('securitySchemes', 'apiKey', {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`Api-Key <workspace key>`, or an admin key in its place.',
  })
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  registry.registerComponent('securitySchemes', 'admin', {
    type: 'http',
    scheme: 'basic',
    description: 'The user `admin`, with an admin key as password.',
  })
  for (const route of routes) registry.registerPath(toPath(route))
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version,
      description:
        'Management of groups, keys and endpoints. An admin key acts in the workspace that the header ' +
        '`x-tollgate-workspace` names, `default` without it.',
    },
    security: [{ apiKey: [] }, { bearer: [] }, { admin: [] }],
    tags,
  })
}

type PathConfig = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0]

function toPath(route: Route): PathConfig {
  const { path, operationId, tag, summary, description, query, body, returns, refuses } = route
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const problems = Object.entries({ ...common, ...(body ? withBody : {}), ...refusals(refuses) })
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
      ...(body ? { body: { ...jsonOf(body.schema), required: !body.isOptional } } : {}),
    },
    responses: {
      200: { description: 'Done', ...jsonOf(returns) },
      ...Object.fromEntries(
        problems.map(([status, why]) => [status, { description: why, ...jsonOf(Problem) }]),
      ),
    },
  }
}

/** A route's own reasons; those for 403 stand beside the reasons that every route has. */
function refusals(refuses: Route['refuses']): Readonly<Record<number, string>> {
  return refuses[403] === undefined ? refuses : { ...refuses, 403: `${common[403]}. ${refuses[403]}` }
}

function jsonOf(schema: z.ZodType) {
  return { content: { 'application/json': { schema } } }
}
