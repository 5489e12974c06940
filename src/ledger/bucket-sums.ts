import type { Outcome } from '../domain/outcome.ts'
import { quantityOf } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'
import { cellOf, durationColumns, firstTokenColumns } from '../store/histogram.ts'
import type { AttemptTuple } from './fact-record.ts'
import { type EventTuple, eventColumns } from './record.ts'

type Row = readonly (string | number | null)[]

/** Adds up calls by the usage bucket that they fall into, so that a transaction touches each bucket once. */
export interface BucketSums {
  addEvent(at: EpochMs, event: EventTuple): void
  addAttempt(at: EpochMs, attempt: AttemptTuple): void
  addRefused(at: EpochMs, who: RefusedCalls, calls: number): void
  /** Values as `addToBuckets` takes them. */
  rows(): readonly Row[]
}

export interface RefusedCalls {
  readonly workspaceId: string
  readonly nodeId: string
  readonly keyId: string
  readonly provider: string
  readonly model: string
}

interface Bucket {
  readonly startsAt: EpochMs
  readonly workspaceId: string
  /** Empty where there is none. */
  readonly nodeId: string
  readonly keyId: string
  readonly provider: string
  readonly model: string
  readonly outcome: string
  calls: number
  estimated: number
  /** Input, output, cache read, cache write, reasoning. */
  readonly tokens: number[]
  costWhole: number
  costPico: number
  readonly durations: number[]
  readonly firstTokens: number[]
}

/** Fits every zone's offset from UTC: they are all whole multiples of it. */
const bucketMs = 900_000

const limited: Outcome = 'limited'

export function bucketSums(): BucketSums {
  const buckets = new Map<string, Bucket>()
  /** Calls that follow one another mostly share theirs, and comparing names is cheaper than joining them. */
  let last: Bucket | null = null

  function bucketOf(
    at: EpochMs,
    workspaceId: string,
    nodeId: string | null,
    keyId: string,
    provider: string,
    model: string,
    outcome: string,
  ): Bucket {
    const startsAt = bucketStart(at)
    if (
      last !== null &&
      last.startsAt === startsAt &&
      last.keyId === keyId &&
      last.model === model &&
      last.provider === provider &&
      last.outcome === outcome &&
      last.nodeId === (nodeId ?? '') &&
      last.workspaceId === workspaceId
    )
      return last
    last = find(startsAt, workspaceId, nodeId ?? '', keyId, provider, model, outcome)
    return last
  }

  function find(
    startsAt: EpochMs,
    workspaceId: string,
    nodeId: string,
    keyId: string,
    provider: string,
    model: string,
    outcome: string,
  ): Bucket {
    // No name has the separator in it: Postgres stores no such text.
    const place = [startsAt, workspaceId, nodeId, keyId, provider, model, outcome].join('\0')
    const known = buckets.get(place)
    if (known !== undefined) return known
    const made: Bucket = {
      startsAt,
      workspaceId,
      nodeId,
      keyId,
      provider,
      model,
      outcome,
      calls: 0,
      estimated: 0,
      tokens: [0, 0, 0, 0, 0],
      costWhole: 0,
      costPico: 0,
      durations: new Array<number>(durationColumns.length).fill(0),
      firstTokens: new Array<number>(firstTokenColumns.length).fill(0),
    }
    buckets.set(place, made)
    return made
  }

  return {
    addEvent(at, event) {
      const bucket = bucketOf(
        at,
        event[place.workspace_id] as string,
        event[place.node_id] as string | null,
        event[place.key_id] as string,
        event[place.provider] as string,
        event[place.model] as string,
        event[place.outcome] as string,
      )
      bucket.calls += 1
      bucket.estimated += event[place.estimated] as number
      for (let index = 0; index < bucket.tokens.length; index++) {
        bucket.tokens[index] = (bucket.tokens[index] ?? 0) + (event[place.input_tokens + index] as number)
      }
      bucket.costWhole += event[place.cost_whole] as number
      bucket.costPico += event[place.cost_pico] as number
      count(bucket.durations, event[place.latency_ms] as number)
      count(bucket.firstTokens, event[place.first_token_ms] as number | null)
    },
    addAttempt(at, [workspaceId, , keyId, nodeId, model, provider, , outcome, , , , , latencyMs]) {
      const bucket = bucketOf(at, workspaceId, nodeId, keyId, provider, model, outcome)
      bucket.calls += 1
      count(bucket.durations, latencyMs)
    },
    addRefused(at, { workspaceId, nodeId, keyId, provider, model }, calls) {
      bucketOf(at, workspaceId, nodeId, keyId, provider, model, limited).calls += calls
    },
    rows: () => [...buckets.values()].map(rowOf),
  }
}

/** Where the bucket of an instant begins. */
export function bucketStart(at: EpochMs): EpochMs {
  return at - (at % bucketMs)
}

type EventColumn = (typeof eventColumns)[number]

const place = Object.fromEntries(eventColumns.map((column, index) => [column, index])) as Readonly<
  Record<EventColumn, number>
>

function count(cells: number[], durationMs: number | null): void {
  if (durationMs === null) return
  const cell = cellOf(durationMs)
  cells[cell] = (cells[cell] ?? 0) + 1
}

function rowOf(bucket: Bucket): Row {
  const { whole, pico } = quantityOf(bucket.costWhole, bucket.costPico)
  return [
    bucket.workspaceId,
    bucket.startsAt,
    bucket.nodeId,
    bucket.keyId,
    bucket.provider,
    bucket.model,
    bucket.outcome,
    bucket.calls,
    bucket.estimated,
    ...bucket.tokens,
    whole,
    pico,
    ...bucket.durations.map(orNull),
    ...bucket.firstTokens.map(orNull),
  ]
}

/** An empty cell takes no room. */
function orNull(cell: number): number | null {
  return cell === 0 ? null : cell
}
