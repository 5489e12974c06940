import { usageEventColumns } from '../../src/ledger/chunk.ts'
import { bulkInsert } from '../../src/store/bulk.ts'
import type { Database } from '../../src/store/database.ts'
import type { UsageEventTable } from '../../src/store/schema.ts'

/** A row of the ledger; what a test does not care about is the same in all. */
export function usageRow(over: Partial<UsageEventTable> & { id: string; at: number }): UsageEventTable {
  return {
    workspace_id: 'w',
    request_id: `req_${over.id}`,
    key_id: 'k_1',
    key_prefix: 'sky_one',
    node_id: 'grp_1',
    external_id: 'one',
    model: 'aurora/lumen',
    provider: 'BASETEN',
    upstream_model: 'lumen-2',
    input_tokens: 7,
    output_tokens: 5,
    cache_read_tokens: 2,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    cost_whole: 0,
    cost_pico: 0,
    estimated: 0,
    streamed: 0,
    status: 200,
    latency_ms: 3,
    first_token_ms: null,
    metadata: '{"secret":"not for pulling"}',
    outcome: 'ok',
    upstream_status: 200,
    admitted_ms: 0,
    first_byte_ms: 1,
    ...over,
  }
}

export async function storeEvents(database: Database, rows: readonly UsageEventTable[]): Promise<void> {
  const values = rows.map((row) => usageEventColumns.map((column) => row[column]))
  await database.transaction((transaction) =>
    bulkInsert(transaction, database.kind, 'usage_events', usageEventColumns, values),
  )
}
