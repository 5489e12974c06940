type PlainObject = Readonly<Record<string, unknown>>

const ownTools = new Set(['function', 'custom'])
const textParts = new Set(['text', 'refusal'])

/** What is said of a body that `parsePlainObject` does not read. */
export const unreadable =
  'The body must be a JSON object without backslashes in its keys under a strict limit.'

/** Why tools cannot be had under a strict limit: those that the provider runs put what they find into its input. */
export function toolRefusal(tools: unknown): string | null {
  if (!isGiven(tools)) return null
  if (!Array.isArray(tools)) return "'tools' must be an array under a strict limit."
  const isServerSide = (tool: unknown) => !ownTools.has(String(asPlainObject(tool)?.type))
  return tools.some(isServerSide) ? refused('A tool that the provider runs') : null
}

/**
 * Why content cannot be had that may hold texts and parts of the types `allowed`. What a tool result holds is content
 * again, but of text only, so this never goes deeper than that.
 */
export function contentRefusal(content: unknown, allowed: ReadonlySet<string>): string | null {
  if (!isGiven(content) || typeof content === 'string') return null
  if (!Array.isArray(content)) return "'content' must be text or an array under a strict limit."
  for (const part of content) {
    const type = asPlainObject(part)?.type
    if (typeof part !== 'string' && !(typeof type === 'string' && allowed.has(type))) {
      return refused('A content part other than text, refusals, tool calls and tool results')
    }
    const nested = type === 'tool_result' ? contentRefusal(asPlainObject(part)?.content, textParts) : null
    if (nested !== null) return nested
  }
  return null
}

/** Something stands there, and not `null`. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

/**
 * The object that a value is; null for anything else, and for an object with a backslash in a key. Once V8's
 * `JSON.parse` has read such a key it can take others for it, that are spelled with escapes: a caller could
 * so hide a member from us.
 */
export function asPlainObject(value: unknown): PlainObject | null {
  if (typeof value !== 'object' || value === null) return null
  return Object.keys(value).some((key) => key.includes('\\')) ? null : (value as PlainObject)
}

/** The plain object that a body holds; null for anything else. */
export function parsePlainObject(body: Buffer): PlainObject | null {
  try {
    return asPlainObject(JSON.parse(body.toString()))
  } catch {
    return null
  }
}

/** What is said of something that may bring in tokens from elsewhere. */
export function refused(what: string): string {
  return `${what} cannot be bounded and is not allowed under a strict limit.`
}
