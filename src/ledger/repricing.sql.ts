import type { Kysely, Transaction } from 'kysely'
import type { Quantity } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import { addToBuckets } from '../store/bulk.ts'
import type { Database } from '../store/database.ts'
import { durationColumns, firstTokenColumns } from '../store/histogram.ts'
import type { Schema } from '../store/schema.ts'

/** From an instant up to, but not including, another one. */
export interface Range {
  readonly from: EpochMs
  readonly to: EpochMs
}

/** The last call of a page, in the order of instants. */
export interface After {
  readonly at: EpochMs
  readonly id: string
}

type Column =
  | 'usage_events.at'
  | 'usage_events.workspace_id'
  | 'usage_events.key_id'
  | 'usage_events.node_id'
  | 'usage_events.model'
  | 'usage_events.provider'
  | 'usage_events.upstream_model'
  | 'usage_events.outcome'
  | 'usage_events.input_tokens'
  | 'usage_events.output_tokens'
  | 'usage_events.cache_read_tokens'
  | 'usage_events.cache_write_tokens'
  | 'usage_events.reasoning_tokens'
  | 'usage_events.cost_whole'
  | 'usage_events.cost_pico'
  | 'native_calls.id'
  | 'native_calls.virtual_key_id'
  | 'native_calls.provider_key_id'
  | 'native_calls.request_type'
  | 'native_calls.priced'
  | 'native_calls.price_terms'

const columns: readonly Column[] = [
  'usage_events.at',
  'usage_events.workspace_id',
  'usage_events.key_id',
  'usage_events.node_id',
  'usage_events.model',
  'usage_events.provider',
  'usage_events.upstream_model',
  'usage_events.outcome',
  'usage_events.input_tokens',
  'usage_events.output_tokens',
  'usage_events.cache_read_tokens',
  'usage_events.cache_write_tokens',
  'usage_events.reasoning_tokens',
  'usage_events.cost_whole',
  'usage_events.cost_pico',
  'native_calls.id',
  'native_calls.virtual_key_id',
  'native_calls.provider_key_id',
  'native_calls.request_type',
  'native_calls.priced',
  'native_calls.price_terms',
]

/** Some of the native door's calls of a range, oldest first; nobody else changes them before the transaction ends. */
export async function lockCalls(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  { from, to }: Range,
  after: After | null,
  limit: number,
) {
  let query = transaction
    .selectFrom('native_calls')
    .innerJoin('usage_events', 'usage_events.id', 'native_calls.id')
    .select([...columns])
    .where('native_calls.at', '>=', from)
    .where('native_calls.at', '<', to)
    .orderBy('native_calls.at')
    .orderBy('native_calls.id')
    .limit(limit)
  if (after !== null) {
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('native_calls.at', 'native_calls.id'), '>', tuple(after.at, after.id)),
    )
  }
  return (kind === 'sqlite' ? query : query.forUpdate('native_calls')).execute()
}

export type CallRow = Awaited<ReturnType<typeof lockCalls>>[number]

export async function countCalls(read: Kysely<Schema>, { from, to }: Range): Promise<number> {
  const { calls } = await read
    .selectFrom('native_calls')
    .select(({ fn }) => fn.countAll<number>().as('calls'))
    .where('at', '>=', from)
    .where('at', '<', to)
    .executeTakeFirstOrThrow()
  return calls
}

export async function writeCost(
  transaction: Transaction<Schema>,
  id: string,
  cost: Quantity,
  priceTerms: string,
): Promise<void> {
  await transaction
    .updateTable('usage_events')
    .set({ cost_whole: cost.whole, cost_pico: cost.pico })
    .where('id', '=', id)
    .execute()
  await transaction
    .updateTable('native_calls')
    .set({ priced: 1, price_terms: priceTerms })
    .where('id', '=', id)
    .execute()
}

/** What the calls of a bucket cost more than it was told; less than nothing, where they cost less. */
export interface BucketChange {
  readonly startsAt: EpochMs
  readonly call: CallRow
  readonly amount: Quantity
}

const noTokens = [0, 0, 0, 0, 0]
const noTimes = [...durationColumns, ...firstTokenColumns].map(() => null)

export async function addCosts(
  transaction: Transaction<Schema>,
  kind: Database['kind'],
  changes: readonly BucketChange[],
): Promise<void> {
  await addToBuckets(
    transaction,
    kind,
    changes.map(({ startsAt, call, amount }) => [
      call.workspace_id,
      startsAt,
      call.node_id ?? '',
      call.key_id,
      call.provider,
      call.model,
      call.outcome,
      0,
      0,
      ...noTokens,
      amount.whole,
      amount.pico,
      ...noTimes,
    ]),
  )
}
