import { type Failure, isFailure } from '../domain/failure.ts'
import type { ResolvedTarget } from '../tenancy/resolve-target.ts'
import { type Origin, parseOrigin } from '../upstream/origin.ts'
import { type Answer, awaitAnswer } from './answer.ts'
import type { Ask, Grant } from './call.ts'
import type { HeaderChoice } from './exchange.ts'
import { frontierBooks, leftAfter } from './frontier-books.ts'
import { type Needles, needlesOf } from './mask.ts'
import { outgoingBody } from './outgoing.ts'
import type { Room } from './room.ts'
import { type Ending, recordHold, settled } from './settle.ts'

/**
 * Sends one admitted attempt and waits for the first content of its answer. Until then nothing has gone to the
 * caller, so whatever goes wrong is returned as a Failure, and the grant has been given back or charged.
 */
export async function dispatch(grant: Grant, room: Room): Promise<Answer | Failure> {
  const { call, ask } = grant
  const door = doorOf(grant.target.upstream)
  if (isFailure(door)) return endWith(grant, door, { ending: 'unused' }, room)
  const isStrict = grant.reservation.strictHolds.length > 0
  const unrecorded = isStrict ? await recordHold(grant, room) : null
  if (unrecorded !== null || call.isCut)
    return endWith(grant, unrecorded ?? { failure: 'cancelled' }, { ending: 'unused' }, room)

  const answer = await awaitAnswer(call, room.upstream, door.secrets, {
    origin: door.origin,
    method: 'POST',
    path: door.basePath + ask.operation.upstreamPath,
    headers: door.headers + call.exchange.headerLines(passedOn),
    body: outgoingBody(ask, grant.target, grant.reservation.outputCap).pieces,
    timeouts: room.timeouts,
  })
  call.onCut = null
  return isFailure(answer) ? endWith(grant, answer, endingOf(answer, ask), room) : answer
}

async function endWith(grant: Grant, failure: Failure, ending: Ending, room: Room): Promise<Failure> {
  grant.outcome = failure.failure
  await settled(frontierBooks, grant, ending, room)
  return failure
}

/** A caller who left after the call was sent is charged the prompt; what never reached the upstream costs nothing. */
function endingOf(failure: Failure, ask: Ask): Ending {
  if (failure.failure === 'cancelled') return leftAfter(ask, 0)
  const wasNeverSent =
    (failure.failure === 'upstream' && (failure.problem === 'connect' || failure.problem === 'refused')) ||
    (failure.failure === 'upstream_timeout' && failure.phase === 'connect')
  return wasNeverSent ? { ending: 'unused' } : { ending: 'untold', failed: true }
}

/** A target made ready for sending: everything but the call's own headers. */
interface Door {
  readonly origin: Origin
  readonly basePath: string
  readonly headers: string
  readonly secrets: Needles | null
}

/** A resolved target stays the same object until something it rests on changes. */
const doors = new WeakMap<ResolvedTarget, Door | Failure>()

function doorOf(target: ResolvedTarget): Door | Failure {
  const known = doors.get(target)
  if (known !== undefined) return known
  const door = openDoor(target)
  doors.set(target, door)
  return door
}

function openDoor({ baseUrl, apiKey }: ResolvedTarget): Door | Failure {
  const origin = parseOrigin(baseUrl)
  if (isFailure(origin))
    return { failure: 'model_unavailable', message: 'The model has no address that can be called.' }
  const authorization = apiKey === null ? '' : `authorization: Bearer ${apiKey.reveal()}\r\n`
  return {
    origin,
    basePath: new URL(baseUrl).pathname.replace(/\/$/, ''),
    headers: `${authorization}content-type: application/json\r\n`,
    secrets: needlesOf(apiKey === null ? [] : [apiKey.reveal()]),
  }
}

/** Request headers of the caller that the provider may see. */
const passedOn: HeaderChoice = {
  names: ['accept', 'user-agent', 'idempotency-key'],
  prefixes: ['openai-', 'anthropic-'],
}
