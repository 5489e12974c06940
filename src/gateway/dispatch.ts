import { type Failure, isFailure } from '../domain/failure.ts'
import type { ResolvedTarget } from '../tenancy/groups/resolve-target.ts'
import { type Origin, parseOrigin } from '../upstream/origin.ts'
import { type Answer, awaitAnswer } from './answer.ts'
import type { Grant } from './call.ts'
import type { HeaderChoice } from './exchange.ts'
import { frontierBooks, leftAfter } from './frontier-books.ts'
import { type Needles, needlesOf } from './mask.ts'
import { outgoingBody } from './outgoing.ts'
import type { Room } from './room.ts'
import { type Ending, recordHold, settled } from './settle.ts'

/**
 * Sends one admitted attempt and waits for the first content of its answer. Until then nothing has gone to the caller:
 * whatever goes wrong is returned as a Failure, with which the attempt has yet to be ended.
 */
export function dispatch(grant: Grant, room: Room): Failure | Promise<Answer | Failure> {
  const door = doorOf(grant.target.upstream)
  if (isFailure(door)) return door
  return grant.reservation.strictHolds.length > 0 ? sendHeld(grant, door, room) : send(grant, door, room)
}

/** Nothing of a strict call goes out before its hold stands in the spool. */
async function sendHeld(grant: Grant, door: Door, room: Room): Promise<Answer | Failure> {
  const unrecorded = await recordHold(grant, room)
  if (unrecorded !== null) return unrecorded
  return grant.call.isCut ? { failure: 'cancelled' } : send(grant, door, room)
}

function send(grant: Grant, door: Door, room: Room): Promise<Answer | Failure> {
  const { call, ask } = grant
  grant.wasSent = true
  return awaitAnswer(call, room.upstream, door.secrets, {
    origin: door.origin,
    method: 'POST',
    path: door.basePath + ask.operation.upstreamPath,
    headers: door.headers + call.exchange.headerLines(passedOn),
    body: outgoingBody(ask, grant.target, grant.reservation.outputCap).pieces,
    timeouts: room.timeouts,
  })
}

/** Gives back or charges an attempt that got no answer. */
export async function endUnanswered(grant: Grant, failure: Failure, room: Room): Promise<Failure> {
  grant.call.onCut = null
  grant.outcome = failure.failure
  await settled(frontierBooks, grant, endingOf(grant, failure), room)
  return failure
}

/** A caller who left after the call was sent is charged the prompt; what never reached the upstream costs nothing. */
function endingOf({ ask, wasSent }: Grant, failure: Failure): Ending {
  const wasNeverSent =
    !wasSent ||
    (failure.failure === 'upstream' && (failure.problem === 'connect' || failure.problem === 'refused')) ||
    (failure.failure === 'upstream_timeout' && failure.phase === 'connect')
  if (wasNeverSent) return { ending: 'unused' }
  return failure.failure === 'cancelled' ? leftAfter(ask, 0) : { ending: 'untold', failed: true }
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
