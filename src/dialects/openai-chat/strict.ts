type JsonObject = Readonly<Record<string, unknown>>

const textParts = new Set(['text', 'refusal'])
const boundedParts = new Set([...textParts, 'tool_call', 'tool_use', 'tool_result'])
const ownTools = new Set(['function', 'custom'])
const unboundedMembers = [
  'previous_response_id',
  'conversation',
  'prediction',
  'web_search_options',
  'best_of',
] as const

/**
 * Why a request cannot be made under a strict limit; null if it can be.
 *
 * A strict limit holds the most that a call can cost before it is made. That most is known only if all input
 * stands as text in the body and all output falls under the caller's cap; whatever brings in tokens from
 * elsewhere is refused. Parses the body.
 */
export function strictRefusal(body: Buffer): string | null {
  const request = parse(body)
  if (request === null)
    return 'The body must be a JSON object without backslashes in its keys under a strict limit.'
  const member = unboundedMembers.find((name) => isGiven(request[name]))
  if (member !== undefined) return refused(`'${member}'`)
  if (asObject(request.prompt) !== null && !Array.isArray(request.prompt)) return refused('A stored prompt')
  if (Array.isArray(request.prompt) && isBatch(request.prompt))
    return refused("More than one text in 'prompt'")
  if (isGiven(request.n) && !isPositiveInteger(request.n))
    return "'n' must be a positive integer under a strict limit."
  return toolRefusal(request.tools) ?? messagesRefusal(request.messages)
}

function toolRefusal(tools: unknown): string | null {
  if (!isGiven(tools)) return null
  if (!Array.isArray(tools)) return "'tools' must be an array under a strict limit."
  const isServerSide = (tool: unknown) => !ownTools.has(String(asObject(tool)?.type))
  return tools.some(isServerSide) ? refused('A tool that the provider runs') : null
}

function messagesRefusal(messages: unknown): string | null {
  if (!isGiven(messages)) return null
  if (!Array.isArray(messages)) return "'messages' must be an array under a strict limit."
  for (const item of messages) {
    const message = asObject(item)
    if (message === null) return refused('A message that is no plain object')
    if (isGiven(message.audio)) return refused('Audio in a message')
    const refusal = contentRefusal(message.content, boundedParts)
    if (refusal !== null) return refusal
  }
  return null
}

/** What a tool result holds is content again, but of text only, so this never goes deeper than that. */
function contentRefusal(content: unknown, allowed: ReadonlySet<string>): string | null {
  if (!isGiven(content) || typeof content === 'string') return null
  if (!Array.isArray(content)) return "'content' must be text or an array under a strict limit."
  for (const part of content) {
    const type = asObject(part)?.type
    if (typeof part !== 'string' && !(typeof type === 'string' && allowed.has(type))) {
      return refused('A content part other than text, refusals, tool calls and tool results')
    }
    const nested = type === 'tool_result' ? contentRefusal(asObject(part)?.content, textParts) : null
    if (nested !== null) return nested
  }
  return null
}

/**
 * Token lists are flat arrays of numbers; anything else of more than one element asks for several answers.
 */
function isBatch(prompt: readonly unknown[]): boolean {
  return prompt.length > 1 && prompt.some((item) => typeof item !== 'number')
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isPositiveInteger(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}

/**
 * The object that a value is; null for anything else, and for an object with a backslash in a key. Once V8's
 * `JSON.parse` has read such a key it can take others for it, that are spelled with escapes: a caller could
 * so hide a member from us.
 */
function asObject(value: unknown): JsonObject | null {
  if (typeof value !== 'object' || value === null) return null
  return Object.keys(value).some((key) => key.includes('\\')) ? null : (value as JsonObject)
}

function parse(body: Buffer): JsonObject | null {
  try {
    return asObject(JSON.parse(body.toString()))
  } catch {
    return null
  }
}

function refused(what: string): string {
  return `${what} cannot be bounded and is not allowed under a strict limit.`
}
