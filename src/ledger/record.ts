import type { AttemptId, KeyId, NodeId, RequestId, WorkspaceId } from '../domain/ids.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Quantity } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Usage } from '../domain/usage.ts'
import { quoted } from '../json/quoted.ts'
import type { Charge, PlanRow, StrictHold, Window } from '../limits/plan.ts'
import { chargesText, readTargets, wholesOf } from './charges.ts'
import { encodeFact, type FactRecord, type FactTuple, hasFactShape } from './fact-record.ts'
import { isNativeTuple, type NativeRecord, type NativeTuple, nativeTuple } from './native-record.ts'

/** What the spool carries. `at` is read from the clock in the very turn in which the record is appended. */
export type LedgerRecord = HoldRecord | SettlementRecord | ReleaseRecord | FactRecord

/** A strict call is about to be sent upstream: what its strict rows are charged if this process dies meanwhile. */
export interface HoldRecord {
  readonly record: 'hold'
  readonly id: AttemptId
  readonly at: EpochMs
  /** Tells the period that rows charged by admission are charged in. */
  readonly admittedAt: EpochMs
  readonly holds: readonly StrictHold[]
}

/** An attempt ended and was charged; `event` where it is billable. */
export interface SettlementRecord {
  readonly record: 'settlement'
  readonly id: AttemptId
  readonly at: EpochMs
  /** A `hold` record of the same id went before. */
  readonly closesHold: boolean
  readonly charges: readonly Charge[]
  readonly event: UsageEvent | null
}

/** A strict attempt ended and nothing was charged. One that leaves charges is a settlement without an event. */
export interface ReleaseRecord {
  readonly record: 'release'
  readonly id: AttemptId
  readonly at: EpochMs
}

/** A billable call, as receivers and reports see it. Its id and its instant are those of its settlement. */
export interface UsageEvent {
  readonly workspaceId: WorkspaceId
  readonly requestId: RequestId
  readonly keyId: KeyId
  readonly keyPrefix: string
  readonly nodeId: NodeId | null
  readonly externalId: string | null
  readonly model: string
  readonly provider: string
  readonly upstreamModel: string
  readonly usage: Usage
  readonly cost: Quantity
  readonly estimated: boolean
  readonly streamed: boolean
  readonly status: number
  /** Rounded to whole milliseconds when recorded, as is `firstTokenMs`. */
  readonly latencyMs: number
  readonly firstTokenMs: number | null
  /** The caller's metadata as JSON text. */
  readonly metadata: string | null
  /** The next four as in an `Attempt`. */
  readonly outcome: Outcome
  readonly upstreamStatus: number | null
  readonly admittedMs: number
  readonly firstByteMs: number | null
  /** Of a call of the native door only. */
  readonly native?: NativeRecord
}

/** A strict hold as it is stored: what names the period that recovery would charge, and the amount. */
export type HoldTuple = readonly [
  counter: string,
  generation: number,
  window: Window,
  chargedAt: PlanRow['chargedAt'],
  whole: number,
  pico: number,
]

/** The columns of `usage_events` after `id` and `at`, in the order in which records hold their values. */
export const eventColumns = [
  'workspace_id',
  'request_id',
  'key_id',
  'key_prefix',
  'node_id',
  'external_id',
  'model',
  'provider',
  'upstream_model',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'cost_whole',
  'cost_pico',
  'estimated',
  'streamed',
  'status',
  'latency_ms',
  'first_token_ms',
  'metadata',
  'outcome',
  'upstream_status',
  'admitted_ms',
  'first_byte_ms',
] as const

/** An event as it is stored: the values of `eventColumns`. */
export type EventTuple = readonly (string | number | null)[]

/** A record as the drain reads it: JSON arrays, so that an event's values are its row as they stand. */
export type RecordTuple =
  | readonly ['hold', id: string, at: EpochMs, admittedAt: EpochMs, holds: readonly HoldTuple[]]
  | readonly [
      'settlement',
      id: string,
      at: EpochMs,
      closesHold: 0 | 1,
      event: EventTuple | null,
      /** `StoredCharges`: what `readTargets` reads, and the amounts. */
      targets: string,
      amounts: readonly number[],
      /** With an event of the native door only. */
      native?: NativeTuple,
    ]
  | readonly ['release', id: string, at: EpochMs]
  | FactTuple

const tupleLengths: Readonly<Record<string, number>> = { hold: 5, settlement: 7, release: 3 }

/**
 * The JSON of a record that is to stand at the instant `at`. About 2 µs for ten charges: counters and the names of
 * tenants are quoted once and remembered, and the pieces are joined by hand, in a third of `JSON.stringify`'s time.
 */
