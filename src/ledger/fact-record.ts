import type { AttemptId, KeyId, NodeId, RequestId, WorkspaceId } from '../domain/ids.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Judged, Metric } from '../limits/plan.ts'
import { isNativeTuple, type NativeRecord, type NativeTuple, nativeTuple } from './native-record.ts'

/**
 * What the spool carries for views, beside what accounts need: nobody is answered on its strength, so nobody waits
 * for it.
 */
export type FactRecord = AttemptRecord | RefusalRecord | RefusalCountsRecord

/** An attempt ended and leaves no usage event; its settlement, if there is one, stands beside it. */
export interface AttemptRecord {
  readonly record: 'attempt'
  readonly id: AttemptId
  readonly at: EpochMs
  readonly attempt: Attempt
}

/** Who tried what, and how it ended. Milliseconds count from the arrival of the call. */
export interface Attempt {
  readonly workspaceId: WorkspaceId
  readonly requestId: RequestId
  readonly keyId: KeyId
  readonly nodeId: NodeId | null
  readonly model: string
  readonly provider: string
  readonly upstreamModel: string
  readonly outcome: Outcome
  /** Null where the provider sent no head. */
  readonly upstreamStatus: number | null
  readonly streamed: boolean
  readonly admittedMs: number
  readonly firstByteMs: number | null
  readonly latencyMs: number
  /** Of a call of the native door only. */
  readonly native?: NativeRecord
}

/** Limits refused a call. */
export interface RefusalRecord {
  readonly record: 'refusal'
  readonly id: string
  readonly at: EpochMs
  readonly refusal: RefusedCall
}

export interface RefusedCall {
  readonly workspaceId: WorkspaceId
  readonly requestId: RequestId
  readonly keyId: KeyId
  /** Empty for a call of the native door, which stands in no group. */
  readonly nodeId: NodeId
  readonly model: string
  readonly provider: string
  readonly opensAt: EpochMs
  readonly onlyHeld: boolean
  /** At least one: the first is the one that the caller was told. */
  readonly judged: readonly Judged[]
}

/** Refusals of which no more is kept than how many there were. */
export interface RefusalCountsRecord {
  readonly record: 'refusal_counts'
  readonly at: EpochMs
  readonly counts: readonly RefusalCount[]
}

/** Calls of one key and model that one limit refused, beyond those that have a record each, in the minute from `startsAt`. */
export interface RefusalCount {
  readonly startsAt: EpochMs
  readonly workspaceId: WorkspaceId
  readonly keyId: KeyId
  readonly nodeId: NodeId
  readonly model: string
  readonly provider: string
  readonly counter: string
  readonly calls: number
}

/** The columns of `attempts` after `id` and `at`, in the order in which records hold their values. */
export const attemptColumns = [
  'workspace_id',
  'request_id',
  'key_id',
  'node_id',
  'model',
  'provider',
  'upstream_model',
  'outcome',
  'upstream_status',
  'streamed',
  'admitted_ms',
  'first_byte_ms',
  'latency_ms',
] as const

/** An attempt as it is stored: the values of `attemptColumns`. */
export type AttemptTuple = readonly [
  workspaceId: string,
  requestId: string,
  keyId: string,
  nodeId: string | null,
  model: string,
  provider: string,
  upstreamModel: string,
  outcome: string,
  upstreamStatus: number | null,
  streamed: number,
  admittedMs: number,
  firstByteMs: number | null,
  latencyMs: number,
]

/** A refusal as it is stored, without its limits: columns of `refusals` between `at` and `judged`. */
export type RefusedTuple = readonly [
  workspaceId: string,
  requestId: string,
  keyId: string,
  nodeId: string,
  model: string,
  provider: string,
  opensAt: EpochMs,
  onlyHeld: 0 | 1,
]

/** A limit as it was judged, as it is stored. Amounts in whole units and picodollars, in turn. */
export type JudgedTuple = readonly [
  counter: string,
  generation: number,
  metric: Metric,
  unit: string,
  strict: 0 | 1,
  usedWhole: number,
  usedPico: number,
  heldWhole: number,
  heldPico: number,
  neededWhole: number,
  neededPico: number,
  ceilingWhole: number,
  ceilingPico: number,
  opensAt: EpochMs,
  onlyHeld: 0 | 1,
]

