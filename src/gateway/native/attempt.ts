import { serves } from '../../providers/endpoint.ts'
import type { ProviderFact } from '../../tenancy/governance/facts.ts'
import type { Room } from '../room.ts'
import { type Ending, settled } from '../settle.ts'
import { admit } from './admit.ts'
import { nativeBooks } from './books.ts'
import type { NativeGrant } from './grant.ts'
import type { Journey, Target } from './journey.ts'
import { type Credential, callersPins, pickCredential, usableCredentials } from './keys.ts'
import { configOf, permissionProblem } from './permission.ts'
import { invalidRequest, isProblem, type Problem } from './problem.ts'
import { sendWithRetries } from './send.ts'

/** Serves a call at one target: permission, admission, key, and as many attempts as that takes. Null: it is answered. */
export async function attempt(
  journey: Journey,
  target: Target,
  hasFallback: boolean,
  room: Room,
): Promise<Problem | null> {
  const { world, virtualKey, operation, ask } = journey
  const provider = world.provider(target.provider)
  const forbidden =
    virtualKey === null ? null : permissionProblem(virtualKey, target.provider, target.askedModel, provider)
  if (forbidden !== null) return forbidden
  if (provider === null) return notConfigured(target.provider)
  if (!serves(provider, operation, ask.request.isStream)) return unsupported(journey, provider)

  const credentials = credentialsFor(journey, target, provider)
  const first = isProblem(credentials) ? null : pickCredential(credentials, room)
  // Limits are told before a missing key: whoever has none left is not told to look for keys.
  const grant = await admit(
    journey,
    target,
    provider,
    first ?? { key: null, value: null, model: target.model },
    room,
  )
  if (isProblem(grant)) return grant
  if (isProblem(credentials)) return giveBack(grant, credentials, room)
  return sendWithRetries(grant, credentials, hasFallback, room)
}

function credentialsFor(
  { virtualKey, call }: Journey,
  target: Target,
  provider: ProviderFact,
): readonly Credential[] | Problem {
  const config = virtualKey === null ? null : configOf(virtualKey, target.provider)
  const pins = [callersPins(call.exchange), { keyId: target.pinnedKeyId, name: null }]
  return usableCredentials(provider, target.model, config, pins)
}

/** Ends an attempt that was never made. */
async function giveBack(grant: NativeGrant, problem: Problem, room: Room): Promise<Problem> {
  grant.outcome = problem.outcome
  const unused: Ending = { ending: 'unused' }
  await settled(nativeBooks, grant, unused as Ending<never>, room)
  return problem
}

function notConfigured(provider: string): Problem {
  const message = `Provider '${provider}' is not configured.`
  return invalidRequest(message, 'provider_not_configured', 'caller_model_not_available')
}

function unsupported({ operation, ask }: Journey, { name }: ProviderFact): Problem {
  const what = ask.request.isStream ? `${operation}_stream` : operation
  return invalidRequest(`${what} is not supported by provider '${name}'.`, 'unsupported_operation')
}
