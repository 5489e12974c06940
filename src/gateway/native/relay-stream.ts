import { nativeErrorFrame } from '../../dialects/openai-native/error-body.ts'
import { openNativeStream } from '../../dialects/openai-native/stream.ts'
import { openResponsesStream, responsesErrorFrame } from '../../dialects/openai-responses/stream.ts'
import type { NativeStep, StreamFailure } from '../../dialects/stream-outlet.ts'
import type { Failure } from '../../domain/failure.ts'
import type { PricedUsage } from '../../domain/usage.ts'
import type { Answer } from '../answer.ts'
import { whenCut } from '../call.ts'
import { draining } from '../draining.ts'
import type { Room } from '../room.ts'
import { endedWith, settle } from '../settle.ts'
import { leftAfter, nativeBooks } from './books.ts'
import { nativeErrorOf } from './door.ts'
import { extraFields } from './extra-fields.ts'
import type { Failed, NativeEnding, NoteAttempt } from './failed.ts'
import type { NativeGrant } from './grant.ts'
import { answerHeaders } from './headers.ts'
import { type KeepAlive, keepAlive } from './keep-alive.ts'
import { type Problem, problem, problemOf, tooSlow } from './problem.ts'
import { cancelledAfter, reported, secretsOf } from './relay-error.ts'

const maxEventBytes = 16 * 2 ** 20
const streamHeaders = ['cache-control', 'no-cache', 'x-accel-buffering', 'no'] as const

/** A stream of either kind on its way through. */
interface Stream {
  push(chunk: Buffer): NativeStep
  end(): NativeStep
  usage(): PricedUsage | null
  hasBegun(): boolean
  /** The last event of a stream that fails. */
  errorFrame(problem: Problem): Buffer
  readonly tally: { readonly contentEvents: number; readonly parseErrors: number }
}

/**
 * Relays a stream of events as they come. Nothing goes out before its first content: until then a failure can still
 * move the call on. Afterwards a failure is the last event. The end waits until the attempt is settled.
 */
export function relayStream(
  grant: NativeGrant,
  answer: Answer,
  untilContentMs: number,
  note: NoteAttempt,
  room: Room,
): Promise<Failed | null> {
  const { call } = grant
  const { exchange } = call
  const { status } = answer.head
  const stream = openStream(grant)
  let hasStarted = false
  let isOver = false
  let alive: KeepAlive | null = null

  return new Promise((resolve, reject) => {
    const timer = Number.isFinite(untilContentMs)
      ? setTimeout(tooLate, Math.max(0, untilContentMs))
      : undefined

    function start(): void {
      clearTimeout(timer)
      hasStarted = true
      call.status = status
      call.firstTokenMs = room.clock() - call.startedAt
      room.metrics.streamsOpen.value += 1
      exchange.start(status, [...answerHeaders(grant, answer.head, room), ...streamHeaders])
      alive = keepAlive(grant.journey.world.client, write)
    }
    function write(bytes: Buffer): void {
      if (!exchange.write(bytes)) answer.pause()
    }
    function send(pieces: readonly Buffer[]): void {
      const [first] = pieces
      if (first === undefined) return
      if (!hasStarted) start()
      write(pieces.length === 1 ? first : Buffer.concat(pieces))
      alive?.noteWritten()
    }
    /** Settles once, whatever comes first, and then lets go. */
    function close(ending: NativeEnding, problem: Problem | null, then: (isWritten: boolean) => void): void {
      isOver = true
      alive?.stop()
      call.onCut = null
      grant.parseErrors = stream.tally.parseErrors
      if (problem !== null) grant.outcome = problem.outcome
      note(problem)
      const closed = (unwritten: Failure | null): void => {
        room.metrics.streamsOpen.value -= 1
        then(unwritten === null)
        resolve(null)
      }
      settle(nativeBooks, grant, ending, room, closed, reject)
    }
    /** Nothing has gone out: the call may move on. */
    function fail(failed: Failed): void {
      clearTimeout(timer)
      isOver = true
      call.onCut = null
      resolve(failed)
    }
    function closeComplete(terminal: readonly Buffer[]): void {
      if (!hasStarted) start()
      close(endedWith(stream.usage()), null, (isWritten) => {
        if (!isWritten) return exchange.cut()
        for (const piece of terminal) exchange.write(piece)
        exchange.end()
      })
    }
    function breakOff(problem: Problem): void {
      answer.abort()
      const ending = cutShort(stream.usage())
      if (hasStarted) breakOffStarted(problem, ending)
      else fail({ problem, ending: neverUsed(problem, ending) })
    }
    function breakOffStarted(problem: Problem, ending: NativeEnding): void {
      close(ending, problem, endWithError(problem))
    }
    function endWithError(problem: Problem): (isWritten: boolean) => void {
      return (isWritten) => {
        if (!isWritten) return exchange.cut()
        exchange.write(stream.errorFrame(problem))
        exchange.end()
      }
    }
    function tooLate(): void {
      if (!isOver) breakOff(tooSlow('first_token_timeout_in_seconds'))
    }
    function take({ now, terminal, failure }: NativeStep): void {
      if (stream.hasBegun()) send(now)
      if (failure !== null) breakOff(problemIn(grant, failure))
      else if (terminal.length > 0) closeComplete(terminal)
    }

    whenCut(call, () => {
      answer.abort()
      const { contentEvents } = stream.tally
      if (!hasStarted) return fail(cancelledAfter(grant, 0))
      const usage = stream.usage()
      const ending = usage === null ? leftAfter(grant.journey, contentEvents) : endedWith(usage)
      // Whoever has left does not hear it; whoever is still there was cut by a drain.
      close(ending, problemOf({ failure: 'cancelled' }), endWithError(problemOf(draining)))
    })
    exchange.onDrain(() => answer.resume())
    answer.read({
      onData(chunk) {
        if (!isOver) take(stream.push(chunk))
      },
      onEnd() {
        if (!isOver) take(stream.end())
      },
      onFailure(failure) {
        if (isOver) return
        // Silence after everything has finished is an end like any other.
        const step = failure.failure === 'upstream_timeout' ? stream.end() : null
        if (step !== null && step.failure === null) take(step)
        else breakOff(problemOf(failure))
      },
    })
  })
}

