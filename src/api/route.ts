import { z } from 'zod'
import type { Billing } from '../billing/billing.ts'
import { type Failure, isFailure } from '../domain/failure.ts'
import type { EpochMs } from '../domain/time.ts'
import type { CounterStore } from '../limits/plan.ts'
import type { Tenancy } from '../tenancy/tenancy.ts'
import type { Caller } from '../tenancy/write.ts'
import { parseJson, type ReadBody } from './read-json.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What was asked, at whatever door. */
export interface Asked {
  /** Members of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** The first value of each query parameter. */
  readonly query: Readonly<Record<string, string>>
  /** All of its values. */
  readonly queries: Readonly<Record<string, readonly string[]>>
  header(name: string): string | undefined
  /** As it came, not parsed. */
  readBody(): Promise<Buffer | Failure>
  /** Sets a header of the answer, where it is no refusal. */
  setHeader(name: string, value: string): void
}

/** Who came in at the door of the workspaces, and what serves them. */
export interface WorkspaceVisit {
  readonly caller: Caller
  readonly tenancy: Tenancy
  readonly billing: Billing
  /** What limits have counted. */
  readonly counters: Pick<CounterStore, 'read'>
  readonly now: EpochMs
}

/** What a route of the workspaces' API is handed. */
export type RouteRequest = Asked & WorkspaceVisit

/** A route as the server and the OpenAPI document see it. `Visit` is what its door lets in. */
export interface Route<Visit = WorkspaceVisit> {
  readonly method: Method
  /** In OpenAPI's form: `/v1/gateway/groups/{group_id}`. */
  readonly path: string
  /** Null where the document names it by its method and path. */
  readonly operationId: string | null
  readonly tag: string
  readonly summary: string
  readonly description: string
  readonly query: z.ZodObject | null
  /** Headers of its own, for the document. */
  readonly headers: z.ZodObject | null
  readonly body: { readonly schema: z.ZodType; readonly isOptional: boolean } | null
  readonly returns: z.ZodType
  /** Of its answer. */
  readonly status: 200 | 201
  /** Why it refuses, by status, beside what every route refuses. */
  readonly refuses: Readonly<Partial<Record<400 | 401 | 403 | 404 | 409 | 429, string>>>
  /** The wire form of the answer, or a failure. */
  answer(request: Asked & Visit): Promise<unknown>
}

interface Definition<Visit, Query extends z.ZodObject, Body extends z.ZodType, Answer extends z.ZodType> {
  readonly method: Method
  readonly path: string
  readonly operationId?: string
  readonly tag: string
  readonly summary: string
  readonly description: string
  readonly query?: Query
  readonly headers?: z.ZodObject
  readonly body?: Body
  /** An absent body stands for `{}`. */
  readonly bodyIsOptional?: true
  readonly returns: Answer
  /** 200 where it is left out. */
  readonly status?: 201
  readonly refuses: Route['refuses']
  /** Looks for what the path names. Comes before query and body are judged, so a stranger's id says nothing of them. */
  locate?(request: Asked & Visit): Promise<Failure | null>
  /** Judges the body by its bytes, before anything is read out of them. */
  judgeBytes?(request: Asked & Visit, bytes: Buffer): Failure | null
  handle(
    request: Asked & Visit & { readonly filter: z.output<Query>; readonly body: z.output<Body> },
  ): Promise<z.input<Answer> | Failure>
}

/** Says what a schema has against what was sent. */
export type ParseWith = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
) => z.output<Schema> | Failure

/** Reads a body's bytes as JSON, before a schema judges it. */
export type ReadJson = (bytes: Buffer, isOptional: boolean) => ReadBody | Failure

/** The maker of one door's routes: `parse` judges what their callers send. */
export function routesOf<Visit>(parse: ParseWith, read: ReadJson = parseJson) {
  /** Makes a route of its definition: its schemas parse what comes in, type its handler and draw its document. */
  return function route<
    Query extends z.ZodObject = z.ZodObject,
    Body extends z.ZodType = z.ZodUndefined,
    Answer extends z.ZodType = z.ZodType,
  >(definition: Definition<Visit, Query, Body, Answer>): Route<Visit> {
    const { locate, judgeBytes, handle, query, headers, body, bodyIsOptional = false, ...others } = definition
    const { operationId = null, status = 200, ...rest } = others
    const readJson = async (request: Asked & Visit) => {
      const bytes = await request.readBody()
      if (isFailure(bytes)) return bytes
      return judgeBytes?.(request, bytes) ?? read(bytes, bodyIsOptional)
    }
    return {
      ...rest,
      operationId,
      status,
      query: query ?? null,
      headers: headers ?? null,
      body: body ? { schema: body, isOptional: bodyIsOptional } : null,
      async answer(request) {
        const missing = locate ? await locate(request) : null
        if (missing) return missing
        const filter = query ? parse(query, givenTo(query, request)) : ({} as z.output<Query>)
        if (isFailure(filter)) return filter
        const sent = body ? await readJson(request) : { json: undefined }
        if (isFailure(sent)) return sent
        const parsed = body
          ? parse(body, bodyIsOptional && sent.json === undefined ? {} : sent.json)
          : (undefined as z.output<Body>)
        return isFailure(parsed) ? parsed : handle({ ...request, filter, body: parsed })
      },
    }
  }
}

/** Makes a route of the workspaces' API. */
export const route = routesOf<WorkspaceVisit>(parse)

/** Each parameter once, or all its values where the schema takes a list. */
function givenTo({ shape }: z.ZodObject, { query, queries }: Asked): object {
  const lists = Object.keys(shape).filter((name) => isList(shape[name]) && queries[name] !== undefined)
  return { ...query, ...Object.fromEntries(lists.map((name) => [name, queries[name]])) }
}

function isList(schema: unknown): boolean {
  return schema instanceof z.ZodOptional ? isList(schema.unwrap()) : schema instanceof z.ZodArray
}

/** Says what a schema has against what was sent, member first. */
export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> | Failure {
  const parsed = schema.safeParse(value, {
    error: ({ input }) => (input === undefined ? 'is required' : undefined),
  })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path.map(String).join('.') ?? ''
  const message = issue?.message ?? 'not valid'
  return { failure: 'invalid', message: path === '' ? message : `${path}: ${message}` }
}
