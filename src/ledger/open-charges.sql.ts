import type { EpochMs } from '../domain/time.ts'
import type { Charge } from '../limits/plan.ts'
import type { Database } from '../store/database.ts'
import type { LimitAdjustmentTable } from '../store/governance-schema.ts'
import { readCarriedUsage } from './carried-usage.sql.ts'
import type { RollingCharge } from './rolling-sums.ts'

/** A minute, which is the longest rolling window, and the 1/60 of it by which windows may forget late. */
const rollingReachMs = 61_000

const periodsAtOnce = 5000
/** Each holds the charges of some hundred calls. */
const rollingRowsAtOnce = 100

/**
 * What counters have to be loaded with at start, some thousand charges at a time: the totals of all open periods, what
 * operators adjusted in them, what first periods took over from the generation before, and the single charges of
 * rolling windows. Reads indexes of what is open, never history.
 */
export async function* readOpenCharges(database: Database, now: EpochMs): AsyncGenerator<readonly Charge[]> {
  yield* readOpenPeriods(database, now)
  yield* readOpenAdjustments(database, now)
  yield* readCarriedUsage(database, now)
  yield* readRollingCharges(database, now - rollingReachMs)
}

async function* readOpenPeriods(database: Database, now: EpochMs): AsyncGenerator<readonly Charge[]> {
  let after: { counter: string; generation: number; starts_at: number } | null = null
  do {
    let query = database.read
      .selectFrom('rollups')
      .selectAll()
      .where('ends_at', '>', now)
      .orderBy('counter')
      .orderBy('generation')
      .orderBy('starts_at')
      .limit(periodsAtOnce)
    if (after !== null) {
      const { counter, generation, starts_at } = after
      query = query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('counter', 'generation', 'starts_at'), '>', tuple(counter, generation, starts_at)),
      )
    }
    const rows = await query.execute()
    if (rows.length > 0) {
      yield rows.map((row) => ({
        counter: row.counter,
        generation: row.generation,
        startsAt: row.starts_at,
        endsAt: row.ends_at,
        amount: { whole: row.used_whole, pico: row.used_pico },
      }))
    }
    after = rows.length < periodsAtOnce ? null : (rows.at(-1) ?? null)
  } while (after !== null)
}

async function* readOpenAdjustments(database: Database, now: EpochMs): AsyncGenerator<readonly Charge[]> {
  let after: string | null = ''
  while (after !== null) {
    const rows: readonly LimitAdjustmentTable[] = await database.read
      .selectFrom('limit_adjustments')
      .selectAll()
      .where('ends_at', '>', now)
      .where('id', '>', after)
      .orderBy('id')
      .limit(periodsAtOnce)
      .execute()
    if (rows.length > 0) {
      yield rows.map((row) => ({
        counter: row.counter,
        generation: row.generation,
        startsAt: row.starts_at,
        endsAt: row.ends_at,
        amount: { whole: row.amount_whole, pico: row.amount_pico },
      }))
    }
    after = rows.length < periodsAtOnce ? null : (rows.at(-1)?.id ?? null)
  }
}

async function* readRollingCharges(database: Database, since: EpochMs): AsyncGenerator<readonly Charge[]> {
  let after: { at: number; id: string } | null = { at: since, id: '' }
  while (after !== null) {
    const { at, id }: { at: number; id: string } = after
    const rows = await database.read
      .selectFrom('rolling_charges')
      .select(['at', 'id', 'charges'])
      .where(({ eb, refTuple, tuple }) => eb(refTuple('at', 'id'), '>', tuple(at, id)))
      .orderBy('at')
      .orderBy('id')
      .limit(rollingRowsAtOnce)
      .execute()
    const charges = rows.flatMap((row) => (JSON.parse(row.charges) as RollingCharge[]).map(toCharge))
    if (charges.length > 0) yield charges.filter(({ startsAt }) => startsAt >= since)
    after = rows.length < rollingRowsAtOnce ? null : (rows.at(-1) ?? null)
  }
}

function toCharge([counter, generation, startsAt, whole, pico]: RollingCharge): Charge {
  return { counter, generation, startsAt, endsAt: null, amount: { whole, pico } }
}
