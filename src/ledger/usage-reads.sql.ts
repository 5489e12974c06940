import type { EpochMs } from '../domain/time.ts'
import type { Charge } from '../limits/plan.ts'
import type { Database } from '../store/database.ts'

/** What the named counters were charged in the periods that are open at an instant; nothing for those with none. */
export async function readPeriodUsage(
  database: Database,
  counters: readonly string[],
  at: EpochMs,
): Promise<readonly Charge[]> {
  if (counters.length === 0) return []
  const rows = await database.read
    .selectFrom('rollups')
    .selectAll()
    .where('counter', 'in', counters)
    .where('starts_at', '<=', at)
    .where('ends_at', '>', at)
    .orderBy('counter')
    .orderBy('generation')
    .execute()
  return rows.map((row) => ({
    counter: row.counter,
    generation: row.generation,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    amount: { whole: row.used_whole, pico: row.used_pico },
  }))
}
