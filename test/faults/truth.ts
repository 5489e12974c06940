import { expect } from 'vitest'
import type { OpenHoldTable, RollupTable, UsageEventTable } from '../../src/store/schema.ts'
import type { FakeUpstream } from '../fake-upstream.ts'
import type { TestPlace } from '../setup/databases.ts'
import type { CallRecord } from './load.ts'

/** What the database says was used. */
export interface Ledger {
  readonly events: readonly UsageEventTable[]
  readonly rollups: readonly RollupTable[]
  readonly openHolds: readonly OpenHoldTable[]
}

/** Looks into the database, whoever else has it open. */
export async function readLedger(place: Pick<TestPlace, 'look'>): Promise<Ledger> {
  return place.look(async (read) => ({
    events: await read.selectFrom('usage_events').selectAll().execute(),
    rollups: await read.selectFrom('rollups').selectAll().execute(),
    openHolds: await read.selectFrom('open_holds').selectAll().execute(),
  }))
}

/**
 * Holds the ledger against what the clients and the upstream saw: one event with the upstream's own counts for every
 * answer that came complete, none twice, and none that no client asked for. Returns the events of other calls.
 */
export function expectEachAnswerOnce(
  { events }: Ledger,
  records: readonly CallRecord[],
  upstream: FakeUpstream,
): readonly UsageEventTable[] {
  const byRequest = new Map(events.map((event) => [event.request_id, event]))
  expect(byRequest.size, 'a request has two events').toBe(events.length)

  const complete = records.filter(({ isComplete }) => isComplete)
  const missing = complete.filter(({ requestId }) => !byRequest.has(requestId ?? ''))
  expect(missing, 'complete answers without an event').toEqual([])
  const wrong = complete.filter(({ requestId, answerId }) => {
    const event = byRequest.get(requestId ?? '')
    const served = upstream.find(answerId ?? '')?.tokens
    return (
      event?.estimated !== 0 ||
      event.input_tokens !== served?.prompt ||
      event.output_tokens !== served.completion
    )
  })
  expect(wrong, 'complete answers with other counts than the upstream told').toEqual([])

  const completeIds = new Set(complete.map(({ requestId }) => requestId))
  const others = events.filter(({ request_id }) => !completeIds.has(request_id))
  expect(others.length, 'events that no call explains').toBeLessThanOrEqual(records.length - complete.length)
  return others
}

/**
 * Holds the sums that views read against the events and attempts that they are sums of. What limits refused is left
 * out: it may be lost with the process.
 */
export async function expectFactsAgree(place: TestPlace): Promise<void> {
  const { events, attempts, buckets, uses } = await place.look(async (read) => ({
    events: await read.selectFrom('usage_events').selectAll().execute(),
    attempts: await read.selectFrom('attempts').selectAll().execute(),
    buckets: await read.selectFrom('usage_buckets').selectAll().where('outcome', '!=', 'limited').execute(),
    uses: await read.selectFrom('key_uses').selectAll().execute(),
  }))
  const sums = new Map<string, [calls: number, input: number, output: number]>()
  const used = new Map<string, number>()
  const calls = [...events, ...attempts.map((row) => ({ ...row, input_tokens: 0, output_tokens: 0 }))]
  for (const { at, node_id, key_id, outcome, input_tokens: input, output_tokens: output } of calls) {
    const name = `${at - (at % 900_000)} ${node_id} ${key_id} ${outcome}`
    const sum = sums.get(name) ?? [0, 0, 0]
    sums.set(name, [sum[0] + 1, sum[1] + input, sum[2] + output])
    used.set(key_id, Math.max(at, used.get(key_id) ?? at))
  }
  const stored = buckets.map((row): [string, [number, number, number]] => [
    `${row.starts_at} ${row.node_id} ${row.key_id} ${row.outcome}`,
    [row.calls, row.input_tokens, row.output_tokens],
  ])
  expect(new Map(stored)).toEqual(sums)
  expect(stored.length, 'a bucket stands twice').toBe(sums.size)
  expect(new Set(uses.map(({ key_id }) => key_id))).toEqual(new Set(used.keys()))
  for (const { key_id, last_used_at } of uses) {
    const latest = used.get(key_id) ?? 0
    expect(last_used_at).toBeLessThanOrEqual(latest)
    expect(last_used_at).toBeGreaterThan(latest - 60_000)
  }
}

export function tokensOf(events: readonly UsageEventTable[]): number {
  return events.reduce((sum, event) => sum + event.input_tokens + event.output_tokens, 0)
}

/** What a group's counter of this metric was charged over all days. */
export function chargedTo({ rollups }: Ledger, groupId: string, metric: 'request' | 'token'): number {
  const own = rollups.filter(({ counter }) => counter.startsWith(`${groupId}:`) && counter.includes(metric))
  return own.reduce((sum, row) => sum + row.used_whole, 0)
}
