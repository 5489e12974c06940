import { type Failure, isFailure } from '../../domain/failure.ts'
import { priceOfModel } from '../../tenancy/governance/prices/prices.ts'
import { awaitAnswer } from '../answer.ts'
import { whenCut } from '../call.ts'
import type { Room } from '../room.ts'
import { recordHold, settled } from '../settle.ts'
import { leftAfter, nativeBooks } from './books.ts'
import { endpointWith } from './endpoint.ts'
import type { Failed, NativeEnding } from './failed.ts'
import type { NativeGrant } from './grant.ts'
import { type Credential, coolingMs, pickCredential } from './keys.ts'
import { outgoingBody } from './outgoing.ts'
import { passedHeaders } from './passed-headers.ts'
import { exhausted, isProblem, type Problem, problemOf, tooSlow } from './problem.ts'
import { relay } from './relay.ts'
import { nextAttempt, retryPolicyOf } from './retry.ts'
import { inCallersTerms, type NativeTimeouts, timeoutsOf } from './timeouts.ts'
import { failReasonOf, tried } from './trail.ts'

/**
 * Sends an admitted call, again and with other keys where its provider's settings allow, until an answer has gone to the
 * caller. All attempts stand on the one reservation, which is settled when the last of them is over.
 */
export async function sendWithRetries(
  grant: NativeGrant,
  credentials: readonly Credential[],
  hasFallback: boolean,
  room: Room,
): Promise<Problem | null> {
  const { network_config: network } = grant.provider.settings
  const policy = retryPolicyOf(network, grant.journey.ask.overrides.maxRetries)
  const isStrict = grant.reservation.strictHolds.length > 0
  let pool = credentials
  let fresh = without(credentials, grant.credential)
  let retries = 0
  let hasOnlyDied = true
  /** Those that may be asked within this call. */
  const askable = (some: readonly Credential[]) =>
    some.filter((credential) => coolingMs(credential, room) <= policy.longestRetryAfterMs)
  for (;;) {
    const failed = await tryOnce(grant, isStrict, room)
    if (failed === null) return null
    const { problem, ending } = failed
    coolKey(grant, problem, room)
    const next = mayGoOn(grant, ending, isStrict)
      ? nextAttempt(problem, { retries, freshKeys: askable(fresh).length, hasFallback }, policy, room.random)
      : ({ next: 'none' } as const)
    if (next.next === 'none') return end(grant, failed, problem, room)
    let { delayMs } = next
    if (next.next === 'other_key') {
      hasOnlyDied &&= next.why === 'dead'
      if (next.why !== 'limited') pool = without(pool, grant.credential)
      fresh = askable(fresh).length > 0 ? fresh : pool
      const other = pickCredential(askable(fresh), room)
      if (other === null || grant.credential.key === null) {
        const isLastDead = next.why === 'dead' && pool.length > 0
        const isExhausted = (hasOnlyDied || isLastDead) && grant.credential.key !== null
        return end(grant, failed, isExhausted ? exhausted(problem) : problem, room)
      }
      // One that was asked before is not asked again sooner than it said.
      delayMs = Math.max(delayMs, coolingMs(other, room))
      noteMoved(grant, problem, room)
      use(grant, other)
      fresh = without(fresh, other)
    }
    if (next.costsRetry) {
      retries += 1
      room.metrics.retries(grant.provider.name, failReasonOf(problem)).value += 1
    }
    if (delayMs > 0) await pause(grant, delayMs)
    if (grant.call.isCut) return end(grant, failed, problemOf({ failure: 'cancelled' }), room)
  }
}

/** What was billed, or may have been under a strict limit, is not asked for once more on the same reservation. */
function mayGoOn({ call }: NativeGrant, { ending }: NativeEnding, isStrict: boolean): boolean {
  if (call.isCut || ending === 'reported' || ending === 'estimated') return false
  return ending === 'unused' || !isStrict
}

async function end(grant: NativeGrant, { ending }: Failed, problem: Problem, room: Room): Promise<Problem> {
  grant.outcome = problem.outcome
  await settled(nativeBooks, grant, ending, room)
  return problem
}

function without(credentials: readonly Credential[], used: Credential): readonly Credential[] {
  return credentials.filter(({ key }) => key !== used.key)
}

/** A provider may want a key left alone for a while. Other calls then take another, if there is one. */
function coolKey({ credential }: NativeGrant, { retryAfterMs }: Problem, room: Room): void {
  const keyId = credential.key?.keyId
  if (keyId !== undefined && retryAfterMs !== null) room.coolingKeys.set(keyId, room.clock() + retryAfterMs)
}

