import type { Failure } from '../domain/failure.ts'
import type { Answer } from './answer.ts'
import type { Grant } from './call.ts'
import { relayError } from './relay-error.ts'
import { relayStream } from './relay-stream.ts'
import { relayWhole } from './relay-whole.ts'
import type { Room } from './room.ts'

const eventStream = /^text\/event-stream\s*(?:;|$)/i

/**
 * Brings an answer to the caller and settles the attempt before its end goes out. What the upstream sends decides
 * how, not what was asked for. Returns a failure only if nothing was sent to the caller yet.
 */
export function relay(grant: Grant, answer: Answer, room: Room): Promise<Failure | null> {
  const { status, headers } = answer.head
  grant.call.status = status
  grant.upstreamStatus = status
  grant.firstByteMs = room.clock() - grant.call.startedAt
  if (status >= 300) return relayError(grant, answer, room)
  if (eventStream.test(headers.get('content-type') ?? '')) return relayStream(grant, answer, room)
  return relayWhole(grant, answer, room)
}
