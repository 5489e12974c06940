import type { EpochMs } from '../domain/time.ts'
import { type BucketSums, bucketSums } from './bucket-sums.ts'
import { attemptColumns, type FactTuple, type RefusalCountTuple } from './fact-record.ts'
import { type EventTuple, eventColumns } from './record.ts'

type Row = readonly (string | number | null)[]

/** What neighbouring records come to in the tables that views read. */
export interface FactRows {
  /** Values of `storedAttemptColumns` and `refusalColumns`. */
  readonly attempts: readonly Row[]
  readonly refusals: readonly Row[]
  /** Values of the columns that `addToRefusalCounts` and `addToBuckets` take. */
  readonly refusalCounts: readonly Row[]
  readonly buckets: readonly Row[]
  /** When each key made its last call. */
  readonly keyUses: ReadonlyMap<string, EpochMs>
}

export interface FactSums {
  addEvent(at: EpochMs, event: EventTuple): void
  addFact(fact: FactTuple): void
  rows(): FactRows
}

export const storedAttemptColumns = ['id', 'at', ...attemptColumns] as const
export const refusalColumns = [
  'id',
  'at',
  'workspace_id',
  'request_id',
  'key_id',
  'node_id',
  'model',
  'provider',
  'opens_at',
  'only_held',
  'judged',
] as const

const minuteMs = 60_000
const keyOfEvent = eventColumns.indexOf('key_id')

export function factSums(): FactSums {
  const attempts: Row[] = []
  const refusals: Row[] = []
  const refusalCounts = new Map<string, { readonly names: Row; readonly nodeId: string; calls: number }>()
  const buckets: BucketSums = bucketSums()
  const keyUses = new Map<string, EpochMs>()

  function countRefused(count: RefusalCountTuple): void {
    const [startsAt, workspaceId, keyId, nodeId, model, provider, counter, calls] = count
    const names = [workspaceId, startsAt, keyId, model, counter]
    const place = names.join('\0')
    const known = refusalCounts.get(place) ?? { names, nodeId, calls: 0 }
    known.calls += calls
    refusalCounts.set(place, known)
    buckets.addRefused(startsAt, { workspaceId, nodeId, keyId, provider, model }, calls)
  }

  /** Calls without a credential have no key. */
  function used(keyId: string, at: EpochMs): void {
    if (keyId === '') return
    keyUses.set(keyId, Math.max(at, keyUses.get(keyId) ?? at))
  }

  return {
    addEvent(at, event) {
      buckets.addEvent(at, event)
      used(event[keyOfEvent] as string, at)
    },
    addFact(fact) {
      const [kind, id, at] = fact
      if (kind === 'refusal_counts') {
        for (const count of fact[3]) {
          countRefused(count)
          used(count[2], count[0])
        }
      } else if (kind === 'attempt') {
        const [, , , attempt] = fact
        attempts.push([id, at, ...attempt])
        buckets.addAttempt(at, attempt)
        used(attempt[2], at)
      } else {
        const [, , , refused, judged] = fact
        refusals.push([id, at, ...refused, JSON.stringify(judged)])
        const [workspaceId, , keyId, nodeId, model, provider] = refused
        const counter = judged[0]?.[0] ?? ''
        countRefused([at - (at % minuteMs), workspaceId, keyId, nodeId, model, provider, counter, 1])
        used(keyId, at)
      }
    },
    rows: () => ({
      attempts,
      refusals,
      refusalCounts: [...refusalCounts.values()].map(({ names, nodeId, calls }) => [...names, nodeId, calls]),
      buckets: buckets.rows(),
      keyUses,
    }),
  }
}
