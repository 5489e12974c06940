import { isIP } from 'node:net'
import type { Failure } from '../domain/failure.ts'

/** The place that requests are sent to: scheme, host and port, parsed once and kept beside the target. */
export interface Origin {
  readonly protocol: 'http' | 'https'
  /** A name in lower case, or an address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** For the `Host` header: with brackets where needed, without the scheme's own port. */
  readonly hostHeader: string
  /** The same for all spellings of one origin: `https://api.openai.com:443`. */
  readonly key: string
}

/**
 * Reads the origin of an absolute URL; its path and query are ignored. Refuses credentials within the URL.
 */
export function parseOrigin(text: string): Origin | Failure {
  if (!URL.canParse(text)) return invalid('is not a URL')
  const url = new URL(text)
  const protocol = url.protocol === 'https:' ? 'https' : url.protocol === 'http:' ? 'http' : null
  if (protocol === null) return invalid('does not begin with http:// or https://')
  if (url.username !== '' || url.password !== '') return invalid('must not hold credentials')
  const port = url.port === '' ? (protocol === 'https' ? 443 : 80) : Number(url.port)
  if (port === 0) return invalid('names no port that can be reached')
  return {
    protocol,
    host: isIP(url.hostname.slice(1, -1)) === 6 ? url.hostname.slice(1, -1) : url.hostname,
    port,
    hostHeader: url.host,
    key: `${protocol}://${url.hostname}:${port}`,
  }
}

/** The text itself is not repeated: it may hold what must not be logged. */
function invalid(problem: string): Failure {
  return { failure: 'invalid', message: `The address of the upstream ${problem}.` }
}
