import { expect } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import type { FakeUpstream } from '../fake-upstream.ts'
import type { CallRecord } from './load.ts'

/** What the ledger says was used, in all. */
export interface LedgerSums {
  readonly events: number
  readonly tokens: number
}

/**
 * Holds the ledger against what the clients and the upstream saw: one event with the upstream's own counts for every
 * answer that came complete, none twice, and counters that are the sums of what was charged.
 */
export async function expectTrueLedger(
  database: Database,
  records: readonly CallRecord[],
  upstream: FakeUpstream,
): Promise<LedgerSums> {
  const events = await database.read.selectFrom('usage_events').selectAll().execute()
  const byRequest = new Map(events.map((event) => [event.request_id, event]))
  expect(byRequest.size, 'a request has two events').toBe(events.length)

  const complete = records.filter(({ isComplete }) => isComplete)
  const missing = complete.filter(({ requestId }) => !byRequest.has(requestId ?? ''))
  expect(missing, 'complete answers without an event').toEqual([])
  for (const { requestId, answerId } of complete) {
    const event = byRequest.get(requestId ?? '')
    const served = upstream.find(answerId ?? '')?.tokens
    expect([event?.input_tokens, event?.output_tokens, event?.estimated]).toEqual([
      served?.prompt,
      served?.completion,
      0,
    ])
  }

  const tokens = events.reduce((sum, event) => sum + event.input_tokens + event.output_tokens, 0)
  const rollups = await database.read.selectFrom('rollups').selectAll().execute()
  const charged = rollups.filter(({ counter }) => counter.includes('token'))
  expect(
    charged.reduce((sum, row) => sum + row.used_whole, 0),
    'the counters and the events disagree',
  ).toBe(tokens)
  return { events: events.length, tokens }
}