/** A call goes on with another key than the one it has. */
function noteMoved({ credential: { key }, provider }: NativeGrant, problem: Problem, room: Room): void {
  const reason = failReasonOf(problem)
  room.metrics.keyRotations(provider.name, key?.keyId ?? '', key?.name ?? '', reason).value += 1
}

function use(grant: NativeGrant, credential: Credential): void {
  const { world, virtualKey, operation } = grant.journey
  grant.credential = credential
  grant.price = priceOfModel(world, {
    virtualKeyId: virtualKey?.id ?? null,
    provider: grant.target.provider,
    providerKeyId: credential.key?.keyId ?? null,
    model: credential.model,
    requestType: operation,
  })
}

/** Ends early if the caller leaves. */
function pause({ call }: NativeGrant, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      call.onCut = null
      resolve()
    }
    const timer = setTimeout(done, delayMs)
    whenCut(call, done)
  })
}

/** One request to the provider. Null: its answer has gone to the caller, and the attempt is settled. */
async function tryOnce(grant: NativeGrant, isStrict: boolean, room: Room): Promise<Failed | null> {
  const { call, journey, target, credential, provider } = grant
  const sentAt = performance.now()
  const endpoint = endpointWith(provider, credential, journey.operation, room)
  if (isProblem(endpoint)) return { problem: endpoint, ending: { ending: 'unused' } }
  if (isStrict && !grant.hasHoldRecord) {
    const unrecorded = await recordHold(grant, room)
    if (unrecorded !== null) return { problem: problemOf(unrecorded), ending: { ending: 'unused' } }
  }
  if (call.isCut) return { problem: problemOf({ failure: 'cancelled' }), ending: { ending: 'unused' } }

  const { request, overrides } = journey.ask
  const timeouts = timeoutsOf(provider.settings.network_config, request.isStream, overrides.timeoutMs)
  const answer = await awaitFirstByte(grant, timeouts, () =>
    awaitAnswer(call, room.upstream, endpoint.secrets, {
      origin: endpoint.origin,
      reach: endpoint.reach,
      method: 'POST',
      path: endpoint.path,
      headers: endpoint.headers + passedHeaders(call.exchange, journey.world.client),
      body: outgoingBody(journey.ask, target.provider, credential.model, grant.reservation.outputCap).pieces,
      timeouts: timeouts.upstream,
    }),
  )
  const told = (status: number | null, problem: Problem | null): void => {
    const elapsedMs = performance.now() - sentAt
    journey.trail.push(tried(target.provider, credential.key, credential.model, elapsedMs, status, problem))
  }
  call.onCut = null
  if (isProblem(answer) || isFailure(answer)) {
    const problem = inCallersTerms(isProblem(answer) ? answer : problemOf(answer), timeouts)
    told(null, problem)
    return { problem, ending: endingOf(problem, grant, isFailure(answer) && wasNeverSent(answer)) }
  }
  const sinceSentMs = performance.now() - sentAt
  const note = (problem: Problem | null): void => told(answer.head.status, problem)
  const failed = await relay(grant, answer, timeouts.firstTokenMs - sinceSentMs, note, room)
  room.metrics.upstreamSeconds.observe((performance.now() - sentAt) / 1000)
  if (failed === null) return null
  const problem = inCallersTerms(failed.problem, timeouts)
  note(problem)
  return { ...failed, problem }
}

/** A stream has its own times to its first byte: the time between two of its bytes may be longer. */
async function awaitFirstByte(
  { call }: NativeGrant,
  { firstByteMs, firstTokenMs }: NativeTimeouts,
  send: () => ReturnType<typeof awaitAnswer>,
): Promise<Awaited<ReturnType<typeof awaitAnswer>> | Problem> {
  const limitMs = Math.min(firstByteMs, firstTokenMs)
  if (limitMs === Number.POSITIVE_INFINITY) return send()
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    call.onCut?.()
  }, limitMs)
  const answer = await send()
  clearTimeout(timer)
  if (!isLate || !isFailure(answer) || call.isCut) return answer
  return tooSlow(
    firstTokenMs < firstByteMs ? 'first_token_timeout_in_seconds' : 'default_request_timeout_in_seconds',
  )
}

function wasNeverSent(failure: Failure): boolean {
  if (failure.failure === 'upstream') return failure.problem === 'connect' || failure.problem === 'refused'
  return failure.failure === 'upstream_timeout' && failure.phase === 'connect'
}

/** A caller who left after the call was sent is charged the prompt; what never reached the provider costs nothing. */
function endingOf(problem: Problem, { journey }: NativeGrant, isUnsent: boolean): NativeEnding {
  if (problem.outcome === 'cancelled') return leftAfter(journey, 0)
  return isUnsent ? { ending: 'unused' } : { ending: 'untold', failed: true }
}
