import type { Failure } from '../../domain/failure.ts'

/** The prefix of its workspace, one slash, a name; both safe in a URL. Case counts. */
export const slugPattern = /^[A-Za-z0-9][A-Za-z0-9._~-]*\/[A-Za-z0-9][A-Za-z0-9._~-]*$/
export const longestSlug = 255

/** A workspace names endpoints only under the prefixes that it owns. */
export function ownedPrefix(slug: string, prefixes: readonly string[]): Failure | null {
  const prefix = slug.slice(0, slug.indexOf('/'))
  if (prefixes.includes(prefix)) return null
  return { failure: 'invalid', message: `slug: the prefix ${prefix} is not this workspace's` }
}
