import { openMemoryCounters } from '../../src/limits/memory.ts'
import { type Actual, type Amounts, isRefusal, type Plan, type PlanRow } from '../../src/limits/plan.ts'

const largest = { whole: 9e15, pico: 0 }

function row(index: number, fields: Pick<PlanRow, 'metric' | 'window' | 'strict'>): PlanRow {
  return {
    ...fields,
    counter: `node-${index}/aurora/lumen-2/${fields.metric}`,
    generation: 0,
    ceiling: largest,
    unit: 'minute',
    refundsFailed: false,
    chargedAt: fields.window.kind === 'fixed' ? 'admission' : 'completion',
    subject: null,
  }
}

/** Requests and tokens by the minute and the day, and a budget, on two levels: ten rows. */
function tenRows(strict: boolean): Plan {
  const minute = { kind: 'rolling', lengthMs: 60_000 } as const
  const day = { kind: 'fixed', lengthMs: 86_400_000, anchor: 0 } as const
  const month = { kind: 'calendar', unit: 'month' } as const
  const level = [
    { metric: 'request', window: minute, strict: false },
    { metric: 'token', window: minute, strict },
    { metric: 'request', window: day, strict: false },
    { metric: 'token', window: day, strict },
    { metric: 'cost', window: month, strict },
  ] as const
  return { rows: [...level, ...level].map((fields, index) => row(index, fields)), isStrict: strict }
}

const amounts: Amounts = {
  inputEstimate: 420,
  inputBound: 1680,
  outputEstimate: 256,
  outputCap: 1024,
  defaultOutputCap: 4096,
  choices: 1,
  rates: { input: 3_000_000_000_000n, output: 15_000_000_000_000n },
}
const actual: Actual = { tokens: 700, costPico: 5_460_000_000n, reported: true, failed: false }

function reserveAndSettle(plan: Plan): () => void {
  const counters = openMemoryCounters()
  let now = Date.UTC(2026, 10, 2)
  return () => {
    // A thousand calls a second, so that buckets turn as they would.
    now += 1
    const reservation = counters.reserve(plan, amounts, now)
    if (isRefusal(reservation)) throw new Error('the benchmark was refused')
    counters.settle(reservation, actual, now)
  }
}

export const benches: readonly { readonly name: string; run(): void }[] = [
  { name: 'reserve and settle 10 rows', run: reserveAndSettle(tenRows(false)) },
  { name: 'reserve and settle 10 rows, 6 of them strict', run: reserveAndSettle(tenRows(true)) },
]
