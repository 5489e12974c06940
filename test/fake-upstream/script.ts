import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'

const Place = z.enum(['head', 'finish', 'usage', 'done', 'end'])

/**
 * How one request is answered. Every member is optional: `{}` is a well-behaved OpenAI answer.
 * A chunk is an event with content; role, finish, usage and `[DONE]` events are not counted.
 */
export const Script = z.strictObject({
  /** 200 unless told. From 400 on the body is an OpenAI-shaped error. */
  status: z.int().min(200).max(599).optional(),
  /** The `error` member of an error's body. */
  error: z.unknown().optional(),
  /** The body, verbatim, instead of what would be computed. */
  body: z.string().optional(),
  contentType: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),

  /** The model that the answer names; the one asked for unless told. */
  model: z.string().optional(),
  text: z.string().optional(),
  /** Chunks per choice, each one token: 5 unless told. */
  chunks: z.int().min(0).optional(),
  /** `true` calls the first tool of the request; so does a `tool_choice` that demands a call. */
  toolCalls: z.boolean().optional(),
  /** Whether `max_completion_tokens` and `max_tokens` are heeded: they are unless told. */
  obeysCap: z.boolean().optional(),
  /** Pads the first chunk, or the whole answer, with so many bytes: one huge line. */
  paddingBytes: z.int().min(0).optional(),

  /** `computed`, `absent`, or the member itself: as JSON text where it is a string, else as a value. */
  usage: z.union([z.string(), z.null(), z.record(z.string(), z.unknown())]).optional(),
  promptTokens: z.number().optional(),
  completionTokens: z.number().optional(),
  cachedTokens: z.number().optional(),
  reasoningTokens: z.number().optional(),
  /** The `service_tier` that the answer, or each of its events, names; none unless told. */
  serviceTier: z.string().optional(),
  /**
   * Where usage stands. `own`: after the choices (in a stream an event of its own). `start`: before them.
   * `finish`: in the stream's finish event. `twice`: a first, wrong one at the start and the right one at the end.
   * `every`: what was used so far, in each event.
   */
  usageAt: z.enum(['own', 'start', 'finish', 'twice', 'every']).optional(),
  /** What `stream_options.include_usage` is to this upstream: `honour` unless told. */
  includeUsage: z.enum(['honour', 'always', 'never']).optional(),

  eol: z.enum(['\n', '\r\n', '\r']).optional(),
  /** A comment before each event. */
  comments: z.boolean().optional(),
  /** Each event's JSON over three `data:` lines. */
  multiLineData: z.boolean().optional(),
  /** Whether streams end with `[DONE]`: they do unless told. */
  done: z.boolean().optional(),

  headDelayMs: z.number().min(0).optional(),
  chunkDelayMs: z.number().min(0).optional(),
  /** Says nothing more from here on until `resume()`. */
  stallBefore: Place.optional(),
  stallAfterChunks: z.int().min(0).optional(),
  cutBefore: Place.optional(),
  cutAfterChunks: z.int().min(0).optional(),
  /** Counted in the body as it goes out, so in compressed bytes where there is an `encoding`. */
  cutAfterBytes: z.int().min(0).optional(),
  /**
   * How a cut looks: a clean end of the connection (unless told), a reset, or silence on an open connection.
   * A reset comes 20 ms after the last byte, because it makes the peer's kernel forget what it has not read yet.
   */
  cutBy: z.enum(['fin', 'rst', 'hang']).optional(),

  encoding: z.enum(['gzip', 'br', 'deflate']).optional(),
  /** `length` for whole answers and `chunked` for streams unless told; `close` ends with the connection. */
  framing: z.enum(['length', 'chunked', 'close']).optional(),
  /** Writes of at most so many bytes, each in its own turn of the event loop. */
  pieceBytes: z.int().min(1).optional(),
  /** The whole body in one write. */
  oneWrite: z.boolean().optional(),
  /** What becomes of the connection after a whole answer: kept, closed as announced, or dropped unannounced. */
  connection: z.enum(['keep', 'close', 'drop']).optional(),
  /** Bytes (latin1) in place of an HTTP answer, ended as `cutBy` says. */
  raw: z.string().optional(),
})
export type Script = z.output<typeof Script>
export type Place = z.output<typeof Place>

export type JsonObject = Readonly<Record<string, unknown>>

/** The value as an object whose members may be read; null for anything else. */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

/**
 * What a request itself asks for, so that other processes can steer: the query of its model's name
 * (`any-name?chunks=3&usage=null`), over that its body's member `fake`, over that its header `openai-fake` (JSON).
 * Throws on members that do not exist: a misspelt script must not pass for the default.
 */
export function scriptOf(headers: IncomingHttpHeaders, body: JsonObject | null): Script {
  const header = headers['openai-fake']
  return Script.parse({
    ...fromModel(body?.model),
    ...asObject(body?.fake),
    ...(typeof header === 'string' ? asObject(JSON.parse(header)) : null),
  })
}

function fromModel(model: unknown): Record<string, unknown> {
  const query = typeof model === 'string' ? model.indexOf('?') : -1
  if (typeof model !== 'string' || query < 0) return {}
  const members = new URLSearchParams(model.slice(query + 1))
  return Object.fromEntries([...members].map(([name, value]) => [name, jsonOrText(value)]))
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