export type RefusalCountTuple = readonly [
  startsAt: EpochMs,
  workspaceId: string,
  keyId: string,
  nodeId: string,
  model: string,
  provider: string,
  counter: string,
  calls: number,
]

export type FactTuple =
  | readonly ['attempt', id: string, at: EpochMs, attempt: AttemptTuple, native?: NativeTuple]
  | readonly ['refusal', id: string, at: EpochMs, refused: RefusedTuple, judged: readonly JudgedTuple[]]
  | readonly ['refusal_counts', id: '', at: EpochMs, counts: readonly RefusalCountTuple[]]

/** The JSON of a record that is to stand at the instant `at`. */
export function encodeFact(record: FactRecord, at: EpochMs): string {
  return JSON.stringify(factTuple(record, at))
}

function factTuple(record: FactRecord, at: EpochMs): FactTuple {
  switch (record.record) {
    case 'attempt': {
      const { attempt } = record
      const values = attemptTuple(attempt)
      return attempt.native === undefined
        ? ['attempt', record.id, at, values]
        : ['attempt', record.id, at, values, nativeTuple(attempt.native)]
    }
    case 'refusal':
      return ['refusal', record.id, at, refusedTuple(record.refusal), record.refusal.judged.map(judgedTuple)]
    case 'refusal_counts':
      return ['refusal_counts', '', at, record.counts.map(countTuple)]
  }
}

function attemptTuple(it: Attempt): AttemptTuple {
  return [
    it.workspaceId,
    it.requestId,
    it.keyId,
    it.nodeId,
    it.model,
    it.provider,
    it.upstreamModel,
    it.outcome,
    it.upstreamStatus,
    it.streamed ? 1 : 0,
    it.admittedMs,
    it.firstByteMs,
    Math.round(it.latencyMs),
  ]
}

function refusedTuple(it: RefusedCall): RefusedTuple {
  const owner = [it.workspaceId, it.requestId, it.keyId, it.nodeId] as const
  return [...owner, it.model, it.provider, it.opensAt, it.onlyHeld ? 1 : 0]
}

function judgedTuple({ row, used, held, needed, opensAt, onlyHeld }: Judged): JudgedTuple {
  const { counter, generation, metric, unit, ceiling } = row
  return [
    counter,
    generation,
    metric,
    unit,
    row.strict ? 1 : 0,
    used.whole,
    used.pico,
    held.whole,
    held.pico,
    needed.whole,
    needed.pico,
    ceiling.whole,
    ceiling.pico,
    opensAt,
    onlyHeld ? 1 : 0,
  ]
}

function countTuple(it: RefusalCount): RefusalCountTuple {
  const owner = [it.startsAt, it.workspaceId, it.keyId, it.nodeId] as const
  return [...owner, it.model, it.provider, it.counter, it.calls]
}

/** Whether the members of a record after its instant are those of its kind; false for a kind that is none of these. */
export function hasFactShape(value: readonly unknown[]): boolean {
  switch (value[0]) {
    case 'attempt':
      return (
        (value.length === 4 || (value.length === 5 && isNativeTuple(value[4]))) &&
        hasShape(value[3], 'tttTttttNnnNn')
      )
    case 'refusal':
      return value.length === 5 && hasShape(value[3], 'ttttttnn') && isListOf(value[4], 'tnttnnnnnnnnnnn')
    case 'refusal_counts':
      return value.length === 4 && isListOf(value[3], 'nttttttn')
    default:
      return false
  }
}

function isListOf(value: unknown, shape: string): boolean {
  return Array.isArray(value) && value.every((item) => hasShape(item, shape))
}

/** A letter for each member: `t` a text, `n` a whole number, capital where null is allowed. */
function hasShape(value: unknown, shape: string): boolean {
  if (!Array.isArray(value) || value.length !== shape.length) return false
  return value.every((member, index) => {
    const letter = shape[index] ?? ''
    if (member === null) return letter === letter.toUpperCase()
    return letter.toLowerCase() === 't' ? typeof member === 'string' : Number.isSafeInteger(member)
  })
}
