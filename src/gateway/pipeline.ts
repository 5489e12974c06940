import { type Failure, isFailure } from '../domain/failure.ts'
import type { KeyFact } from '../tenancy/facts.ts'
import type { Snapshot } from '../tenancy/snapshot.ts'
import { accept, noSuchRoute, open } from './accept.ts'
import { admit } from './admit.ts'
import { requestIdHeaders } from './answer-headers.ts'
import type { Call } from './call.ts'
import { dispatch, endUnanswered } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import { identify, isNative } from './identify.ts'
import { listModels } from './list-models.ts'
import { serveNative } from './native/serve.ts'
import type { Operation } from './operations.ts'
import { peek } from './peek.ts'
import { relay } from './relay.ts'
import type { Room } from './room.ts'
import { route } from './route.ts'

/** Serves one model call. A step returns its result or a Failure; what is thrown is a bug, answered as such. */
export async function serveCall(exchange: Exchange, room: Room): Promise<void> {
  const call = open(exchange, room)
  room.openCalls.add(call)
  exchange.onGone(() => cut(call))
  try {
    const failure = await answer(call, room)
    if (failure !== null) call.door.refuse(call, failure)
  } catch (bug) {
    room.log.error({ id: call.id, err: bug }, 'a call met a bug')
    if (call.status === 0) call.door.refuse(call, { failure: 'internal', id: call.id })
    else exchange.cut()
  } finally {
    room.openCalls.remove(call)
    tell(call, room)
  }
}

/** Ends a call wherever it is, because its caller left or a drain is over its limit. It settles what was relayed. */
export function cut(call: Call): void {
  if (call.isCut) return
  call.isCut = true
  call.onCut?.()
}

/**
 * The first steps, up to where the ways of the two doors part. Where a step has its result at once nothing waits: each
 * wait costs as much as a step.
 */
function answer(call: Call, room: Room): Failure | null | Promise<Failure | null> {
  const served = accept(call.exchange.method, call.exchange.path)
  const world = room.snapshot() // one view of the configuration for the whole call
  const identity = identify(call.exchange, world, room.digestKey, room.strictKeyScheme)
  if (isNative(identity)) return serveNative(call, served, identity, world, room)
  if (isFailure(served)) return served
  if (isFailure(identity)) return identity
  call.key = identity
  const { frontier } = served
  if (frontier === null) return noSuchRoute
  if (frontier === 'models') return answerModels(call, identity, world)
  return serveFrontier(call, frontier, identity, world, room)
}

/** The steps of the frontier door in their order. */
async function serveFrontier(
  call: Call,
  operation: Operation,
  key: KeyFact,
  world: Snapshot,
  room: Room,
): Promise<Failure | null> {
  if (!room.spool.isWritable()) return { failure: 'overloaded', reason: 'spool', retryAfterMs: 1000 }
  const peeked = peek(call, operation, room.bodyLimitBytes)
  const ask = peeked instanceof Promise ? await peeked : peeked
  if (isFailure(ask)) return ask
  const target = route(key, ask.request.model, world, room.plans)
  if (isFailure(target)) return target
  if (call.isCut) return { failure: 'cancelled' }
  const admitted = admit(call, ask, target, room)
  const grant = admitted instanceof Promise ? await admitted : admitted
  if (isFailure(grant)) return grant
  const sentAt = performance.now()
  const dispatched = dispatch(grant, room)
  const answer = dispatched instanceof Promise ? await dispatched : dispatched
  const failure = await (isFailure(answer) ? endUnanswered(grant, answer, room) : relay(grant, answer, room))
  room.metrics.upstreamSeconds.observe((performance.now() - sentAt) / 1000)
  return failure
}

function answerModels(call: Call, key: KeyFact, world: Snapshot): Failure | null {
  const models = listModels(call.exchange.path, key, world)
  if (isFailure(models)) return models
  call.status = 200
  const headers = [...requestIdHeaders(call), 'content-type', 'application/json']
  call.exchange.respond(200, headers, Buffer.from(JSON.stringify(models)))
  return null
}

/** Leaves a call's traces in metrics and log: never its content, never its key. */
function tell(call: Call, room: Room): void {
  const status = call.isCut ? 499 : call.status
  const elapsedMs = performance.now() - call.startedMonotonicMs
  room.metrics.calls(status).value += 1
  room.metrics.callSeconds.observe(elapsedMs / 1000)
  room.logCall({
    id: call.id,
    key: call.key?.prefix ?? call.virtualKey?.name ?? null,
    model: call.model,
    status,
    elapsedMs,
    inputTokens: call.usage?.input ?? null,
    outputTokens: call.usage?.output ?? null,
  })
}
