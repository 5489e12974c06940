import type { EpochMs } from '../domain/time.ts'
import { carriedUsage, type GenerationChange } from '../limits/generation.ts'
import type { Charge } from '../limits/plan.ts'
import type { Database } from '../store/database.ts'
import type { LimitGenerationTable } from '../store/governance-schema.ts'

const countersAtOnce = 500

/**
 * What the newest generations took over whose first period is still open, some hundred charges at a time. Reads only
 * the periods that changes found, however long a counter's history is.
 */
export async function* readCarriedUsage(database: Database, now: EpochMs): AsyncGenerator<readonly Charge[]> {
  let after: string | null = ''
  while (after !== null) {
    const counters = await readCounters(database, after, now)
    const changes = Map.groupBy(await readChanges(database, counters), ({ counter }) => counter)
    const charges = Map.groupBy(await readFoundPeriods(database, counters), ({ counter }) => counter)
    const carried = counters
      .map((counter) => carriedUsage(changes.get(counter) ?? [], charges.get(counter) ?? [], now))
      .filter((charge) => charge !== null)
    if (carried.length > 0) yield carried
    after = counters.length < countersAtOnce ? null : (counters.at(-1) ?? null)
  }
}

/** Those whose newest generation keeps usage, and is in its first period. */
async function readCounters({ read }: Database, after: string, now: EpochMs): Promise<readonly string[]> {
  const rows = await read
    .selectFrom('limit_generations as newest')
    .select('newest.counter')
    .where('newest.counter', '>', after)
    .where('newest.ends_at', '>', now)
    .where('newest.keeps_usage', '=', 1)
    .where(({ eb, not, exists }) =>
      not(
        exists(
          eb
            .selectFrom('limit_generations as newer')
            .select('newer.counter')
            .whereRef('newer.counter', '=', 'newest.counter')
            .whereRef('newer.generation', '>', 'newest.generation'),
        ),
      ),
    )
    .orderBy('newest.counter')
    .limit(countersAtOnce)
    .execute()
  return rows.map(({ counter }) => counter)
}

async function readChanges(
  { read }: Database,
  counters: readonly string[],
): Promise<readonly GenerationChange[]> {
  if (counters.length === 0) return []
  const rows = await read
    .selectFrom('limit_generations')
    .selectAll()
    .where('counter', 'in', counters)
    .orderBy('generation')
    .execute()
  return rows.map(toChange)
}

function toChange(row: LimitGenerationTable): GenerationChange {
  return {
    counter: row.counter,
    generation: row.generation,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    changedAt: row.changed_at,
    keepsUsage: row.keeps_usage === 1,
  }
}

/** What was charged and adjusted in the periods in which a counter's window changed. */
async function readFoundPeriods({ read }: Database, counters: readonly string[]): Promise<readonly Charge[]> {
  if (counters.length === 0) return []
  const rollups = read
    .selectFrom('rollups as period')
    .innerJoin('limit_generations as next', (join) =>
      join
        .onRef('next.counter', '=', 'period.counter')
        .on(({ eb, ref }) => eb('next.generation', '=', eb(ref('period.generation'), '+', 1)))
        .onRef('next.changed_at', '>=', 'period.starts_at')
        .onRef('next.changed_at', '<', 'period.ends_at'),
    )
    .select(['period.counter', 'period.generation', 'period.starts_at', 'period.ends_at'])
    .select(['period.used_whole as whole', 'period.used_pico as pico'])
    .where('period.counter', 'in', counters)
  const adjustments = read
    .selectFrom('limit_adjustments as period')
    .select(['period.counter', 'period.generation', 'period.starts_at', 'period.ends_at'])
    .select(['period.amount_whole as whole', 'period.amount_pico as pico'])
    .where('period.counter', 'in', counters)
  const rows = await rollups.unionAll(adjustments).execute()
  return rows.map(({ counter, generation, starts_at, ends_at, whole, pico }) => ({
    counter,
    generation,
    startsAt: starts_at,
    endsAt: ends_at,
    amount: { whole, pico },
  }))
}
