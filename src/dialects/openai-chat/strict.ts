import {
  asPlainObject,
  contentRefusal,
  isGiven,
  parsePlainObject,
  refused,
  toolRefusal,
  unreadable,
} from '../strict.ts'

const boundedParts = new Set(['text', 'refusal', 'tool_call', 'tool_use', 'tool_result'])
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
  const request = parsePlainObject(body)
  if (request === null) return unreadable
  const member = unboundedMembers.find((name) => isGiven(request[name]))
  if (member !== undefined) return refused(`'${member}'`)
  if (asPlainObject(request.prompt) !== null && !Array.isArray(request.prompt))
    return refused('A stored prompt')
  if (Array.isArray(request.prompt) && isBatch(request.prompt))
    return refused("More than one text in 'prompt'")
  if (isGiven(request.n) && !isPositiveInteger(request.n))
    return "'n' must be a positive integer under a strict limit."
  return toolRefusal(request.tools) ?? messagesRefusal(request.messages)
}

function messagesRefusal(messages: unknown): string | null {
  if (!isGiven(messages)) return null
  if (!Array.isArray(messages)) return "'messages' must be an array under a strict limit."
  for (const item of messages) {
    const message = asPlainObject(item)
    if (message === null) return refused('A message that is no plain object')
    if (isGiven(message.audio)) return refused('Audio in a message')
    const refusal = contentRefusal(message.content, boundedParts)
    if (refusal !== null) return refusal
  }
  return null
}

/**
 * Token lists are flat arrays of numbers; anything else of more than one element asks for several answers.
 */
function isBatch(prompt: readonly unknown[]): boolean {
  return prompt.length > 1 && prompt.some((item) => typeof item !== 'number')
}

function isPositiveInteger(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}