function openStream(grant: NativeGrant): Stream {
  const { journey, credential, target, call } = grant
  const options = {
    extraFields:
      journey.ask.overrides.streamExtraFields ?? journey.world.client.stream_extra_fields ?? 'edges',
    makeExtra: (chunkIndex: number) =>
      extraFields(journey, { target, key: credential.key, model: credential.model }, chunkIndex),
    maxEventBytes,
    secrets: secretsOf(grant),
  } as const
  if (journey.operation !== 'responses') {
    const stream = openNativeStream({ ...options, hideUsage: !journey.ask.request.wantsUsage })
    return { ...stream, errorFrame: (problem) => nativeErrorFrame(nativeErrorOf(call, problem, journey)) }
  }
  const stream = openResponsesStream(options)
  return {
    ...stream,
    errorFrame: ({ code, message }) =>
      responsesErrorFrame({ code, message, sequenceNumber: stream.nextSequenceNumber() }),
  }
}

function problemIn(grant: NativeGrant, failure: StreamFailure): Problem {
  switch (failure.cause) {
    case 'reported':
      return reported(grant, failure.error, null)
    case 'truncated':
      return problem({
        status: 502,
        type: 'stream_truncated',
        code: 'stream_truncated',
        message: 'The provider ended the stream before it was complete.',
        errorType: 'provider_connection_failed',
        errorClass: 'transient',
        outcome: 'upstream',
      })
    case 'too_long':
      return problemOf({
        failure: 'upstream',
        problem: 'garbage',
        message: `The provider sent an event of more than ${failure.limitBytes} bytes.`,
      })
  }
}

function cutShort(usage: PricedUsage | null): NativeEnding {
  return usage === null ? { ending: 'untold', failed: true } : { ending: 'reported', usage, failed: true }
}

/** What a provider turned down itself it has not begun. */
function neverUsed(problem: Problem, ending: NativeEnding): NativeEnding {
  const isRefusal =
    ending.ending === 'untold' && problem.outcome !== 'upstream' && problem.errorClass !== 'timeout'
  return isRefusal ? { ending: 'unused' } : ending
}