export function encodeRecord(record: LedgerRecord, at: EpochMs): string {
  switch (record.record) {
    case 'settlement': {
      const event = record.event === null ? 'null' : eventText(record.event)
      const native =
        record.event?.native === undefined ? '' : `,${JSON.stringify(nativeTuple(record.event.native))}`
      return `["settlement","${record.id}",${at},${record.closesHold ? 1 : 0},${event},${chargesText(record.charges, at)}${native}]`
    }
    case 'hold':
      return JSON.stringify(['hold', record.id, at, record.admittedAt, record.holds.map(holdTuple)])
    case 'release':
      return `["release","${record.id}",${at}]`
    default:
      return encodeFact(record, at)
  }
}

/** Reads the JSON of a record; null when it is none. What an event's values are is left to the database. */
export function decodeRecord(text: string): RecordTuple | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecordTuple(value) ? value : null
  } catch {
    return null
  }
}

function isRecordTuple(value: unknown): value is RecordTuple {
  if (!Array.isArray(value) || typeof value[1] !== 'string' || !Number.isSafeInteger(value[2])) return false
  if (hasFactShape(value)) return true
  const isNative = value[0] === 'settlement' && value.length === 8
  // Only an event has more to be told of.
  if (isNative && (value[4] === null || !isNativeTuple(value[7]))) return false
  if (!isNative && value.length !== tupleLengths[value[0] as RecordTuple[0]]) return false
  if (value[0] === 'release') return true
  if (value[0] === 'hold') return Number.isSafeInteger(value[3]) && isListOf(value[4], isHoldTuple)
  const hasEvent = value[4] === null || (Array.isArray(value[4]) && value[4].length === eventColumns.length)
  return hasEvent && typeof value[5] === 'string' && Array.isArray(value[6]) && areCharges(value[5], value[6])
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem)
}

function isHoldTuple(value: unknown): boolean {
  return Array.isArray(value) && value.length === 6 && typeof value[0] === 'string' && areNumbers(value, 4)
}

function areCharges(text: string, amounts: readonly unknown[]): boolean {
  const targets = readTargets(text)
  if (targets === null || !areNumbers(amounts, 0)) return false
  const wholes = wholesOf(targets)
  return amounts.length === wholes || amounts.length === wholes + targets.length
}

function areNumbers(values: readonly unknown[], start: number): boolean {
  for (let index = start; index < values.length; index++) {
    if (!Number.isSafeInteger(values[index])) return false
  }
  return true
}

function holdTuple({ row, amount }: StrictHold): HoldTuple {
  return [row.counter, row.generation, row.window, row.chargedAt, amount.whole, amount.pico]
}

function eventText(event: UsageEvent): string {
  const { usage, cost } = event
  const tokens = `${usage.input},${usage.output},${usage.cacheRead},${usage.cacheWrite},${usage.reasoning}`
  const flags = `${event.estimated ? 1 : 0},${event.streamed ? 1 : 0},${event.status},${Math.round(event.latencyMs)}`
  const firstToken = event.firstTokenMs === null ? 'null' : Math.round(event.firstTokenMs)
  const metadata = event.metadata === null ? 'null' : JSON.stringify(event.metadata)
  const attempt = `"${event.outcome}",${event.upstreamStatus},${event.admittedMs},${event.firstByteMs}`
  return `[${quoted(event.workspaceId)},"${event.requestId}",${namesText(event)},${tokens},${cost.whole},${cost.pico},${flags},${firstToken},${metadata},${attempt}]`
}

type Named = Pick<UsageEvent, 'keyPrefix' | 'nodeId' | 'externalId' | 'model' | 'provider' | 'upstreamModel'>

interface Names extends Named {
  readonly text: string
}

/** By key: its calls mostly name the same. Bounded, and simply begun anew when full. */
const names = new Map<string, Names>()
const namesKept = 10_000

/** The names in an event that are the same from call to call, put together once for many calls. */
function namesText(event: UsageEvent): string {
  const known = names.get(event.keyId)
  if (known !== undefined && haveSameNames(known, event)) return known.text
  const { keyId, keyPrefix, nodeId, externalId, model, provider, upstreamModel } = event
  const owner = `${quoted(keyId)},${quoted(keyPrefix)},${quotedOrNull(nodeId)},${quotedOrNull(externalId)}`
  const text = `${owner},${quoted(model)},${quoted(provider)},${quoted(upstreamModel)}`
  if (names.size >= namesKept) names.clear()
  names.set(keyId, { keyPrefix, nodeId, externalId, model, provider, upstreamModel, text })
  return text
}

function haveSameNames(one: Named, other: Named): boolean {
  return (
    one.keyPrefix === other.keyPrefix &&
    one.nodeId === other.nodeId &&
    one.externalId === other.externalId &&
    one.model === other.model &&
    one.provider === other.provider &&
    one.upstreamModel === other.upstreamModel
  )
}

function quotedOrNull(name: string | null): string {
  return name === null ? 'null' : quoted(name)
}
