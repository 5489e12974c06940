import type { NewUlid } from '../domain/ids.ts'
import type { Clock } from '../domain/time.ts'
import type { LogCall } from '../telemetry/call-log.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** What every part of a running gateway is handed. */
export interface Basics {
  readonly clock: Clock
  readonly newUlid: NewUlid
  readonly log: Log
  readonly logCall: LogCall
  readonly metrics: Metrics
  /** Takes what a repeated round threw; the next round comes all the same. */
  readonly onError: (error: unknown) => void
  /** What has been opened, in order: closed from the last to the first. */
  readonly closers: Closer[]
}

export type Closer = () => void | Promise<void>

export async function closeAll(closers: Closer[]): Promise<void> {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
}
