import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addRecord, batchBytes, emptyBatch } from './batch.ts'
import { readTargets } from './charges.ts'
import type { FactRecord } from './fact-record.ts'
import { frameEnd, frameText } from './frame.ts'
import {
  attempt,
  dayCharge,
  event,
  hold,
  noon,
  refusal,
  refusedCall,
  rollingCharge,
  settlement,
} from './ledger.fixture.ts'
import { decodeRecord, encodeRecord, type LedgerRecord, type UsageEvent } from './record.ts'

const text = fc.string({ unit: 'binary', maxLength: 20 })
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })

const charges = fc.array(
  fc
    .tuple(text, count, fc.boolean())
    .map(([counter, whole, isRolling]) =>
      isRolling ? rollingCharge(counter, noon, whole) : dayCharge(counter, whole, whole % 1_000_000),
    ),
  { maxLength: 10 },
)

const anyEvent = fc
  .record({
    keyPrefix: text,
    externalId: fc.option(text),
    model: text,
    metadata: fc.option(text),
    firstTokenMs: fc.option(count),
    latencyMs: count,
  })
  .map((changes) => event(changes))

const anySettlement = fc
  .tuple(fc.uuid(), charges, fc.option(anyEvent), fc.boolean())
  .map(([id, charges, event, closesHold]) => settlement(id, { charges, event, closesHold }))

/** What the drain should read, by way of `JSON.stringify`. */
function plainly(record: Exclude<LedgerRecord, FactRecord>, at: number): unknown {
  const { id } = record
  if (record.record === 'release') return ['release', id, at]
  if (record.record === 'hold') {
    const holds = record.holds.map(({ row, amount }) => [
      row.counter,
      row.generation,
      row.window,
      row.chargedAt,
      amount.whole,
      amount.pico,
    ])
    return ['hold', id, at, record.admittedAt, holds]
  }
  return [
    'settlement',
    id,
    at,
    record.closesHold ? 1 : 0,
    record.event === null ? null : eventRow(record.event),
    record.charges.map(({ counter, generation, startsAt, endsAt }) =>
      endsAt === null
        ? { counter, generation, startsAt: null, endsAt }
        : { counter, generation, startsAt, endsAt },
    ),
    [
      ...record.charges.flatMap(({ startsAt, endsAt, amount: { whole } }) =>
        endsAt === null ? [at - startsAt, whole] : [whole],
      ),
      ...(record.charges.some(({ amount }) => amount.pico !== 0)
        ? record.charges.map(({ amount }) => amount.pico)
        : []),
    ],
  ]
}

/** With the targets of charges read. */
function decoded(text: string): unknown {
  const record = decodeRecord(text)
  return record?.[0] === 'settlement'
    ? record.map((value, index) => (index === 5 ? readTargets(value as string) : value))
    : record
}

function eventRow(it: UsageEvent): unknown[] {
  const names = [it.workspaceId, it.requestId, it.keyId, it.keyPrefix, it.nodeId, it.externalId]
  const models = [it.model, it.provider, it.upstreamModel]
  const tokens = [
    it.usage.input,
    it.usage.output,
    it.usage.cacheRead,
    it.usage.cacheWrite,
    it.usage.reasoning,
  ]
  const flags = [it.cost.whole, it.cost.pico, Number(it.estimated), Number(it.streamed), it.status]
  const attempt = [it.outcome, it.upstreamStatus, it.admittedMs, it.firstByteMs]
  return [
    ...names,
    ...models,
    ...tokens,
    ...flags,
    Math.round(it.latencyMs),
    it.firstTokenMs,
    it.metadata,
    ...attempt,
  ]
}

test('a record is read as it was written, whatever its names', () => {
  fc.assert(
    fc.property(anySettlement, (record) => {
      expect(decoded(encodeRecord(record, noon + 1))).toEqual(plainly(record, noon + 1))
    }),
  )
  const others = [
    hold('h', 3, { counter: 'a"b\n', chargedAt: 'completion' }),
    { ...hold('h', 3), record: 'release' as const },
  ]
  for (const record of others) expect(decoded(encodeRecord(record, 5))).toEqual(plainly(record, 5))
})

test.each([
  'tokens',
  'tokens|',
  'tokens|0',
  'tokens|0,',
  'tokens,7|0,1,1',
  'tokens,7|0,1,1,1,1',
  'tokens,7,x|0,1,1,2',
  'tokens,0.5|0,1',
  'tokens,-1|0,1',
  'tokens,7|0,2',
  'tokens,7|2,1',
  'tokens,7|0:,1',
  'tokens,7|0,1||0,1',
])('%j names no targets', (text) => {
  expect(readTargets(text)).toBeNull()
})

test('a name that many targets share is written once', () => {
  const counters = ['g_1:lab/model:request:minute', 'g_2:lab/model:request:minute', '::', '']
  const record = settlement('a', { charges: counters.map((counter) => rollingCharge(counter, noon, 1)) })
  const text = encodeRecord(record, noon)
  expect(text.match(/lab/g)).toHaveLength(1)
  expect(decoded(text)).toEqual(plainly(record, noon))
})

