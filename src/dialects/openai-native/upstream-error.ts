/** What a provider says is wrong, in its own words, without secrets. */
export interface UpstreamError {
  /** The HTTP status it came with or, within a stream, the one it stands for. */
  readonly status: number
  readonly message: string
  readonly type: string | null
  /** A text, even where the provider sent a number. */
  readonly code: string | null
  readonly param: string | null
}

type JsonObject = Readonly<Record<string, unknown>>

/** An error page is not read to its end. */
const longestPlainText = 2_000
const longestMessage = 1 << 15
const hidden = '[secret]'

/** What looks like a credential, whoever's it may be: providers quote keys back, partly starred. */
const credentials =
  /\bBearer\s+(?=\S*\d|\S{20})[\w.~+/=*-]{6,}|\b(?:sk|gsk|xai|pplx|csk|fw|hf|nvapi)[-_][\w*-]{6,}|\bAIza[\w*-]{10,}/gi

/**
 * Reads the body of an error answer: OpenAI's shape, a plain `message` or `detail`, any of these in an array, a text, or
 * no JSON at all. `secrets` are what must not be seen by the caller; whatever looks like a credential is hidden too.
 */
export function readUpstreamError(body: Buffer, status: number, secrets: readonly string[]): UpstreamError {
  const text = body.toString()
  const answer = parse(text)
  const told = answer === undefined ? plainText(text) : detailOf(answer)
  const clean = (said: string | null) => (said === null ? null : scrub(said, secrets))
  return {
    status,
    message: scrub(told.message ?? `The provider answered with status ${status}.`, secrets),
    type: clean(told.type),
    code: clean(told.code),
    param: clean(told.param),
  }
}

/** The same of an error that came as an event of a stream that had begun with 200. */
export function readStreamError(data: Buffer, secrets: readonly string[]): UpstreamError {
  const error = readUpstreamError(data, 500, secrets)
  return { ...error, status: statusOf(error, parse(data.toString())) }
}

/** Hides secrets in a text. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets.flatMap(writtenForms)) clean = clean.replaceAll(secret, hidden)
  return clean.replace(credentials, hidden).slice(0, longestMessage)
}

/** A secret as it is and as it stands in JSON, which a provider may quote within a text. */
export function writtenForms(secret: string): readonly string[] {
  if (secret === '') return []
  const inJson = JSON.stringify(secret).slice(1, -1)
  return [...new Set([inJson, secret, inJson.replaceAll('/', '\\/')])]
}

interface Told {
  readonly message: string | null
  readonly type: string | null
  readonly code: string | null
  readonly param: string | null
}

const nothing: Told = { message: null, type: null, code: null, param: null }

function plainText(text: string): Told {
  const message = text.trim().slice(0, longestPlainText)
  return message === '' ? nothing : { ...nothing, message }
}

function detailOf(answer: unknown): Told {
  if (typeof answer === 'string') return plainText(answer)
  const outer = asObject(Array.isArray(answer) ? answer[0] : answer)
  if (outer === null) return nothing
  const { error } = outer
  const inner = asObject(error) ?? asObject(asObject(outer.response)?.error)
  const said = inner ?? outer
  return {
    message: messageIn(said) ?? (typeof error === 'string' ? error : null) ?? messageIn(outer),
    type: asText(said.type) ?? asText(said.status),
    code: asText(said.code),
    param: asText(said.param),
  }
}

function messageIn(said: JsonObject): string | null {
  const [firstError] = Array.isArray(said.errors) ? said.errors : []
  for (const value of [said.message, said.detail, asObject(firstError)?.message, firstError]) {
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'object' && value !== null) return spelled(value)
  }
  return null
}

/** Null for what is nested too deep to be written, and for nobody to read. */
function spelled(value: object): string | null {
  try {
    return JSON.stringify(value)
  } catch {
    return null
  }
}

const statuses: ReadonlyMap<string, number> = new Map([
  ['rate_limit_exceeded', 429],
  ['rate_limit_error', 429],
  ['insufficient_quota', 429],
  ['tokens', 429],
  ['requests', 429],
  ['invalid_request_error', 400],
  ['context_length_exceeded', 400],
  ['content_policy_violation', 400],
  ['content_filter', 400],
  ['invalid_prompt', 400],
  ['authentication_error', 401],
  ['invalid_api_key', 401],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['model_not_found', 404],
  ['overloaded_error', 503],
  ['service_unavailable', 503],
  ['timeout', 504],
  ['server_error', 500],
])

/** The status that an error within a stream would have come with: by its own numbers, else by its words. */
function statusOf({ code, type }: UpstreamError, answer: unknown): number {
  const outer = asObject(answer)
  const inner = asObject(outer?.error)
  for (const value of [inner?.code, inner?.status, inner?.status_code, outer?.status_code, outer?.code]) {
    const status = Number(value)
    if (Number.isInteger(status) && status >= 400 && status < 600) return status
  }
  return statuses.get(code ?? '') ?? statuses.get(type ?? '') ?? 500
}

function asText(value: unknown): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : null
}

function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
