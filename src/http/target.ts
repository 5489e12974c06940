/** Where a request wants to go. */
export interface RequestTarget {
  /** As it came, not decoded: always begins with a slash. */
  readonly path: string
  /** With its question mark; empty when there is none. */
  readonly query: string
  /** The authority of an absolute-form target; null for the usual origin form. */
  readonly authority: string | null
}

// Everything a URI reference may consist of but the fragment's `#`, which never belongs in a request line.
const sound = /^[\x21\x22\x24-\x7e]+$/
const absolute = /^https?:\/\/([^/?#@]+)(.*)$/i

/**
 * Reads the target of a request line. Null for what names no resource of ours: `*`, an authority (CONNECT), other
 * schemes, user information, and bytes outside printable ASCII.
 */
export function parseTarget(text: string): RequestTarget | null {
  if (!sound.test(text)) return null
  if (text.startsWith('/')) return split(text, null)

  const match = absolute.exec(text)
  if (match === null) return null
  const [, authority = '', rest = ''] = match
  return split(rest.startsWith('/') ? rest : `/${rest}`, authority)
}

function split(text: string, authority: string | null): RequestTarget {
  const at = text.indexOf('?')
  return at < 0
    ? { path: text, query: '', authority }
    : { path: text.slice(0, at), query: text.slice(at), authority }
}
