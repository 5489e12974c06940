import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Running } from './candidate.ts'
import type { Processes } from './processes.ts'

const run = promisify(execFile)

/** What one round of load saw. Latency counts from the scheduled moment of sending. */
export const LoadResult = z.object({
  completed: z.number(),
  requestsPerSecond: z.number(),
  /** Of the measured processes, all threads, per completed request. */
  cpuMicrosPerRequest: z.number(),
  /** Of one core. */
  cpuShare: z.number(),
  userShare: z.number(),
  loadCpuShare: z.number(),
  latencyMicros: z.object({
    p50: z.number(),
    p90: z.number(),
    p99: z.number(),
    p999: z.number(),
    max: z.number(),
  }),
  firstByteMicros: z.object({ p50: z.number(), p99: z.number() }),
  rssKb: z.object({ before: z.number(), peak: z.number() }),
  /** Streams that had begun and not ended when the measurement ended. */
  openStreams: z.number(),
  waitedMost: z.number(),
  reconnects: z.number(),
  errors: z.object({
    status: z.number(),
    framing: z.number(),
    usage: z.number(),
    connection: z.number(),
    unanswered: z.number(),
  }),
})
export type LoadResult = z.output<typeof LoadResult>

export interface Load {
  /** As the mock upstream knows it. */
  readonly model: string
  readonly connections: number
  readonly seconds: number
  readonly warmSeconds: number
  /** Requests per second at random moments; 0 sends again as soon as an answer is there. */
  readonly rate?: number
  readonly bodyBytes?: number
  /** How many events a stream must hold. */
  readonly events?: number
  /** Leaves answers open at the end instead of waiting for them, and warms up only until all have begun. */
  readonly holds?: boolean
  /** Keys to send in turn, one a line and all of one length, instead of the one in the target's headers. */
  readonly keyFile?: string
}

/** Why there is no result at all: the candidate has died, or takes no connections. */
export interface LoadFailure {
  readonly failed: string
}

/** Puts load on a candidate. The first wrong answer is shown on standard error. */
export async function putLoad(
  processes: Processes,
  program: string,
  target: Running,
  load: Load,
): Promise<LoadResult | LoadFailure> {
  const values = [
    ['--port', target.port],
    ['--model', target.modelName(load.model)],
    ['--connections', load.connections],
    ['--seconds', load.seconds],
    ['--warm-seconds', load.warmSeconds],
    ['--rate', load.rate ?? 0],
    ['--body-bytes', load.bodyBytes ?? 1024],
    ['--events', load.events ?? 0],
    ['--processes', target.program.ids().join(',')],
    ...(load.keyFile === undefined ? [] : [['--keys', load.keyFile]]),
    ...target.headers.map((header) => ['--header', header]),
  ].flat()
  const [file, ...pinned] = processes.pinned({
    file: program,
    arguments: [...values.map(String), ...(load.holds === true ? ['--hold'] : [])],
    place: 'others',
  })
  try {
    const { stdout, stderr } = await run(file, pinned)
    if (stderr !== '') console.error(stderr.trim())
    return LoadResult.parse(JSON.parse(stdout))
  } catch (fault) {
    return {
      failed: `${fault instanceof Error ? fault.message : String(fault)} ${target.program.lastWords()}`,
    }
  }
}

export function errorCount({ errors }: LoadResult): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0)
}
