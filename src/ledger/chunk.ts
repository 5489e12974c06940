import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { RollupTable } from '../store/schema.ts'
import { type ChargeTarget, readTargets, wholesOf } from './charges.ts'
import { type FactRows, type FactSums, factSums } from './fact-rows.ts'
import { frameEnd, frameText } from './frame.ts'
import { nativeColumns } from './native-record.ts'
import { decodeRecord, eventColumns, type RecordTuple } from './record.ts'
import { type RollingSums, rollingSums } from './rolling-sums.ts'
import { type RollupSums, rollupSums } from './rollup-sums.ts'

type Row = readonly (string | number | null)[]

/** Neighbouring records of a segment, as the rows that they come to. */
export interface Chunk {
  readonly records: number
  /** Where the last of them ends in the segment. */
  readonly end: number
  /** The instant of the last of them: none behind it is older. */
  readonly lastAt: EpochMs
  /** Values of `rollingColumns`, `usageEventColumns`, `nativeCallColumns` and `openHoldColumns`. */
  readonly rolling: readonly Row[]
  readonly events: readonly Row[]
  readonly nativeCalls: readonly Row[]
  readonly holds: readonly Row[]
  readonly rollups: readonly RollupTable[]
  readonly facts: FactRows
  /** Holds of earlier chunks that have come to their end. */
  readonly endedHolds: readonly string[]
  /**
   * Why it ends before the segment does, other than for being full. `torn`, `bad`: the frame behind it, and with it
   * the rest. `unreadable`: only the record behind it, up to the end given.
   */
  readonly fault:
    | null
    | { readonly fault: 'torn' | 'bad' }
    | { readonly fault: 'unreadable'; readonly end: number }
}

export const rollingColumns = ['id', 'instance_id', 'at', 'charges'] as const
export const usageEventColumns = ['id', 'at', ...eventColumns] as const
export const nativeCallColumns = ['id', 'at', 'request_id', ...nativeColumns] as const
export const openHoldColumns = ['id', 'instance_id', 'at', 'holds'] as const

/** Reads up to `limit` records from `start`. Takes some microseconds for each. */
export function readChunk(bytes: Buffer, start: number, instance: InstanceId, limit: number): Chunk {
  const rows = {
    rolling: rollingSums(),
    events: [] as Row[],
    nativeCalls: [] as Row[],
    holds: new Map<string, Row>(),
    sums: rollupSums(),
    facts: factSums(),
    endedHolds: [] as string[],
  }
  let records = 0
  let end = start
  let lastAt: EpochMs = 0
  let fault: Chunk['fault'] = null
  while (records < limit && end < bytes.length) {
    const next = frameEnd(bytes, end)
    if (typeof next !== 'number') {
      fault = { fault: next }
      break
    }
    const record = decodeRecord(frameText(bytes, end, next))
    if (record === null) {
      fault = { fault: 'unreadable', end: next }
      break
    }
    addRows(rows, record, instance)
    records++
    end = next
    lastAt = record[2]
  }
  return {
    rolling: rows.rolling.rows(instance),
    events: rows.events,
    nativeCalls: rows.nativeCalls,
    holds: [...rows.holds.values()],
    rollups: rows.sums.rows(),
    facts: rows.facts.rows(),
    endedHolds: rows.endedHolds,
    records,
    end,
    lastAt,
    fault,
  }
}

const requestIdAt = eventColumns.indexOf('request_id')

interface Rows {
  readonly rolling: RollingSums
  readonly events: Row[]
  readonly nativeCalls: Row[]
  readonly holds: Map<string, Row>
  readonly sums: RollupSums
  readonly facts: FactSums
  readonly endedHolds: string[]
}

function addRows(rows: Rows, record: RecordTuple, instance: InstanceId): void {
  switch (record[0]) {
    case 'hold':
      rows.holds.set(record[1], [record[1], instance, record[3], JSON.stringify(record[4])])
      return
    case 'release':
      endHold(rows, record[1])
      return
    case 'settlement': {
      const [, id, at, closesHold, event, text, amounts, native] = record
      if (closesHold === 1) endHold(rows, id)
      addCharges(rows, { id, at }, readTargets(text) ?? [], amounts)
      if (event === null) return
      rows.events.push([id, at, ...event])
      rows.facts.addEvent(at, event)
      if (native !== undefined) rows.nativeCalls.push([id, at, event[requestIdAt] ?? null, ...native])
      return
    }
    case 'attempt': {
      const [, id, at, attempt, native] = record
      rows.facts.addFact(record)
      if (native !== undefined) rows.nativeCalls.push([id, at, attempt[1], ...native])
      return
    }
    default:
      rows.facts.addFact(record)
  }
}

function endHold(rows: Rows, id: string): void {
  if (!rows.holds.delete(id)) rows.endedHolds.push(id)
}

function addCharges(
  { sums, rolling }: Rows,
  record: { readonly id: string; readonly at: EpochMs },
  targets: readonly ChargeTarget[],
  amounts: readonly number[],
): void {
  let next = 0
  let nextPico = wholesOf(targets)
  for (const target of targets) {
    const ago = target.endsAt === null ? (amounts[next++] ?? 0) : 0
    const whole = amounts[next++] ?? 0
    const pico = amounts[nextPico++] ?? 0
    if (target.endsAt === null) rolling.add(record, target, record.at - ago, whole, pico)
    else sums.add(target, whole, pico)
  }
}
