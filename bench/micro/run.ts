import { readdirSync } from 'node:fs'

/** One thing to measure. Each `*.bench.ts` in this folder exports a list of them as `benches`. */
export interface Bench {
  readonly name: string
  run(): unknown
}

const warmUpMs = 300
const roundMs = 100
const rounds = 9

/**
 * Prints nanoseconds of this thread's processor time per run, of every bench whose name contains the text
 * given as argument: the median round and the best. Processor time, because a machine that is busy otherwise
 * stretches any other.
 */
async function main(filter: string): Promise<void> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.bench.ts'))
  for (const file of files.sort()) {
    const { benches } = (await import(`./${file}`)) as { benches: Bench[] }
    for (const bench of benches) if (bench.name.includes(filter)) report(bench)
  }
}

function report({ name, run }: Bench): void {
  measure(run, warmUpMs)
  const figures = Array.from({ length: rounds }, () => measure(run, roundMs)).sort(
    (one, other) => one - other,
  )
  const [median, best] = [figures[rounds >> 1] ?? 0, figures[0] ?? 0]
  console.log(
    `${name.padEnd(56)} ${median.toFixed(0).padStart(10)} ns/op   best ${best.toFixed(0).padStart(10)}`,
  )
}

function measure(run: () => unknown, lengthMs: number): number {
  const startedAt = threadMs()
  let runs = 0
  let elapsedMs = 0
  for (let batch = 1; elapsedMs < lengthMs; batch = Math.min(batch * 2, 1024)) {
    for (let i = 0; i < batch; i += 1) sink.result = run()
    runs += batch
    elapsedMs = threadMs() - startedAt
  }
  return (elapsedMs * 1e6) / runs
}

/** Where results go, so that no run can be optimised away. */
const sink: { result: unknown } = { result: null }

function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

if (import.meta.main) await main(process.argv[2] ?? '')
