import { given } from '../model-request.ts'
import { strictRefusal } from '../openai-chat/strict.ts'
import { strictResponsesRefusal } from '../openai-responses/strict.ts'
import { refused } from '../strict.ts'
import type { NativeRequest } from './request.ts'

/** Members of a chat that have the provider bring in more than the body holds. */
const broughtIn = ['mcp_servers', 'container', 'context_management'] as const

/**
 * Why a request cannot be made under a strict limit; null if it can be. Members that the operation does not know may do
 * anything, so they cannot be passed on.
 */
export function strictNativeRefusal(
  body: Buffer,
  request: NativeRequest,
  keepsUnknown: boolean,
): string | null {
  const { operation, places } = request
  if (keepsUnknown && places.unknown.length > 0) return refused('A member that is passed through unread')
  // All that an embedding costs is its input, which stands in the body.
  if (operation === 'embedding') return null
  if (operation === 'responses') return strictResponsesRefusal(body)
  const member = broughtIn.find((name) => given(body, places.known.get(name) ?? null) !== null)
  return member === undefined ? strictRefusal(body) : refused(`'${member}'`)
}
