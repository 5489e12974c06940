import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { RollupTable } from '../store/schema.ts'
import { type ChargeTarget, readTargets, wholesOf } from './charges.ts'
import { frameEnd, frameText } from './frame.ts'
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
  /** Values of `rollingColumns`, `usageEventColumns` and `openHoldColumns`. */
  readonly rolling: readonly Row[]
  readonly events: readonly Row[]
  readonly holds: readonly Row[]
  readonly rollups: readonly RollupTable[]
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
export const openHoldColumns = ['id', 'instance_id', 'at', 'holds'] as const

/** Reads up to `limit` records from `start`. Takes some microseconds for each. */
export function readChunk(bytes: Buffer, start: number, instance: InstanceId, limit: number): Chunk {
  const rows = {
    rolling: rollingSums(),
    events: [] as Row[],
    holds: new Map<string, Row>(),
    sums: rollupSums(),
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
    holds: [...rows.holds.values()],
    rollups: rows.sums.rows(),
    endedHolds: rows.endedHolds,
    records,
    end,
    lastAt,
    fault,
  }
}

interface Rows {
  readonly rolling: RollingSums
  readonly events: Row[]
  readonly holds: Map<string, Row>
  readonly sums: RollupSums
  readonly endedHolds: string[]
}

function addRows(rows: Rows, record: RecordTuple, instance: InstanceId): void {
  const [kind, id, at] = record
  if (kind === 'hold') {
    rows.holds.set(id, [id, instance, record[3], JSON.stringify(record[4])])
    return
  }
  if (kind === 'release' || record[3] === 1) {
    if (!rows.holds.delete(id)) rows.endedHolds.push(id)
  }
  if (kind === 'release') return
  const [, , , , event, text, amounts] = record
  if (event !== null) rows.events.push([id, at, ...event])
  addCharges(rows, { id, at }, readTargets(text) ?? [], amounts)
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
