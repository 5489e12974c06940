import { add, isZero, type Quantity, subtract, zero } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Usage } from '../domain/usage.ts'
import type { Database } from '../store/database.ts'
import { bucketStart } from './bucket-sums.ts'
import {
  type After,
  addCosts,
  type BucketChange,
  type CallRow,
  countCalls,
  lockCalls,
  type Range,
  writeCost,
} from './repricing.sql.ts'

/** A call of the native door as it is stored, as far as its price depends on it. */
export interface StoredCall {
  readonly virtualKeyId: string | null
  readonly providerKeyId: string | null
  readonly provider: string
  /** As the provider knows it. */
  readonly model: string
  readonly requestType: string
  readonly usage: Usage
  readonly priceTerms: string
}

/** What a call costs now, and what that rests on; or why its cost stays: the provider said it, or nobody knows another. */
export type NewCost = { readonly cost: Quantity; readonly priceTerms: string } | 'reported' | 'unpriced'

/** What became of the calls of a range. */
export interface Repriced {
  readonly calls: number
  /** Those that cost something else now. */
  readonly changed: number
  readonly reported: number
  readonly unpriced: number
  readonly before: Quantity
  readonly after: Quantity
}

const callsAtOnce = 500

/**
 * Prices the calls of a range anew: their events get the new cost, and the sums that views read get the difference. What
 * counters have been charged stays.
 *
 * May run beside a gateway, and again: each transaction is whole, and a call that costs what it should is left alone.
 */
export async function reprice(
  database: Database,
  range: Range,
  price: (call: StoredCall) => NewCost,
  isDryRun: boolean,
  progress: (done: number, total: number) => void,
): Promise<Repriced> {
  const total = await countCalls(database.read, range)
  let sum: Repriced = { calls: 0, changed: 0, reported: 0, unpriced: 0, before: zero, after: zero }
  let after: After | null = null
  do {
    const page: { readonly sum: Repriced; readonly last: After | null } = await repricePage(
      database,
      range,
      after,
      price,
      isDryRun,
    )
    sum = joined(sum, page.sum)
    after = page.last
    progress(sum.calls, Math.max(total, sum.calls))
  } while (after !== null)
  return sum
}

function repricePage(
  { kind, transaction }: Database,
  range: Range,
  after: After | null,
  price: (call: StoredCall) => NewCost,
  isDryRun: boolean,
): Promise<{ readonly sum: Repriced; readonly last: After | null }> {
  return transaction(async (it) => {
    const rows = await lockCalls(it, kind, range, after, callsAtOnce)
    const buckets = new Map<string, BucketChange>()
    let sum: Repriced = { calls: 0, changed: 0, reported: 0, unpriced: 0, before: zero, after: zero }
    for (const row of rows) {
      const before = { whole: row.cost_whole, pico: row.cost_pico }
      const found = price(toCall(row))
      const cost = typeof found === 'string' ? before : found.cost
      const isChanged = !isZero(subtract(cost, before))
      sum = joined(sum, {
        calls: 1,
        changed: isChanged ? 1 : 0,
        reported: found === 'reported' ? 1 : 0,
        unpriced: found === 'unpriced' ? 1 : 0,
        before,
        after: cost,
      })
      const isToldWrong = isChanged || row.priced === 0
      if (isDryRun || typeof found === 'string' || !isToldWrong) continue
      await writeCost(it, row.id, cost, found.priceTerms)
      addChange(buckets, row, subtract(cost, before))
    }
    await addCosts(it, kind, [...buckets.values()])
    const last = rows.length < callsAtOnce ? undefined : rows.at(-1)
    return { sum, last: last === undefined ? null : { at: last.at, id: last.id } }
  })
}

function toCall(row: CallRow): StoredCall {
  return {
    virtualKeyId: row.virtual_key_id,
    providerKeyId: row.provider_key_id,
    provider: row.provider,
    model: row.upstream_model,
    requestType: row.request_type,
    usage: {
      input: row.input_tokens,
      output: row.output_tokens,
      cacheRead: row.cache_read_tokens,
      cacheWrite: row.cache_write_tokens,
      reasoning: row.reasoning_tokens,
    },
    priceTerms: row.price_terms,
  }
}

function addChange(buckets: Map<string, BucketChange>, call: CallRow, amount: Quantity): void {
  if (isZero(amount)) return
  const startsAt: EpochMs = bucketStart(call.at)
  const place = [
    startsAt,
    call.workspace_id,
    call.node_id,
    call.key_id,
    call.provider,
    call.model,
    call.outcome,
  ]
  const name = JSON.stringify(place)
  const known = buckets.get(name)
  buckets.set(name, { startsAt, call, amount: known === undefined ? amount : add(known.amount, amount) })
}

function joined(one: Repriced, other: Repriced): Repriced {
  return {
    calls: one.calls + other.calls,
    changed: one.changed + other.changed,
    reported: one.reported + other.reported,
    unpriced: one.unpriced + other.unpriced,
    before: add(one.before, other.before),
    after: add(one.after, other.after),
  }
}
