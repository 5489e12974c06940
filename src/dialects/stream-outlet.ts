import { openPieces, type Pieces } from '../json/pieces.ts'
import type { UpstreamError } from './openai-native/upstream-error.ts'

/** Why a stream ends before its time. */
export type StreamFailure =
  /** The upstream ended it before it was complete. */
  | { readonly cause: 'truncated' }
  | { readonly cause: 'too_long'; readonly limitBytes: number }
  /** The provider said so, in an event. */
  | { readonly cause: 'reported'; readonly error: UpstreamError }

/** What goes out for one chunk. Views of the chunk among it: good until the chunk's memory is used again. */
export interface NativeStep {
  readonly now: readonly Buffer[]
  /** The end of the stream. The call must have been settled before this goes out; nothing comes after it. */
  readonly terminal: readonly Buffer[]
  /** Nothing comes after what this step brings. */
  readonly failure: StreamFailure | null
}

/** What leaves a stream, held back until there is content in it. */
export interface Outlet {
  readonly now: Pieces
  readonly terminal: Pieces
  /** Something has gone out, or is about to: from here on, the call cannot move on to a fallback. */
  hasBegun(): boolean
  begin(): void
  /** Tells of an event without content. So many of them make a beginning too. */
  wait(): void
  step(failure: StreamFailure | null): NativeStep
}

const mostWaitingEvents = 64
const mostWaitingBytes = 1 << 18
const none: readonly Buffer[] = []

/** Begins with nothing held back. */
export function openOutlet(): Outlet {
  const now = openPieces()
  const terminal = openPieces()
  let hasBegun = false
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let waitingEvents = 0

  function holdBack(pieces: readonly Buffer[]): readonly Buffer[] {
    for (const piece of pieces) {
      waiting.push(Buffer.from(piece))
      waitingBytes += piece.length
    }
    hasBegun = waitingEvents > mostWaitingEvents || waitingBytes > mostWaitingBytes
    return hasBegun ? letGo(none) : none
  }

  function letGo(pieces: readonly Buffer[]): readonly Buffer[] {
    if (waiting.length === 0) return pieces
    const all = [...waiting, ...pieces]
    waiting = []
    return all
  }

  return {
    now,
    terminal,
    hasBegun: () => hasBegun,
    begin() {
      hasBegun = true
    },
    wait() {
      waitingEvents += 1
    },
    step(failure) {
      const pieces = now.take()
      return { now: hasBegun ? letGo(pieces) : holdBack(pieces), terminal: terminal.take(), failure }
    },
  }
}
