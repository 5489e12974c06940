import type { ClientConfig } from '../facts.ts'

// Which pages of other origins a browser lets read our answers, and with which headers they may ask.

/** `named`: by the operator, or by the shape of its name; `any`: whoever it is, so it sends no cookies. */
type Judged = 'named' | 'any' | 'refused'

/** Headers that callers of ours send; operators may allow more. Those of SDKs and of our own begin so. */
const usualHeaders: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'content-type',
  'user-agent',
  'idempotency-key',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'x-model-provider',
  'x-request-id',
  'x-requested-with',
])
const usualPrefixes = ['x-bf-', 'x-stainless-', 'openai-', 'anthropic-'] as const

/** What scripts may read of an answer's headers, beyond what they always may. */
const exposed = [
  'retry-after',
  'x-request-id',
  'x-tollgate-request-id',
  'x-bf-provider',
  'x-bf-model',
  'x-bf-fallback-index',
  'x-bf-governance-decision',
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-tokens',
].join(', ')

const preflightKeptSeconds = '600'

/** Whether an entry of `allowed_origins` can ever be an origin: `*`, one written out, or one whose first label is `*`. */
export function isOriginPattern(text: string): boolean {
  if (text === '*') return true
  const [, scheme, label = '', rest = ''] = /^(https?):\/\/(\*\.)?([^*/?#@\s]+)$/i.exec(text) ?? []
  return scheme !== undefined && URL.canParse(`${scheme}://${label === '' ? '' : 'x.'}${rest}`)
}

function judgeOrigin({ allowed_origins: allowed = ['*'] }: ClientConfig, origin: string): Judged {
  const name = origin.toLowerCase()
  if (allowed.some((entry) => entry !== '*' && isMatch(entry.toLowerCase(), name))) return 'named'
  return allowed.includes('*') || isLoopback(name) ? 'any' : 'refused'
}

function isMatch(entry: string, origin: string): boolean {
  const [scheme, suffix] = entry.split('://*')
  if (suffix === undefined) return entry.replace(/\/$/, '') === origin
  const start = `${scheme}://`
  if (!origin.startsWith(start) || !origin.endsWith(suffix)) return false
  return /^[a-z0-9-]+$/.test(origin.slice(start.length, origin.length - suffix.length))
}

function isLoopback(origin: string): boolean {
  return /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(origin)
}

/** The headers by which a browser lets a page of another origin read an answer; none where it may not. */
export function crossOriginHeaders(client: ClientConfig, origin: string): readonly string[] {
  const judged = judgeOrigin(client, origin)
  if (judged === 'refused') return ['vary', 'origin']
  return [
    ...['access-control-allow-origin', judged === 'named' ? origin : '*'],
    ...(judged === 'named' ? ['access-control-allow-credentials', 'true'] : []),
    ...['access-control-expose-headers', exposed, 'vary', 'origin'],
  ]
}

/** The same of what a browser asks before such a page may ask: which methods and headers it may use. */
export function preflightHeaders(
  client: ClientConfig,
  origin: string,
  methods: readonly string[],
  wantedHeaders: string | null,
): readonly string[] {
  const headers = crossOriginHeaders(client, origin)
  if (judgeOrigin(client, origin) === 'refused') return headers
  const wanted = (wantedHeaders ?? '').split(',').map((name) => name.trim().toLowerCase())
  const allowed = wanted.filter((name) => mayBeSent(client, name))
  return [
    ...headers,
    ...['access-control-allow-methods', methods.join(', ')],
    ...(allowed.length > 0 ? ['access-control-allow-headers', allowed.join(', ')] : []),
    ...['access-control-max-age', preflightKeptSeconds],
  ]
}

function mayBeSent({ allowed_headers: more = [] }: ClientConfig, name: string): boolean {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return false
  return (
    usualHeaders.has(name) ||
    usualPrefixes.some((prefix) => name.startsWith(prefix)) ||
    more.some((entry) => entry === '*' || entry.toLowerCase() === name)
  )
}
