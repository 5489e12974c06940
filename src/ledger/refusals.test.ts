import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KeyId } from '../domain/ids.ts'
import { judged, newUlid, noon, refusedCall } from './ledger.fixture.ts'
import type { LedgerRecord } from './record.ts'
import { openRefusals, type RefusalLimits } from './refusals.ts'

const minuteMs = 60_000

function openWith(limits?: RefusalLimits) {
  const state = { now: noon }
  const records: LedgerRecord[] = []
  const refusals = openRefusals({
    spool: { append: (record) => void records.push(record) },
    clock: () => state.now,
    newUlid,
    ...(limits && { limits }),
  })
  const note = (keyId: string, counter = 'minute') =>
    refusals.note(refusedCall({ keyId: keyId as KeyId, judged: [judged(counter), judged('other')] }))
  return { state, records, refusals, note }
}

/** Calls by key, limit and minute: those kept, those counted. */
function tallyOf(records: readonly LedgerRecord[]) {
  const kept: Record<string, number> = {}
  const counted: Record<string, number> = {}
  const add = (to: Record<string, number>, key: string, counter: string, at: number, calls: number) => {
    const name = `${key} ${counter} ${Math.floor((at - noon) / minuteMs)}`
    to[name] = (to[name] ?? 0) + calls
  }
  for (const record of records) {
    if (record.record === 'refusal') {
      const { keyId, judged } = record.refusal
      add(kept, keyId, judged[0]?.row.counter ?? '', record.at, 1)
    } else if (record.record === 'refusal_counts') {
      for (const { keyId, counter, startsAt, calls } of record.counts) {
        add(counted, keyId, counter, startsAt, calls)
      }
    }
  }
  return { kept, counted }
}

test('ten of a key, a limit and a minute are kept, the rest is counted when the minute is over', () => {
  const { state, records, refusals, note } = openWith()
  for (let call = 0; call < 25; call++) note('a')
  for (let call = 0; call < 10; call++) note('b')
  for (let call = 0; call < 11; call++) note('a', 'day')
  refusals.flush()
  const kept = { 'a minute 0': 10, 'b minute 0': 10, 'a day 0': 10 }
  expect(tallyOf(records)).toEqual({ kept, counted: {} })

  state.now = noon + minuteMs
  refusals.flush()
  expect(tallyOf(records)).toEqual({ kept, counted: { 'a minute 0': 15, 'a day 0': 1 } })
  refusals.flush()
  expect(records.filter(({ record }) => record === 'refusal_counts')).toHaveLength(1)

  for (let call = 0; call < 12; call++) note('a')
  refusals.close()
  expect(tallyOf(records)).toEqual({
    kept: { ...kept, 'a minute 1': 10 },
    counted: { 'a minute 0': 15, 'a day 0': 1, 'a minute 1': 2 },
  })
})

test('every refusal is kept or counted in its minute, once, whatever comes, and little is kept of it', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ key: fc.nat(6), counter: fc.nat(2), times: fc.nat(30) }) },
    { weight: 1, arbitrary: fc.record({ laterMs: fc.nat(2 * minuteMs) }) },
    { weight: 1, arbitrary: fc.constant('flush' as const) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const limits = { kept: 3, keptOfAll: 40, remembered: 4 }
      const { state, records, refusals, note } = openWith(limits)
      const expected: Record<string, number> = {}
      for (const step of steps) {
        if (step === 'flush') refusals.flush()
        else if ('laterMs' in step) state.now += step.laterMs
        else {
          const name = `k${step.key} c${step.counter} ${Math.floor((state.now - noon) / minuteMs)}`
          if (step.times > 0) expected[name] = (expected[name] ?? 0) + step.times
          for (let time = 0; time < step.times; time++) note(`k${step.key}`, `c${step.counter}`)
        }
      }
      refusals.close()
      const { kept, counted } = tallyOf(records)
      const told = Object.fromEntries(
        [...new Set([...Object.keys(kept), ...Object.keys(counted)])].map((name) => [
          name,
          (kept[name] ?? 0) + (counted[name] ?? 0),
        ]),
      )
      expect(told).toEqual(expected)
      const keptByMinute = Map.groupBy(Object.entries(kept), ([name]) => name.split(' ')[2])
      for (const entries of keptByMinute.values()) {
        expect(entries.reduce((sum, [, calls]) => sum + calls, 0)).toBeLessThanOrEqual(limits.keptOfAll)
      }
    }),
  )
})

test('a flood of one key grows the spool by ten records and a count', () => {
  const { state, records, refusals, note } = openWith()
  for (let call = 0; call < 100_000; call++) note('a')
  state.now = noon + minuteMs
  refusals.flush()
  expect(records).toHaveLength(11)
  expect(tallyOf(records).counted).toEqual({ 'a minute 0': 99_990 })
})

test('a flood of many keys is written some hundred counts a record', () => {
  const { state, records, refusals, note } = openWith({ kept: 0, keptOfAll: 0, remembered: 4096 })
  for (let key = 0; key < 1000; key++) note(`k${key}`)
  expect(records).toEqual([])
  state.now = noon + minuteMs
  refusals.flush()
  expect(records).toHaveLength(4)
  expect(Object.keys(tallyOf(records).counted)).toHaveLength(1000)
})
