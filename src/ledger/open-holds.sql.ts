import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import { periodOf } from '../limits/window.ts'
import { addToRollups, bulkDelete, bulkInsert } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import type { OpenHoldTable } from '../store/schema.ts'
import type { ChargeTarget } from './charges.ts'
import { rollingColumns } from './chunk.ts'
import type { HoldTuple } from './record.ts'
import { rollingSums } from './rolling-sums.ts'
import { rollupSums } from './rollup-sums.ts'

const holdsPerTransaction = 500

/**
 * Charges each hold that an instance left open whole, to its strict rows only, and closes it. Nobody is billed for
 * them: what the provider did is not known. Returns how many there were.
 */
export async function chargeOpenHolds(
  database: Database,
  instance: InstanceId,
  now: EpochMs,
): Promise<number> {
  let charged = 0
  for (;;) {
    const holds = await database.read
      .selectFrom('open_holds')
      .selectAll()
      .where('instance_id', '=', instance)
      .orderBy('id')
      .limit(holdsPerTransaction)
      .execute()
    if (holds.length === 0) return charged
    await chargeHolds(database, instance, holds.map(readHold), now)
    charged += holds.length
  }
}

interface OpenHold {
  readonly id: string
  readonly at: EpochMs
  readonly rows: readonly HoldTuple[]
}

function readHold({ id, at, holds }: OpenHoldTable): OpenHold {
  return { id, at, rows: JSON.parse(holds) as HoldTuple[] }
}

async function chargeHolds(
  database: Database,
  instance: InstanceId,
  holds: readonly OpenHold[],
  now: EpochMs,
): Promise<void> {
  const { kind } = database
  const begun = await readBegunPeriods(database, holds, now)
  const sums = rollupSums()
  const rolling = rollingSums()
  for (const hold of holds) {
    for (const held of hold.rows) {
      const [counter, generation, window, , whole, pico] = held
      const record = { id: hold.id, at: now }
      if (window.kind === 'rolling')
        rolling.add(record, { counter, generation, startsAt: null, endsAt: null }, now, whole, pico)
      else sums.add(begun.get(counter) ?? periodOfHold(held, hold.at, now), whole, pico)
    }
  }
  await database.transaction(async (transaction) => {
    await bulkDelete(
      transaction,
      kind,
      'open_holds',
      'id',
      holds.map((hold) => hold.id),
    )
    await bulkInsert(transaction, kind, 'rolling_charges', rollingColumns, rolling.rows(instance))
    await addToRollups(transaction, kind, sums.rows())
  })
}

/**
 * The periods of generations that began while calls were under way, whose settlements would have counted there. Only
 * first periods are known here: once that is over, the charge stays with the generation that admitted the call.
 */
async function readBegunPeriods(
  { read }: Database,
  holds: readonly OpenHold[],
  now: EpochMs,
): Promise<ReadonlyMap<string, ChargeTarget>> {
  const counters = new Set(holds.flatMap(({ rows }) => rows.map(([counter]) => counter)))
  if (counters.size === 0) return new Map()
  const generations = await read
    .selectFrom('limit_generations')
    .selectAll()
    .where('counter', 'in', [...counters])
    .orderBy('generation')
    .execute()
  const newest = new Map(generations.map((row) => [row.counter, row]))
  const open = [...newest.values()].filter(({ starts_at, ends_at }) => starts_at <= now && now < ends_at)
  return new Map(
    open.map(({ counter, generation, starts_at, ends_at }) => [
      counter,
      { counter, generation, startsAt: starts_at, endsAt: ends_at },
    ]),
  )
}

/** A hold counts where its settlement would have: in the period of admission, or in the one that runs by now. */
function periodOfHold(
  [counter, generation, window, chargedAt]: HoldTuple,
  admittedAt: EpochMs,
  now: EpochMs,
): ChargeTarget {
  if (window.kind === 'rolling') throw new TypeError(`${counter} has no periods`)
  const { startsAt, endsAt } = periodOf(window, chargedAt === 'admission' ? admittedAt : now)
  return { counter, generation, startsAt, endsAt }
}
