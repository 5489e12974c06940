import { join } from 'node:path'
import type { Failure } from '../domain/failure.ts'
import type { InstanceId, NewUlid } from '../domain/ids.ts'
import type { Clock, EpochMs } from '../domain/time.ts'
import {
  addRecord,
  type Batch,
  batchBytes,
  emptyBatch,
  joinBatches,
  recordsWithin,
  reuseBatch,
  splitBatch,
  type Then,
  tellAll,
  tellOverdue,
} from './batch.ts'
import type { SpoolFiles } from './files.ts'
import { encodeRecord, type LedgerRecord } from './record.ts'
import { type SpoolMessage, segmentName } from './segment.ts'

/** The file between a request thread and the ledger's tables: what is in it survives the process. */
export interface Spool {
  /**
   * Queues a record for this turn's one write and calls `then` when it is in the file (`strict`: on the disk), in
   * the order of the appends; whoever sends an answer's last byte, or the first byte upstream, sends it from there.
   *
   * `then` gets a failure when the file could not be written for 30 s. The record is kept all the same, and written
   * when that is possible again; so a call whose `hold` failed still has to append its end.
   */
  append(record: LedgerRecord, then: Then): void
  /** False while records wait for a file that cannot be written: new calls are to be refused until it can. */
  isWritable(): boolean
  /** Bytes that wait for the file. */
  unwrittenBytes(): number
  /**
   * Writes what waits, closes the segment and stops. Returns how many records could not be written: they are lost
   * with the process.
   */
  close(): Promise<number>
}

export interface SpoolOptions {
  /** Where the segments are; made if there is none. */
  readonly directory: string
  readonly instance: InstanceId
  readonly thread: number
  readonly durability: 'process' | 'strict'
  readonly files: SpoolFiles
  readonly clock: Clock
  /**
   * The instance's watermark: everything before it has been called complete, so no record may be dated earlier, even
   * if the machine's clock was set back between two starts.
   */
  readonly notBefore: EpochMs
  /** Milliseconds since whenever, by the machine's monotonic clock. */
  readonly monotonic: () => number
  readonly newUlid: NewUlid
  /** Takes what the drain has to know, to be posted to it in this order. */
  readonly tell: (message: SpoolMessage) => void
  /** The file cannot be written, and why; null: it can again. */
  readonly onProblem: (problem: string | null) => void
  readonly limits?: SpoolLimits
}

export interface SpoolLimits {
  readonly segmentBytes: number
  /** Closes a segment, retries a failed write, and tells the drain how far the records are complete. */
  readonly beatMs: number
  readonly longestWaitMs: number
}

const defaultLimits: SpoolLimits = { segmentBytes: 8 * 2 ** 20, beatMs: 1000, longestWaitMs: 30_000 }

const unwritable: Failure = { failure: 'overloaded', reason: 'spool', retryAfterMs: 1000 }

interface Segment {
  readonly name: string
  readonly file: number
  readonly oldestAt: EpochMs
  /** Its name is on the disk too. */
  isNamed: boolean
  /** Whole records so far. */
  bytes: number
  /** A failed write or sync left something behind them, which has to go before anything is written again. */
  isTorn: boolean
  /** To be closed as soon as no sync is under way. */
  isDue: boolean
}

/**
 * Opens a request thread's spool. Nothing is read: what an earlier process left is the drain's. Throws when the
 * directory cannot be made.
 *
 * An append costs about 3 µs; the write at the end of the turn some microseconds more, whatever it carries. `strict`
 * writes a turn's records when those of the turns before are on the disk, so one sync serves all that came meanwhile.
 */
