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
  400: 'The request is not valid',
  431: 'The head of the request is larger than 32 KiB',
  500: 'A fault of the gateway',
  503: 'The gateway cannot do this now',
}
const withBody: Readonly<Record<number, string>> = {
  408: 'The body stopped arriving',
  413: 'The body is larger than 1 MiB',
}
/** These say after how many seconds another try makes sense. */
const mayPass: readonly string[] = ['429', '503']

/** The OpenAPI 3.1 document of one door's routes. */
export function openApiDocument<Visit>(surface: Surface, routes: readonly Route<Visit>[], version: string) {
  const { description, tags, credentials } = surface
  const app = new OpenAPIHono()
  const registry = app.openAPIRegistry
  for (const [name, scheme] of Object.entries(credentials)) {
    registry.registerComponent('securitySchemes', name, scheme)
  }
  for (const route of routes) {
    registry.registerPath(toPath(route, route.operationId ?? nameByPath(route, routes), surface))
  }
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version,
      description,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this document' }],
    security: Object.keys(credentials).map((name) => ({ [name]: [] })),
    tags: [...tags],
  })
  return plainer(document)
}

/**
 * A document in words that generators of clients know: a list of one thing without naming the schema of each place,
 * and a named schema or null as just that. Here null stands beside the schema in an `allOf`, which allows it never.
 */
function plainer<Part>(part: Part): Part {
  if (Array.isArray(part)) return part.map(plainer) as Part
  if (typeof part !== 'object' || part === null) return part
  const { prefixItems, allOf, ...rest } = part as {
    prefixItems?: readonly unknown[]
    allOf?: readonly Nullness[]
  }
  const [named, nullness] = allOf ?? []
  const alternatives = nullness?.type?.includes('null')
    ? { oneOf: [named, { type: 'null' }] }
    : allOf && { allOf: plainer(allOf) }
  const members = Object.entries(rest)
    // What is allowed, in words for people: the documents of settings show it, OpenAPI does not know it.
    .filter(([name, member]) => name !== 'allowed' || typeof member !== 'string')
    .map(([name, member]) => [name, plainer(member)])
  const list = prefixItems && {
    items: plainer(prefixItems[0]),
    minItems: prefixItems.length,
    maxItems: prefixItems.length,
  }
  return { ...Object.fromEntries(members), ...alternatives, ...list }
}

interface Nullness {
  readonly type?: string | readonly string[]
}

type PathConfig = Parameters<Registry['registerPath']>[0]

function toPath<Visit>(route: Route<Visit>, operationId: string, surface: Surface): PathConfig {
  const { path, tag, summary, description, query, headers, body, returns, refuses, status } = route
  const parameters = namesIn(path).map((name) => [name, pathParameter(name)])
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
      ...(parameters.length > 0 ? { params: z.object(Object.fromEntries(parameters)) } : {}),
      ...(query ? { query } : {}),
      ...(headers ? { headers } : {}),
      ...(body ? { body: { ...jsonOf(body.schema), required: !body.isOptional } } : {}),
    },
    responses: {
      [status]: { description: 'Done', ...jsonOf(returns) },
      ...Object.fromEntries(
        problems.map(([status, why]) => [
          status,
          {
            description: why,
            ...jsonOf(surface.problem),
            ...(mayPass.includes(status) ? { headers: retryAfter } : {}),
          },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(surface.limits ?? {}).map(([status, { why, body }]) => [
          status,
          { description: why, ...jsonOf(body), headers: retryAfter },
        ]),
      ),
    },
  }
}

const retryAfter = z.object({
  'Retry-After': z.int().min(1).optional().meta({ description: 'Seconds until another try makes sense.' }),
})

/**
 * The operation's name by method and path, as the published clients have it: `PatchGatewayGroups`. Where that is taken
 * by the operation on the path above, as in reading one and listing all, the last parameter is added.
 */
function nameByPath<Visit>({ method, path }: Route<Visit>, routes: readonly Route<Visit>[]): string {
  const words = path.split('/').filter((part) => part !== '' && part !== 'v1')
  const name = (parts: readonly string[]) => pascalCase([method.toLowerCase(), ...parts].join('_'))
  const last = words.at(-1) ?? ''
  const above = path.slice(0, path.lastIndexOf('/'))
  const isTaken = isParameter(last) && routes.some((other) => other.method === method && other.path === above)
  const segments = words.filter((word) => !isParameter(word))
  return name(isTaken ? [...segments, ...namesIn(last)] : segments)
}

function isParameter(part: string): boolean {
  return part.startsWith('{')
}

function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|[_-])(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
}

/** What the parameters of paths stand for, by name. */
const pathParameters: Readonly<Record<string, { description: string; example: string }>> = {
  group_id: { description: "The group's `id`.", example: 'g_01KB2Q9V7M3C4D5E6F7G8H9J0K' },
  api_key_prefix: { description: "The key's `prefix`, percent-encoded.", example: 'sky_Jt4mQv8ZnR2c' },
  endpoint_id: { description: "The endpoint's `id`.", example: 'ep_01KB2Q9V7M3C4D5E6F7G8H9J0K' },
}

function pathParameter(name: string): z.ZodType {
  return z.string().meta(pathParameters[name] ?? { description: `The ${name.replaceAll('_', ' ')}.` })
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
