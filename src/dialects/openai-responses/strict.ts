import {
  asPlainObject,
  contentRefusal,
  isGiven,
  parsePlainObject,
  refused,
  toolRefusal,
  unreadable,
} from '../strict.ts'

const textParts = new Set(['input_text', 'output_text', 'text', 'refusal'])
const calls = new Set(['function_call', 'custom_tool_call'])
const callOutputs = new Set(['function_call_output', 'custom_tool_call_output'])
const unboundedMembers = [
  'previous_response_id',
  'conversation',
  'prompt',
  'background',
  'context_management',
] as const

/**
 * Why a request of the Responses API cannot be made under a strict limit; null if it can be. All input must stand as
 * text in the body: what the provider has stored, or brings in by itself, is refused, past reasoning among it, which
 * the body holds by reference or encrypted. Parses the body.
 */
export function strictResponsesRefusal(body: Buffer): string | null {
  const request = parsePlainObject(body)
  if (request === null) return unreadable
  const member = unboundedMembers.find((name) => isGiven(request[name]) && request[name] !== false)
  if (member !== undefined) return refused(`'${member}'`)
  if (isGiven(request.instructions) && typeof request.instructions !== 'string') {
    return "'instructions' must be text under a strict limit."
  }
  return toolRefusal(request.tools) ?? inputRefusal(request.input)
}

function inputRefusal(input: unknown): string | null {
  if (!isGiven(input) || typeof input === 'string') return null
  if (!Array.isArray(input)) return "'input' must be text or an array under a strict limit."
  for (const entry of input) {
    const item = asPlainObject(entry)
    if (item === null) return refused('An item that is no plain object')
    const type = item.type ?? 'message'
    if (type === 'message') {
      const refusal = contentRefusal(item.content, textParts)
      if (refusal !== null) return refusal
    } else if (callOutputs.has(String(type))) {
      const refusal = contentRefusal(item.output, textParts)
      if (refusal !== null) return refusal
    } else if (!calls.has(String(type))) {
      return refused('An item other than messages, calls of functions and their outputs')
    }
  }
  return null
}
