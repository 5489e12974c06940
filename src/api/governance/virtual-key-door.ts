import type { Failure } from '../../domain/failure.ts'
import { isFailure } from '../../domain/failure.ts'
import type { VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import { extractVirtualKey, isExpired } from '../../tenancy/governance/logins/credentials.ts'
import { verifyToken } from '../../tenancy/governance/logins/tokens.ts'
import { dressAdmin } from '../admin/failures.ts'
import type { Door, Knock } from '../serve.ts'
import type { GovernanceServices, GovernanceVisit } from './route.ts'

/** The door of what virtual keys ask of themselves. Whether or not management is open, nothing else opens it. */
export function virtualKeyDoor(services: GovernanceServices): Door<GovernanceVisit> {
  return {
    tellsMethods: true,
    async admit(knock) {
      const key = await keyOf(services, knock)
      if (isFailure(key)) return key
      return {
        ...services,
        principal: { kind: 'virtual_key', key },
        operator: { actor: `virtual_key:${key.id}` },
      }
    },
    dress: dressAdmin,
  }
}

const unknownKey: Failure = {
  failure: 'unauthenticated',
  reason: 'unknown',
  message: 'Virtual key not found',
}
const noKey: Failure = {
  failure: 'unauthenticated',
  reason: 'missing',
  message:
    'Missing virtual key. Provide it via x-bf-vk header, Authorization Bearer, x-api-key, x-goog-api-key, or api-key header.',
}
const expired: Failure = {
  failure: 'forbidden',
  what: 'scope',
  name: '',
  message: 'Virtual key has expired',
}

async function keyOf(
  { tenancy, clock }: GovernanceServices,
  { header }: Knock,
): Promise<VirtualKeyFact | Failure> {
  const world = tenancy.snapshot().governance
  const presented = extractVirtualKey(header, (world.auth?.jwt ?? null) !== null)
  if (presented === null) return noKey
  if (presented.kind === 'value')
    return current(world.findVirtualKey(tenancy.digestOf(presented.text), clock()))
  const named = await verifyToken(presented.text, world, clock())
  if (isFailure(named)) return named
  return current(named.virtualKeyId === null ? null : world.virtualKey(named.virtualKeyId))

  function current(key: VirtualKeyFact | null): VirtualKeyFact | Failure {
    if (key === null) return unknownKey
    return isExpired(key, clock()) ? expired : key
  }
}
