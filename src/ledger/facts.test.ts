import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { databases } from '../../test/setup/databases.ts'
import { isLong } from '../../test/setup/form.ts'
import type { KeyId, NodeId, WorkspaceId } from '../domain/ids.ts'
import type { Outcome } from '../domain/outcome.ts'
import { fromPico, toPico } from '../domain/quantity.ts'
import type { Database } from '../store/database.ts'
import { durationColumns, firstTokenColumns } from '../store/histogram.ts'
import type { RefusalCount } from './fact-record.ts'
import {
  attempt,
  beginEachEmpty,
  emptyTables,
  event,
  factsOf,
  judged,
  noon,
  refusal,
  refusedCall,
  type SpoolPlace,
  segmentOf,
  settlement,
  testDrain,
} from './ledger.fixture.ts'
import type { LedgerRecord } from './record.ts'

const minuteMs = 60_000
const quarterMs = 15 * minuteMs

/** Who called what; few, so that calls meet in their buckets. */
const who = fc.record({
  workspaceId: fc.constantFrom('default', 'aurora') as fc.Arbitrary<WorkspaceId>,
  keyId: fc.constantFrom('key_1', 'key_2') as fc.Arbitrary<KeyId>,
  nodeId: fc.constantFrom('grp_1', 'grp_2') as fc.Arbitrary<NodeId>,
  model: fc.constantFrom('demo/echo', 'demo/other'),
  provider: fc.constantFrom('echo', 'other'),
})
const outcome = fc.constantFrom<Outcome>('ok', 'cancelled', 'upstream', 'rejected')
/** Around the ends of cells, and far beyond the last. */
const duration = fc.oneof(
  fc.constantFrom(0, 24, 25, 26, 100, 101, 10_000, 100_000, 100_001),
  fc.nat(2_000_000),
)
const tokens = fc.oneof(fc.nat(3000), fc.nat(2 ** 40))

const aCall = fc.record({
  kind: fc.constant('event' as const),
  who,
  outcome,
  isNodeless: fc.boolean(),
  tokens: fc.tuple(tokens, tokens, tokens, tokens, tokens),
  pico: fc.bigInt(0n, 10n ** 16n),
  estimated: fc.boolean(),
  latencyMs: duration,
  firstTokenMs: fc.option(duration),
})
const anAttempt = fc.record({ kind: fc.constant('attempt' as const), who, outcome, latencyMs: duration })
const aRefusal = fc.record({
  kind: fc.constant('refusal' as const),
  who,
  counter: fc.constantFrom('minute', 'day'),
})
const aCount = fc.record({
  kind: fc.constant('counts' as const),
  counts: fc.array(
    fc.record({ who, counter: fc.constantFrom('minute', 'day'), calls: fc.integer({ min: 1, max: 1e6 }) }),
    { minLength: 1, maxLength: 3 },
  ),
})
const step = fc.record({ laterMs: fc.nat(5 * minuteMs), what: fc.oneof(aCall, anAttempt, aRefusal, aCount) })
type Step = typeof step extends fc.Arbitrary<infer Of> ? Of : never

function recordsOf(steps: readonly Step[]): LedgerRecord[] {
  let at = noon - 3
  return steps.map(({ laterMs, what }, index) => {
    at += laterMs
    const id = `i${String(index).padStart(4, '0')}`
    switch (what.kind) {
      case 'event': {
        const [input, output, cacheRead, cacheWrite, reasoning] = what.tokens
        const made = event({
          ...what.who,
          ...(what.isNodeless && { nodeId: null }),
          outcome: what.outcome,
          usage: { input, output, cacheRead, cacheWrite, reasoning },
          cost: fromPico(what.pico),
          estimated: what.estimated,
          latencyMs: what.latencyMs,
          firstTokenMs: what.firstTokenMs,
        })
        return settlement(id, { at, charges: [], event: made })
      }
      case 'attempt':
        return attempt(id, { ...what.who, outcome: what.outcome, latencyMs: what.latencyMs }, at)
      case 'refusal':
        return refusal(id, { ...what.who, judged: [judged(what.counter), judged('another')] }, at)
      default: {
        const startsAt = at - (at % minuteMs)
        const counts: RefusalCount[] = what.counts.map(({ who, counter, calls }) => ({
          startsAt,
          ...who,
          counter,
          calls,
        }))
        return { record: 'refusal_counts', at, counts }
      }
    }
  })
}

