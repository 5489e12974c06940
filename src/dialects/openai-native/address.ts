import type { NativeOperation } from './operation.ts'

const paths: Readonly<Record<NativeOperation, string>> = {
  chat_completion: '/v1/chat/completions',
  text_completion: '/v1/completions',
  responses: '/v1/responses',
  embedding: '/v1/embeddings',
}

/**
 * Where a provider takes an operation. Its base address may end in `/v1` or not, and in a slash or not. `override` is a
 * path that stands for the usual one, or an address that stands for all. Null if that makes no address.
 */
export function addressOf(baseUrl: string, operation: NativeOperation, override: string | null): URL | null {
  if (override !== null && URL.canParse(override)) return new URL(override)
  if (!URL.canParse(baseUrl)) return null
  const url = new URL(baseUrl)
  const base = url.pathname.replace(/\/+$/, '')
  const path = override === null ? paths[operation] : `/${override.replace(/^\/+/, '')}`
  const [pathname, query] = split(base.endsWith('/v1') && path.startsWith('/v1/') ? path.slice(3) : path)
  url.pathname = base + pathname
  if (query !== null) url.search = query
  return url
}

/** A path and what it asks; null for nothing. */
function split(path: string): [string, string | null] {
  const at = path.indexOf('?')
  return at < 0 ? [path, null] : [path.slice(0, at), path.slice(at)]
}
