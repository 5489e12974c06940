import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { adminRoutes } from '../../src/api/admin/routes.ts'
import { adminSurface } from '../../src/api/admin/surface.ts'
import { allGovernanceRoutes } from '../../src/api/governance/routes.ts'
import { governanceSurface } from '../../src/api/governance/surface.ts'
import { openApiDocument } from '../../src/api/openapi.ts'
import { routes } from '../../src/api/routes.ts'
import { workspaceSurface } from '../../src/api/workspace-surface.ts'

/** A piece of a document or of a schema. */
export type Json = Readonly<Record<string, unknown>>

/** One thing that the documents say can be done. */
export interface Operation {
  readonly id: string
  readonly method: string
  /** As the document has it: `/v1/gateway/groups/{group_id}`. */
  readonly path: string
  readonly matches: RegExp
  readonly parameters: readonly Parameter[]
  /** The schema of the body, with references into the document; null where it takes none. */
  readonly body: Json | null
  /** By status: what judges such an answer. */
  readonly answers: ReadonlyMap<number, () => ValidateFunction>
}

export interface Parameter {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly schema: Json
}

interface Contract {
  readonly document: Json
  readonly operations: readonly Operation[]
  /** Judges a refusal of what is no operation. */
  readonly problem: () => ValidateFunction
}

/** The APIs, as their documents have them. What none of a file's tests meets is not made: all of it takes seconds. */
export const gatewayContract = once(() =>
  contractOf(openApiDocument(workspaceSurface, routes, '0.0.0') as never, 'Error'),
)
export const adminContract = once(() =>
  contractOf(openApiDocument(adminSurface, adminRoutes, '0.0.0') as never, null),
)
export const governanceContract = once(() =>
  contractOf(openApiDocument(governanceSurface, allGovernanceRoutes, '0.0.0') as never, null),
)

/** As `fetch`, for the management APIs: fails where the answer is none that the document of the API promises. */
export async function documentedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init)
  const { method, url } = request
  const response = await fetch(request)
  expectDocumented(method, new URL(url).pathname, response.status, await response.clone().text())
  return response
}

/** Throws where an answer has a status or a body, down to the last member, that the document does not promise. */
export function expectDocumented(method: string, path: string, status: number, text: string): void {
  const contract = contractFor(path)
  if (contract === null) return
  const operation = findOperation(contract, method, path)
  const validator = operation ? operation.answers.get(status) : contract.problem
  const where = `${method} ${path} answers ${status}`
  if (validator === undefined) throw new Error(`${where}, which is not documented: ${text.slice(0, 500)}`)
  if (!operation && ![401, 403, 404, 405].includes(status)) throw new Error(`${where}, and is no operation`)
  const validate = validator()
  if (!validate(JSON.parse(text)))
    throw new Error(`${where} not as documented: ${JSON.stringify(validate.errors)} in ${text.slice(0, 500)}`)
}

/** Null where the path leads to no management API: to the documents themselves, their page, the probes. */
function contractFor(path: string): Contract | null {
  if (/^\/api\/admin(?:\/|$)/.test(path)) return adminContract()
  if (/^\/(?:api|health)(?:\/|$)/.test(path)) return governanceContract()
  return /^\/v1\/(?:gateway|audit_logs)(?:\/|$)/.test(path) ? gatewayContract() : null
}

/** What the document of the API that a path leads to calls this; null where it knows no such operation. */
export function operationAt(method: string, path: string): string | null {
  const contract = contractFor(path)
  return contract && (findOperation(contract, method, path)?.id ?? null)
}

/** A path without parameters goes before one with them, as OpenAPI has it. */
function findOperation({ operations }: Contract, method: string, path: string): Operation | null {
  const [mostConcrete] = operations
    .filter(({ matches }) => matches.test(path))
    .toSorted((a, b) => parametersIn(a.path) - parametersIn(b.path))
  return operations.find((it) => it.method === method && it.path === mostConcrete?.path) ?? null
}

function parametersIn(path: string): number {
  return path.split('{').length
}

function contractOf(given: Json, problemName: string | null): Contract {
  const document = structuredClone(given) as Json & { paths: Record<string, Record<string, Json>> }
  const schemas = (document.components as Record<string, Json> | undefined)?.schemas
  closeObjects(schemas)
  const ajv = new Ajv2020({ strict: false, allErrors: false, allowUnionTypes: true })
  addFormats.default(ajv)
  const pointers: [Operation['id'], string, string][] = []
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      closeObjects(operation.responses)
      pointers.push([String(operation.operationId), method, path])
    }
  }
  ajv.addSchema(document, 'document')
  const at = (...parts: string[]) =>
    `document#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
  const inJson = ['content', 'application/json', 'schema']
  const compiled = (...parts: string[]) => once(() => ajv.compile({ $ref: at(...parts) }))

  const operations = pointers.map(([id, method, path]) => {
    const operation = document.paths[path]?.[method] as {
      readonly responses: Readonly<Record<string, unknown>>
      readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> }
      readonly parameters?: readonly Parameter[]
    }
    return {
      id,
      method: method.toUpperCase(),
      path,
      matches: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content['application/json']?.schema ?? null,
      answers: new Map(
        Object.keys(operation.responses).map((status) => [
          Number(status),
          compiled('paths', path, method, 'responses', status, ...inJson),
        ]),
      ),
    }
  })
  const problem =
    problemName === null
      ? once(() => ajv.compile({ type: 'object' }))
      : compiled('components', 'schemas', problemName)
  return { document, operations, problem }
}

/** Objects that list their members have no others: what is answered and not documented would go unseen. */
function closeObjects(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return
  if ('properties' in schema && !('additionalProperties' in schema))
    Object.assign(schema, { additionalProperties: false })
  for (const part of Object.values(schema)) closeObjects(part)
}

function once<Made>(make: () => Made): () => Made {
  let made: { readonly it: Made } | null = null
  return () => {
    made ??= { it: make() }
    return made.it
  }
}