/** A bucket as plain sums, under its name. */
function plainBuckets() {
  const sums = new Map<string, Record<string, bigint>>()
  const add = (name: readonly (string | number)[], amounts: Record<string, bigint>) => {
    const sum = sums.get(name.join(' ')) ?? {}
    for (const [column, amount] of Object.entries(amounts)) sum[column] = (sum[column] ?? 0n) + amount
    sums.set(name.join(' '), sum)
  }
  return { add, sorted: () => [...sums].sort(([left], [right]) => (left < right ? -1 : 1)) }
}

/** Column names say where their cells end. */
function cellFor(columns: readonly string[], durationMs: number): string {
  const ends = columns.map((column) => ({ column, end: Number(column.split('_').at(-1)) }))
  return ends.find(({ end }) => durationMs <= end)?.column ?? (columns.at(-1) as string)
}

/** What the buckets have to hold by what the other tables say. */
async function bucketsByTheEvents({ read }: Database, records: readonly LedgerRecord[]) {
  const buckets = plainBuckets()
  const startOf = (at: number) => at - (at % quarterMs)
  for (const row of await read.selectFrom('usage_events').selectAll().execute()) {
    buckets.add(
      [
        startOf(row.at),
        row.workspace_id,
        row.node_id ?? '',
        row.key_id,
        row.provider,
        row.model,
        row.outcome,
      ],
      {
        calls: 1n,
        estimated_calls: BigInt(row.estimated),
        input_tokens: BigInt(row.input_tokens),
        output_tokens: BigInt(row.output_tokens),
        cache_read_tokens: BigInt(row.cache_read_tokens),
        cache_write_tokens: BigInt(row.cache_write_tokens),
        reasoning_tokens: BigInt(row.reasoning_tokens),
        pico: toPico({ whole: row.cost_whole, pico: row.cost_pico }),
        [cellFor(durationColumns, row.latency_ms)]: 1n,
        ...(row.first_token_ms !== null && { [cellFor(firstTokenColumns, row.first_token_ms)]: 1n }),
      },
    )
  }
  for (const row of await read.selectFrom('attempts').selectAll().execute()) {
    const { workspace_id, key_id, provider, model, outcome } = row
    buckets.add([startOf(row.at), workspace_id, row.node_id ?? '', key_id, provider, model, outcome], {
      calls: 1n,
      [cellFor(durationColumns, row.latency_ms)]: 1n,
    })
  }
  for (const record of records) {
    const refused =
      record.record === 'refusal'
        ? [{ ...record.refusal, startsAt: record.at, calls: 1 }]
        : record.record === 'refusal_counts'
          ? record.counts
          : []
    for (const { startsAt, workspaceId, nodeId, keyId, provider, model, calls } of refused) {
      buckets.add([startOf(startsAt), workspaceId, nodeId, keyId, provider, model, 'limited'], {
        calls: BigInt(calls),
      })
    }
  }
  return buckets.sorted().map(([name, sums]) => [name, withoutZeros(sums)])
}

function withoutZeros(sums: Record<string, bigint>) {
  return Object.fromEntries(Object.entries(sums).filter(([, amount]) => amount !== 0n))
}

async function storedBuckets(database: Database) {
  const stored = plainBuckets()
  for (const row of (await factsOf(database)).buckets) {
    const { starts_at, workspace_id, node_id, key_id, provider, model, outcome, ...values } = row
    const { cost_whole, cost_pico, ...sums } = values
    expect(Object.values(sums).every((value) => value === null || Number.isSafeInteger(value))).toBe(true)
    expect(cost_pico).toBeLessThan(1_000_000)
    stored.add([starts_at, workspace_id, node_id, key_id, provider, model, outcome], {
      ...Object.fromEntries(Object.entries(sums).map(([column, value]) => [column, BigInt(value ?? 0)])),
      pico: toPico({ whole: cost_whole, pico: cost_pico }),
    })
  }
  return stored.sorted().map(([name, sums]) => [name, withoutZeros(sums)])
}

