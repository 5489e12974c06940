import type { Failure } from '../domain/failure.ts'
import type { EpochMs } from '../domain/time.ts'
import { frameBound, writeFrame } from './frame.ts'

/** Called once: with null when the record is as safe as the durability asks, else with why it is not yet. */
export type Then = (failure: Failure | null) => void

/** Framed records in one buffer, and who waits for each. */
export interface Batch {
  buffer: Buffer
  entries: Entry[]
  /** The instant of the first record. */
  oldestAt: EpochMs
}

interface Entry {
  /** Where the record's frame ends in the buffer. */
  end: number
  /** Null once called. */
  notify: Then | null
  /** When it was first found waiting; null before. */
  waitingSinceMs: number | null
}

const firstBytes = 64 * 2 ** 10
const keptBytes = 2 ** 20

export function emptyBatch(): Batch {
  return { buffer: Buffer.allocUnsafeSlow(firstBytes), entries: [], oldestAt: 0 }
}

export function batchBytes(batch: Batch): number {
  return batch.entries.at(-1)?.end ?? 0
}

/** Frames a record behind the others. */
export function addRecord(batch: Batch, text: string, at: EpochMs, then: Then): void {
  const start = batchBytes(batch)
  makeRoom(batch, start, frameBound(text))
  if (start === 0) batch.oldestAt = at
  batch.entries.push({ end: writeFrame(batch.buffer, start, text), notify: then, waitingSinceMs: null })
}

/** How many of a batch's records lie wholly within its first `bytes`. */
export function recordsWithin(batch: Batch, bytes: number): number {
  const beyond = batch.entries.findIndex(({ end }) => end > bytes)
  return beyond === -1 ? batch.entries.length : beyond
}

/** Leaves the first `count` records in the batch and returns the others, as old as the first of all. */
export function splitBatch(batch: Batch, count: number): Batch {
  const others: Batch = { ...emptyBatch(), oldestAt: batch.oldestAt }
  const bytes = batchBytes(batch)
  const cut = batch.entries[count - 1]?.end ?? 0
  makeRoom(others, 0, bytes - cut)
  batch.buffer.copy(others.buffer, 0, cut, bytes)
  others.entries = batch.entries.splice(count).map((entry) => ({ ...entry, end: entry.end - cut }))
  return others
}

/** Puts the records of `second` behind those of `first`. */
export function joinBatches(first: Batch, second: Batch): Batch {
  const middle = batchBytes(first)
  makeRoom(first, middle, batchBytes(second))
  second.buffer.copy(first.buffer, middle, 0, batchBytes(second))
  if (middle === 0) first.oldestAt = second.oldestAt
  for (const entry of second.entries) first.entries.push({ ...entry, end: middle + entry.end })
  return first
}

/** Empties a batch for new records; a buffer that grew large is let go. */
export function reuseBatch(batch: Batch): void {
  batch.entries.length = 0
  if (batch.buffer.length > keptBytes) batch.buffer = Buffer.allocUnsafeSlow(firstBytes)
}

/** Tells everyone who still waits that the record is safe. */
export function tellAll(batch: Batch): void {
  for (const entry of batch.entries) tell(entry, null)
}

/** Tells those with `failure` who were first found waiting `limitMs` ago or earlier; the records stay. */
export function tellOverdue(batch: Batch, nowMs: number, limitMs: number, failure: Failure): void {
  for (const entry of batch.entries) {
    entry.waitingSinceMs ??= nowMs
    if (nowMs - entry.waitingSinceMs >= limitMs) tell(entry, failure)
  }
}

/** One that throws is a bug, and surfaces as one, but does not keep the others from being told. */
function tell(entry: Entry, failure: Failure | null): void {
  const { notify } = entry
  entry.notify = null
  try {
    notify?.(failure)
  } catch (bug) {
    queueMicrotask(() => {
      throw bug
    })
  }
}

function makeRoom(batch: Batch, used: number, wanted: number): void {
  if (used + wanted <= batch.buffer.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(used + wanted, batch.buffer.length * 2))
  batch.buffer.copy(larger, 0, 0, used)
  batch.buffer = larger
}
