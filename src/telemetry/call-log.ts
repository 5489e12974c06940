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

/**
 * Writes a line for each call in the form of the other log lines, all of one turn of the event loop together. By hand,
 * because a logging library's line costs as much as admitting the call.
 */
export function openCallLog(write: (text: string) => void, now: () => number): LogCall {
  let pending = ''
  let lastMs = 0
  let lastTime = ''

  function timeText(): string {
    const nowMs = now()
    if (nowMs !== lastMs) {
      lastMs = nowMs
      lastTime = new Date(nowMs).toISOString()
    }
    return lastTime
  }

  function flush(): void {
    const text = pending
    pending = ''
    write(text)
  }

  return ({ id, key, model, status, elapsedMs, inputTokens, outputTokens }) => {
    if (pending === '') setImmediate(flush)
    const named = model === '' ? '' : `,"model":${JSON.stringify(model.slice(0, longestModel))}`
    const keyed = key === null ? '' : `,"key":${JSON.stringify(key)}`
    const tokens = inputTokens === null ? '' : `,"input":${inputTokens},"output":${outputTokens}`
    const ms = Math.round(elapsedMs * 10) / 10
    pending += `{"level":"info","time":"${timeText()}","id":"${id}"${keyed}${named},"status":${status},"ms":${ms}${tokens}}\n`
  }
}