describe.each(databases())('facts for views on $name', ({ open, name }) => {
  let database: Database
  let place: SpoolPlace
  beginEachEmpty(open, (opened, made) => {
    database = opened
    place = made
  })

  async function drainAll(records: readonly LedgerRecord[], recordsPerTransaction = 500) {
    const limits = { recordsPerTransaction, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 5 }
    const drain = testDrain(database, place.directory, { limits })
    drain.accept(await segmentOf(place.directory, records))
    await drain.idle()
    await drain.close()
    expect(drain.events).toEqual([])
  }

  test('buckets and counts are what events, attempts and refusals say, however they came', async () => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      async (steps, recordsPerTransaction) => {
        await emptyTables(database)
        const records = recordsOf(steps)
        await drainAll(records, recordsPerTransaction)
        expect(await storedBuckets(database)).toEqual(await bucketsByTheEvents(database, records))
        const facts = await factsOf(database)
        const idsOf = (kind: LedgerRecord['record']) =>
          records.flatMap((record) => (record.record === kind && 'id' in record ? [record.id] : []))
        expect(facts.attempts.map(({ id }) => id)).toEqual(idsOf('attempt'))
        expect(facts.refusals.map(({ id }) => id)).toEqual(idsOf('refusal'))
        const counted = facts.refusalCounts.reduce((sum, { calls }) => sum + calls, 0)
        const limited = facts.buckets.filter(({ outcome }) => outcome === 'limited')
        expect(counted).toBe(limited.reduce((sum, { calls }) => sum + calls, 0))
      },
    )
    await fc.assert(property, { numRuns: isLong ? 300 : name === 'SQLite' ? 40 : 15 })
  })

  test('an attempt and a refusal keep what they were told', async () => {
    const counts = [{ ...refusedCall(), startsAt: noon, counter: 'minute', calls: 5 }]
    await drainAll([
      attempt('a', { nodeId: null, upstreamStatus: 503, firstByteMs: 40, streamed: true }),
      refusal('r', { judged: [judged('minute'), judged('day')] }, noon + 59_999),
      { record: 'refusal_counts', at: noon + 70_000, counts },
    ])
    const { attempts, refusals, refusalCounts } = await factsOf(database)
    const owner = {
      workspace_id: 'default',
      key_id: 'key_1',
      node_id: 'grp_1',
      model: 'demo/echo',
    }
    expect(attempts).toEqual([
      {
        ...owner,
        id: 'a',
        at: noon,
        request_id: 'req_1',
        node_id: null,
        provider: 'echo',
        upstream_model: 'echo-1',
        outcome: 'upstream',
        upstream_status: 503,
        streamed: 1,
        admitted_ms: 1,
        first_byte_ms: 40,
        latency_ms: 120,
      },
    ])
    const row = [0, 'token', 'minute', 0, 900, 1, 100, 2, 1, 3, 1000, 0, noon + 120_000, 0]
    expect(refusals.map(({ judged, ...rest }) => ({ ...rest, judged: JSON.parse(judged) }))).toEqual([
      {
        ...owner,
        id: 'r',
        at: noon + 59_999,
        request_id: 'req_1',
        provider: 'echo',
        opens_at: noon + 120_000,
        only_held: 0,
        judged: [
          ['minute', ...row],
          ['day', ...row],
        ],
      },
    ])
    expect(refusalCounts).toEqual([{ ...owner, starts_at: noon, counter: 'minute', calls: 6 }])
  })

  test('a key was last used when it last called, told once a minute', async () => {
    const used = (keyId: string, seconds: number) =>
      settlement(`${keyId}${seconds}`, {
        at: noon + seconds * 1000,
        charges: [],
        event: event({ keyId: keyId as KeyId }),
      })
    const limits = { recordsPerTransaction: 1, watermarkMs: 60_000, firstRetryMs: 1, longestRetryMs: 5 }
    const drain = testDrain(database, place.directory, { limits })
    const lastUses = async () =>
      (await factsOf(database)).keyUses.map(({ key_id, last_used_at }) => [
        key_id,
        (last_used_at - noon) / 1000,
      ])
    const drainNow = async (...records: LedgerRecord[]) => {
      drain.accept(await segmentOf(place.directory, records))
      await drain.idle()
    }
    await drainNow(used('a', 0), used('b', 1), used('a', 59))
    expect(await lastUses()).toEqual([
      ['a', 0],
      ['b', 1],
    ])
    await drainNow(used('a', 60), refusal('r', { keyId: 'b' as KeyId }, noon + 100_000))
    expect(await lastUses()).toEqual([
      ['a', 60],
      ['b', 100],
    ])
    await drain.close()

    // Another process, which knows nothing of what was written, and drains what is older.
    await drainAll([attempt('c', { keyId: 'c' as KeyId }, noon), used('a', 30)], 1)
    expect(await lastUses()).toEqual([
      ['a', 60],
      ['b', 100],
      ['c', 0],
    ])
  })
})
