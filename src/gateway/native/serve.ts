import { type Failure, isFailure } from '../../domain/failure.ts'
import { crossOriginHeaders, preflightHeaders } from '../../tenancy/governance/client/cross-origin.ts'
import type { ClientConfig, VirtualKeyFact } from '../../tenancy/governance/facts.ts'
import { catalogIn } from '../../tenancy/governance/prices/prices.ts'
import type { GovernanceWorld } from '../../tenancy/governance/world.ts'
import type { Snapshot } from '../../tenancy/snapshot.ts'
import type { Call } from '../call.ts'
import type { NativeIdentity } from '../identify.ts'
import type { Served } from '../operations.ts'
import type { Room } from '../room.ts'
import { readAsk } from './ask.ts'
import { attempt } from './attempt.ts'
import { authenticate } from './caller.ts'
import { nativeDoor, tellProblem } from './door.ts'
import { callHeaders } from './headers.ts'
import type { Journey } from './journey.ts'
import { executeTool } from './mcp.ts'
import { listNativeModels } from './models.ts'
import { isProblem, type Problem, problemOf } from './problem.ts'
import { targetsOf } from './targets.ts'
import { failReasonOf } from './trail.ts'

/**
 * Serves a call of the native door: the caller, the body, where it may be sent, and then one target after the other
 * until one has answered.
 */
export async function serveNative(
  call: Call,
  served: Served | Failure,
  { presented }: NativeIdentity,
  { governance: before }: Snapshot,
  room: Room,
): Promise<null> {
  call.door = nativeDoor
  const origin = call.exchange.header('origin')
  if (origin !== null) call.doorHeaders = crossOriginHeaders(before.client, origin)
  if (call.exchange.method === 'OPTIONS' && isFailure(served) && served.failure === 'method_not_allowed')
    return answerOptions(call, served.allow, origin, before.client)
  if (isFailure(served)) return told(call, problemOf(served))
  const caller = await authenticate(call, presented, before, room)
  if (isProblem(caller)) return told(call, caller)
  const operation = served.native
  if (operation === 'models') return answerModels(call, caller, before)
  if (!room.spool.isWritable())
    return told(call, problemOf({ failure: 'overloaded', reason: 'spool', retryAfterMs: 1000 }))
  if (operation === 'mcp_tool') return told(call, await executeTool(call, caller, before, room))
  const ask = await readAsk(call, operation, before, room)
  if (isProblem(ask)) return told(call, ask)
  // A body may be long in coming: what has changed meanwhile holds for this call already.
  const { governance: world } = room.snapshot()
  const virtualKey = world === before ? caller : await authenticate(call, presented, world, room)
  if (isProblem(virtualKey)) return told(call, virtualKey)
  const journey: Journey = { call, world, virtualKey, operation, ask, primary: null, target: null, trail: [] }
  const problem = await travel(journey, room)
  if (problem !== null) tellProblem(call, problem, journey)
  return null
}

/** From target to target; null once one has answered. If none does, what was wrong with the first is told. */
async function travel(journey: Journey, room: Room): Promise<Problem | null> {
  const targets = await targetsOf(journey, room)
  if (isProblem(targets)) return targets
  const [primary] = targets
  if (primary === undefined) throw new Error('a call has nowhere to go')
  journey.primary = primary
  let first: Problem | null = null
  for (const target of targets) {
    if (journey.call.isCut) return problemOf({ failure: 'cancelled' })
    journey.target = target
    const problem = await attempt(journey, target, target.index + 1 < targets.length, room)
    if (problem === null) return null
    first ??= problem
    if (problem.isFinal) break
    if (target !== targets.at(-1)) room.metrics.fallbacks(target.provider, failReasonOf(problem)).value += 1
  }
  journey.target = primary
  return first
}

/** What a browser asks before a page of another origin may ask: nobody needs to say who they are for that. */
function answerOptions(
  call: Call,
  allow: readonly string[],
  origin: string | null,
  client: ClientConfig,
): null {
  const { exchange } = call
  if (origin !== null)
    call.doorHeaders = preflightHeaders(
      client,
      origin,
      allow,
      exchange.header('access-control-request-headers'),
    )
  call.status = 204
  exchange.respond(204, [...callHeaders(call), 'allow', [...allow, 'OPTIONS'].join(', ')], Buffer.alloc(0))
  return null
}

function answerModels(call: Call, virtualKey: VirtualKeyFact | null, world: GovernanceWorld): null {
  const { path, query } = call.exchange
  const models = listNativeModels(path, query, virtualKey, world, catalogIn(world))
  if (isProblem(models)) return told(call, models)
  call.status = 200
  const headers = [...callHeaders(call), 'content-type', 'application/json']
  call.exchange.respond(200, headers, Buffer.from(JSON.stringify(models)))
  return null
}

function told(call: Call, problem: Problem): null {
  tellProblem(call, problem, null)
  return null
}