test('what is no record of ours is not taken for one', () => {
  const good = decodeRecord(encodeRecord(settlement('a'), noon)) as unknown as unknown[]
  const changed = (index: number, value: unknown) => good.map((it, at) => (at === index ? value : it))
  const foreign: unknown[] = [
    null,
    {},
    ['release', 'a'],
    ['toString', 'a', 1],
    ['release', 1, 1],
    ['hold', 'a', 1, 1, [['c', 0, {}, 'admission', 1]]],
    changed(2, 1.5),
    changed(4, [1, 2]),
    changed(5, []),
    changed(6, '[]'),
    changed(6, [1, 2]),
    changed(
      6,
      (good[6] as number[]).map((amount) => amount + 0.5),
    ),
  ]
  for (const value of foreign) expect(decodeRecord(JSON.stringify(value))).toBeNull()
  expect(decodeRecord('["release","a"')).toBeNull()
})

const refusalCounts = {
  record: 'refusal_counts' as const,
  at: noon,
  counts: [{ ...refusedCall(), startsAt: noon - 60_000, counter: 'minute', calls: 3 }],
}

test('what is kept for views is read as it was written', () => {
  const owner = ['default', 'req_1', 'key_1', 'grp_1', 'demo/echo', 'echo']
  const minute = ['minute', 0, 'token', 'minute', 0, 900, 1, 100, 2, 1, 3, 1000, 0, noon + 120_000, 0]
  expect(decodeRecord(encodeRecord(attempt('a', { latencyMs: 1.6, upstreamStatus: 503 }), 7))).toEqual([
    'attempt',
    'a',
    7,
    [...owner, 'echo-1', 'upstream', 503, 0, 1, null, 2],
  ])
  expect(decodeRecord(encodeRecord(refusal('r', { onlyHeld: true }), 7))).toEqual([
    'refusal',
    'r',
    7,
    [...owner, noon + 120_000, 1],
    [minute],
  ])
  expect(decodeRecord(encodeRecord(refusalCounts, 7))).toEqual([
    'refusal_counts',
    '',
    7,
    [[noon - 60_000, 'default', 'key_1', 'grp_1', 'demo/echo', 'echo', 'minute', 3]],
  ])
})

test('what only looks like something kept for views is not taken for it', () => {
  for (const record of [attempt('a'), refusal('r'), refusalCounts]) {
    const good = decodeRecord(encodeRecord(record, 7)) as unknown as unknown[]
    expect(decodeRecord(JSON.stringify([...good, []])), 'one too many').toBeNull()
    expect(decodeRecord(JSON.stringify(good.slice(0, -1))), 'one too few').toBeNull()
    for (const [at, part] of good.entries()) {
      if (!Array.isArray(part)) continue
      for (const other of spoilt(part)) {
        const text = JSON.stringify(good.with(at, other))
        expect(decodeRecord(text), text).toBeNull()
      }
    }
  }
})

/** A list, or a list of lists, with one member in turn replaced by what it cannot be. */
function* spoilt(list: readonly unknown[]): Generator<unknown> {
  yield null
  if (Array.isArray(list[0])) {
    for (const other of spoilt(list[0])) yield [other]
    return
  }
  for (const index of list.keys()) {
    yield list.with(index, true)
    yield list.with(index, typeof list[index] === 'string' ? 1 : 'a')
  }
  yield list.slice(1)
}

/** The texts of all whole frames, and what stopped the reading before the end. */
function readAll(bytes: Buffer): { texts: string[]; stop: 'end' | 'torn' | 'bad' } {
  const texts: string[] = []
  let start = 0
  while (start < bytes.length) {
    const end = frameEnd(bytes, start)
    if (typeof end !== 'number') return { texts, stop: end }
    texts.push(frameText(bytes, start, end))
    start = end
  }
  return { texts, stop: 'end' }
}

test('of frames cut or damaged anywhere, those before the damage are read and none is read wrongly', () => {
  const texts = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), {
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(texts, fc.nat(), fc.integer({ min: 1, max: 255 }), (texts, place, flip) => {
      const batch = emptyBatch()
      for (const text of texts) addRecord(batch, text, noon, () => {})
      const bytes = batch.buffer.subarray(0, batchBytes(batch))
      const wellFormed = texts.map((text) => text.toWellFormed())
      expect(readAll(bytes)).toEqual({ texts: wellFormed, stop: 'end' })

      const at = place % bytes.length
      const before = batch.entries.filter(({ end }) => end <= at).length
      const isBetween = at === 0 || batch.entries.some(({ end }) => end === at)
      expect(readAll(bytes.subarray(0, at))).toEqual({
        texts: wellFormed.slice(0, before),
        stop: isBetween ? 'end' : 'torn',
      })

      const damaged = Buffer.from(bytes)
      damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at)
      const read = readAll(damaged)
      expect(read.texts).toEqual(wellFormed.slice(0, before))
      expect(read.stop).not.toBe('end')
    }),
  )
})
