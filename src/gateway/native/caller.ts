import { isFailure } from '../../domain/failure.ts'
import { type RequiredHeader, requiredHeadersOf } from '../../tenancy/governance/client/required-headers.ts'
import type { ClientConfig, VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import { isExpired, type PresentedKey } from '../../tenancy/governance/logins/credentials.ts'
import { verifyToken } from '../../tenancy/governance/logins/tokens.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Call } from '../call.ts'
import type { Exchange } from '../exchange.ts'
import type { Room } from '../room.ts'
import { type Problem, problemOf, refused } from './problem.ts'

/**
 * Finds whose call it is: a virtual key that may be used, or null where callers need none. What headers the operator
 * demands is looked at first, and a key that is off is told so even where its time is over too.
 */
export async function authenticate(
  call: Call,
  presented: PresentedKey | null,
  world: GovernanceWorld,
  room: Room,
): Promise<VirtualKeyFact | null | Problem> {
  const missing = requiredHeaders(call.exchange, world.client)
  if (missing !== null) return missing
  if (presented === null) return admitAnyone(call.exchange, world.client, room)
  const key = await findKey(presented, world, room)
  if (key === null) return notFound(room)
  if ('errorType' in key) return key
  call.virtualKey = key
  if (!key.isActive) return blocked('Virtual key is inactive', room)
  return isExpired(key, room.clock()) ? blocked('Virtual key has expired', room) : key
}

const required = refused(
  401,
  'virtual_key_required',
  'virtual key is required. Provide a virtual key via the x-bf-vk header.',
  'policy_access_denied',
  true,
)

function notFound({ errorDialect }: Room): Problem {
  return refused(
    401,
    errorDialect === 'v2' ? 'access_not_found' : 'virtual_key_not_found',
    'virtual key not found. The provided virtual key does not exist or has been revoked.',
    'policy_access_denied',
    true,
  )
}

/** The later names say it in small letters. */
function blocked(message: string, { errorDialect }: Room): Problem {
  return errorDialect === 'v2'
    ? refused(403, 'access_blocked', message.replace('Virtual', 'virtual'), 'policy_access_denied', true)
    : refused(403, 'virtual_key_blocked', message, 'policy_access_denied', true)
}

/** A browser must not be able to spend what is open to whoever reaches this port. */
function admitAnyone(exchange: Exchange, client: ClientConfig, room: Room): null | Problem {
  if (client.enforce_auth_on_inference ?? room.enforceAuthByDefault) return required
  return exchange.isForeign() ? problemOf({ failure: 'forbidden', what: 'origin', name: '' }) : null
}

async function findKey(
  { kind, text }: PresentedKey,
  world: GovernanceWorld,
  room: Room,
): Promise<VirtualKeyFact | null | Problem> {
  if (kind === 'value') return world.findVirtualKey(room.digestKey(text), room.clock())
  const verified = await verifyToken(text, world, room.clock())
  if (isFailure(verified)) return problemOf(verified)
  return verified.virtualKeyId === null ? null : world.virtualKey(verified.virtualKeyId)
}

function requiredHeaders(exchange: Exchange, client: ClientConfig): Problem | null {
  const wanted = requiredHeadersOf(client)
  if (wanted.length === 0) return null
  const sent = ({ header }: RequiredHeader): string => exchange.header(header)?.trim() ?? ''
  const missing = wanted.filter((header) => sent(header) === '').map(({ name }) => name)
  if (missing.length > 0) return headerProblem(`missing required headers: ${missing.join(', ')}`)
  const wrong = wanted.find((header) => !header.accepts(sent(header)))
  return wrong === undefined ? null : headerProblem(`invalid required header value: ${wrong.name}`)
}

function headerProblem(message: string): Problem {
  return refused(400, 'missing_required_headers', message, 'caller_invalid_request', true)
}
