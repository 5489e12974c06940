import { quoted } from '../json/quoted.ts'

/** What the log says of one call: never its content, never a secret. */
export interface CallLine {
  readonly id: string
  /** The public prefix of the key; null for a caller without a good one. */
  readonly key: string | null
  readonly model: string
  readonly status: number
  readonly elapsedMs: number
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

export type LogCall = (line: CallLine) => void

/** A model's name is what a caller sent, so it may be anything; names of real models are shorter. */
const longestModel = 255

/** How much may wait, and for how long: a write costs more than the lines in it. */
const longestText = 32_768
const longestWaitMs = 50

export interface CallLog {
  readonly log: LogCall
  /** Writes what waits. */
  flush(): void
}

/**
 * Writes a line for each call in the form of the other log lines, many at a time. By hand, because a logging library's
 * line costs as much as admitting the call.
 */
export function openCallLog(write: (text: string) => void, now: () => number): CallLog {
  let pending = ''
  let lastMs = 0
  let lastTime = ''
  let timer: NodeJS.Timeout | undefined

  function timeText(): string {
    const nowMs = now()
    if (nowMs !== lastMs) {
      lastMs = nowMs
      lastTime = new Date(nowMs).toISOString()
    }
    return lastTime
  }

  function flush(): void {
    clearTimeout(timer)
    const text = pending
    pending = ''
    if (text !== '') write(text)
  }

  function log({ id, key, model, status, elapsedMs, inputTokens, outputTokens }: CallLine): void {
    if (pending === '') timer = setTimeout(flush, longestWaitMs)
    const named = model === '' ? '' : `,"model":${quoted(model.slice(0, longestModel))}`
    const keyed = key === null ? '' : `,"key":${quoted(key)}`
    const tokens = inputTokens === null ? '' : `,"input":${inputTokens},"output":${outputTokens}`
    const tenths = Math.round(elapsedMs * 10)
    pending += `{"level":"info","time":"${timeText()}","id":"${id}"${keyed}${named},"status":${status},"ms":${Math.floor(tenths / 10)}.${tenths % 10}${tokens}}\n`
    if (pending.length >= longestText) flush()
  }

  return { log, flush }
}
