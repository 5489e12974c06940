import { openSseSplitter } from './sse.ts'
import type { NativeStep, Outlet, StreamFailure } from './stream-outlet.ts'

/** What a dialect makes of the events of a stream. None of these is called once the stream is done. */
export interface EventTaker {
  /** [start, end) of the bytes is an event with the blank line that ends it; see `VisitEvent`. */
  take(bytes: Buffer, start: number, end: number, lines: number): void
  /** The LF of a CR LF whose CR ended the event before. */
  takeLineFeed(bytes: Buffer, start: number, end: number): void
  /** The upstream has ended, and nothing has said that the stream is done. Null if it is done by that. */
  close(): StreamFailure | null
  /** The stream is about to fail: what was kept of it goes out first. */
  release(): void
}

/** The way of a stream through a dialect, from the chunks of the upstream to what goes out for each. */
export interface StreamFrame {
  push(chunk: Buffer): NativeStep
  end(): NativeStep
  /** Ends the stream for what an event says. */
  fail(cause: StreamFailure): void
}

const blankLine = Buffer.from('\n\n')

/** `tally` says when the stream is done: a dialect knows its last event. */
export function openStreamFrame(
  out: Outlet,
  tally: { isDone: boolean },
  maxEventBytes: number,
  taker: EventTaker,
): StreamFrame {
  const events = openSseSplitter(maxEventBytes)
  let isEnding = false
  let failure: StreamFailure | null = null

  function visit(bytes: Buffer, start: number, end: number, lines: number): void {
    if (tally.isDone) return
    if (events.isLateLineFeed()) taker.takeLineFeed(bytes, start, end)
    else if (isEnding) {
      // The client knows an event by the blank line after it.
      const whole = Buffer.concat([bytes.subarray(start, end), blankLine])
      taker.take(whole, 0, whole.length, lines)
    } else taker.take(bytes, start, end, lines)
  }

  function fail(cause: StreamFailure): void {
    taker.release()
    tally.isDone = true
    failure = cause
  }

  function step(): NativeStep {
    const told = failure
    failure = null
    return out.step(told)
  }

  return {
    fail,
    push(chunk) {
      const goesOn = events.push(chunk, visit)
      if (!goesOn && !tally.isDone) fail({ cause: 'too_long', limitBytes: maxEventBytes })
      return step()
    },
    end() {
      isEnding = true
      events.end(visit)
      const cause = tally.isDone ? null : taker.close()
      if (cause !== null) fail(cause)
      return step()
    },
  }
}
