import type { Answer } from '../answer.ts'
import type { Room } from '../room.ts'
import type { Failed, NoteAttempt } from './failed.ts'
import type { NativeGrant } from './grant.ts'
import { readError } from './relay-error.ts'
import { relayStream } from './relay-stream.ts'
import { relayWhole } from './relay-whole.ts'

const eventStream = /^text\/event-stream\s*(?:;|$)/i

/**
 * Brings an answer to the caller and settles the attempt before its end goes out. What the provider sends decides how,
 * not what was asked for. Returns what went wrong if nothing has gone to the caller yet: then nothing is settled either.
 */
export function relay(
  grant: NativeGrant,
  answer: Answer,
  untilContentMs: number,
  note: NoteAttempt,
  room: Room,
): Promise<Failed | null> {
  const { status, headers } = answer.head
  grant.upstreamStatus = status
  grant.firstByteMs = room.clock() - grant.call.startedAt
  if (status >= 300) return readError(grant, answer)
  grant.outcome = 'ok'
  if (eventStream.test(headers.get('content-type') ?? ''))
    return relayStream(grant, answer, untilContentMs, note, room)
  return relayWhole(grant, answer, note, room)
}