export function openSpool(options: SpoolOptions): Spool {
  const { files, clock, monotonic, thread, tell } = options
  const limits = options.limits ?? defaultLimits
  const isStrict = options.durability === 'strict'

  let unwritten = emptyBatch()
  let spare: Batch | null = null
  let syncing: Batch | null = null
  let syncDone = Promise.resolve()
  let segment: Segment | null = null
  let problem: string | null = null
  let isScheduled = false
  let lastAt = options.notBefore

  files.makeDirectory(options.directory)
  const beats = setInterval(beat, limits.beatMs)
  beats.unref()

  function append(record: LedgerRecord, then: Then): void {
    // What was told to be complete stays complete, whatever instant a caller brings.
    lastAt = Math.max(lastAt, record.at)
    addRecord(unwritten, encodeRecord(record, lastAt), lastAt, then)
    if (isScheduled || problem !== null) return
    isScheduled = true
    setImmediate(flush)
  }

  function flush(): void {
    isScheduled = false
    if (syncing !== null || unwritten.entries.length === 0) return
    const { bytes, reason } = write()
    const batch = unwritten
    unwritten = reason === null ? takeSpare() : splitBatch(batch, recordsWithin(batch, bytes))
    if (segment !== null) {
      segment.bytes += batchBytes(batch)
      segment.isTorn ||= reason !== null
      segment.isDue ||= reason !== null || segment.bytes >= limits.segmentBytes
    }
    if (reason !== null || !isStrict) report(reason)
    if (isStrict && segment !== null && batch.entries.length > 0) sync(batch, segment, reason === null)
    else finish(batch)
    if (segment?.isDue) closeSegment()
  }

  /** Writes all that waits. `bytes` is how much the file took before `reason` stopped it. */
  function write(): { bytes: number; reason: string | null } {
    const total = batchBytes(unwritten)
    let bytes = 0
    try {
      segment ??= createSegment()
      if (segment.isTorn) cut(segment)
      while (bytes < total) {
        const taken = files.write(segment.file, unwritten.buffer, bytes, total - bytes, segment.bytes + bytes)
        if (taken === 0) throw new Error('the file takes no more bytes')
        bytes += taken
      }
      return { bytes, reason: null }
    } catch (error) {
      return { bytes, reason: reasonOf(error) }
    }
  }

  function sync(batch: Batch, into: Segment, isWhole: boolean): void {
    syncing = batch
    const toDisk = Promise.all([
      files.sync(into.file),
      into.isNamed || files.syncDirectory(options.directory),
    ])
    syncDone = toDisk.then(
      () => synced(batch, into, isWhole, null),
      (error) => synced(batch, into, isWhole, reasonOf(error)),
    )
  }

  function synced(batch: Batch, into: Segment, isWhole: boolean, reason: string | null): void {
    syncing = null
    if (reason === null) {
      into.isNamed = true
      finish(batch)
      if (isWhole) report(null)
    } else {
      // After a failed sync nobody knows what is on the disk, and no later sync would tell: it is written once more.
      into.bytes -= batchBytes(batch)
      into.isTorn = into.isDue = true
      unwritten = joinBatches(batch, unwritten)
      report(reason)
    }
    if (into.isDue) closeSegment()
    if (problem === null) flush()
  }

  function finish(batch: Batch): void {
    tellAll(batch)
    reuseBatch(batch)
    spare = batch
  }

  function takeSpare(): Batch {
    const batch = spare ?? emptyBatch()
    spare = null
    return batch
  }

  function createSegment(): Segment {
    const name = segmentName(options.instance, thread, options.newUlid(clock()))
    const file = files.create(join(options.directory, name))
    return { name, file, oldestAt: unwritten.oldestAt, isNamed: false, bytes: 0, isTorn: false, isDue: false }
  }

  function cut(torn: Segment): void {
    files.truncate(torn.file, torn.bytes)
    torn.isTorn = false
  }

  /** Hands the segment to the drain, which also frees its place on a full disk. One that cannot be cut stays. */
  function closeSegment(): void {
    if (segment === null || syncing !== null) return
    const { name, file, bytes, oldestAt, isTorn } = segment
    if (isTorn && !succeeds(() => cut(segment as Segment))) return
    segment = null
    succeeds(() => files.close(file))
    if (bytes > 0) tell({ thread, closed: { name, bytes, oldestAt }, completeBefore: completeBefore() })
    else succeeds(() => files.remove(join(options.directory, name)))
  }

  function beat(): void {
    const nowMs = monotonic()
    if (syncing !== null) tellOverdue(syncing, nowMs, limits.longestWaitMs, unwritable)
    tellOverdue(unwritten, nowMs, limits.longestWaitMs, unwritable)
    if (problem !== null) flush()
    if (segment !== null) segment.isDue = true
    closeSegment()
    tell({ thread, closed: null, completeBefore: completeBefore() })
  }

  function completeBefore(): EpochMs {
    const waiting = [syncing, unwritten].filter((batch) => batch !== null && batch.entries.length > 0)
    const oldest = [segment, ...waiting].map((held) => held?.oldestAt ?? Number.POSITIVE_INFINITY)
    lastAt = Math.max(lastAt, clock())
    return Math.min(lastAt, ...oldest)
  }

  function report(reason: string | null): void {
    const isNews = (reason === null) !== (problem === null)
    problem = reason
    if (isNews) options.onProblem(reason)
  }

  async function close(): Promise<number> {
    clearInterval(beats)
    do {
      flush()
      await syncDone
    } while (syncing !== null || (problem === null && unwritten.entries.length > 0))
    closeSegment()
    tell({ thread, closed: null, completeBefore: completeBefore() })
    return unwritten.entries.length
  }

  return {
    append,
    isWritable: () => problem === null,
    unwrittenBytes: () => batchBytes(unwritten) + (syncing === null ? 0 : batchBytes(syncing)),
    close,
  }
}

function succeeds(work: () => void): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

/** The system's name for it, such as `ENOSPC`, where there is one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error ? String(error.code) : error.message
}
