import type { ClientConfig } from '../../tenancy/governance/facts.ts'

/** A comment of its own: readers of streams pass over it, and proxies see that the connection lives. */
const comment = Buffer.from(': keepalive\n\n')
const defaultSeconds = 15

/** Watches over a stream that has begun, so that its caller is not left without a sign for long. */
export interface KeepAlive {
  /** Something has gone out. */
  noteWritten(): void
  stop(): void
}

const never: KeepAlive = { noteWritten() {}, stop() {} }

/** Sends a comment whenever nothing else has gone out for as long as the operator says. */
export function keepAlive(
  { stream_keepalive_seconds: seconds = defaultSeconds }: ClientConfig,
  send: (comment: Buffer) => void,
): KeepAlive {
  if (seconds === 0) return never
  const silenceMs = seconds * 1000
  let writtenAt = performance.now()
  // One timer that is set again by itself: streams write far more often than they fall silent.
  let timer = setTimeout(look, silenceMs)
  function look(): void {
    const silentMs = performance.now() - writtenAt
    if (silentMs < silenceMs) {
      timer = setTimeout(look, silenceMs - silentMs)
      return
    }
    send(comment)
    writtenAt = performance.now()
    timer = setTimeout(look, silenceMs)
  }
  return {
    noteWritten() {
      writtenAt = performance.now()
    },
    stop: () => clearTimeout(timer),
  }
}
