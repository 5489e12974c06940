import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceId } from '../domain/ids.ts'
import type { EpochMs } from '../domain/time.ts'
import type { Database } from '../store/database.ts'
import { type Chunk, readChunk } from './chunk.ts'
import { commitChunk, publishProgress, readProgress, type Stored } from './drain.sql.ts'
import type { SpoolFiles } from './files.ts'
import { hasFrameBehind } from './frame.ts'
import { openKeyUses } from './key-uses.ts'
import { isRefused } from './refused.ts'
import { repeat } from './rounds.ts'
import { type SegmentName, type SpoolMessage, setAsideName } from './segment.ts'

/** Carries closed segments into the database, oldest first, each record exactly once. */
export interface Drain {
  /** Takes what a spool tells, in the order in which it told it. */
  accept(message: SpoolMessage): void
  /** Takes a segment that an earlier process left. Before any message. */
  acceptLeftover(leftover: Leftover): void
  standing(): DrainStanding
  /** Resolves when nothing is waiting any more, or the drain was closed. */
  idle(): Promise<void>
  /** Ends after the transaction under way. What waits stays in its files for the next start. */
  close(): Promise<void>
}

export interface Leftover {
  readonly segment: SegmentName
  readonly bytes: number
  /** The newest of its thread: the process may have died while it wrote the last record. */
  readonly mayBeTorn: boolean
}

export interface DrainStanding {
  readonly waitingSegments: number
  /** What of them is stored already included. */
  readonly waitingBytes: number
  /** No record that waits is older; null when none does, or when that is not known yet. */
  readonly oldestAt: EpochMs | null
  /** Why the drain stands still; null while it works. */
  readonly problem: string | null
}

/** What an operator has to know. Every one is worth a log line and a count. */
export type DrainEvent =
  /** The drain stands still and tries again by itself. */
  | { readonly event: 'stopped'; readonly reason: string }
  | { readonly event: 'resumed' }
  /** The last record of a dead process was not written whole, so nobody was answered on its strength. */
  | { readonly event: 'torn_tail_cut'; readonly segment: string; readonly bytes: number }
  /** Records were found damaged, or the database refuses them: they are kept in `file` and not accounted. */
  | { readonly event: 'set_aside'; readonly file: string; readonly bytes: number }
  /** A segment that was handed over is not there. */
  | { readonly event: 'segment_missing'; readonly segment: string }

export interface DrainOptions {
  readonly database: Database
  /** Where the segments are. */
  readonly directory: string
  readonly instance: InstanceId
  /** How many spools will report: before all have, nobody knows how far the events are complete. */
  readonly threads: number
  readonly files: SpoolFiles
  readonly onEvent: (event: DrainEvent) => void
  /** After each transaction. */
  readonly onStored?: (stored: Stored) => void
  readonly limits?: DrainLimits
}

export interface DrainLimits {
  readonly recordsPerTransaction: number
  readonly watermarkMs: number
  readonly firstRetryMs: number
  readonly longestRetryMs: number
}

const defaultLimits: DrainLimits = {
  recordsPerTransaction: 500,
  watermarkMs: 1000,
  firstRetryMs: 100,
  longestRetryMs: 5000,
}

interface Waiting {
  readonly name: string
  readonly instance: InstanceId
  readonly bytes: number
  readonly mayBeTorn: boolean
  /** No record that is still to be stored is older; null: not known. */
  oldestAt: EpochMs | null
}

/**
 * Opens the drain; on SQLite, on the thread that owns the writer. Memory holds one segment, however many wait.
 *
 * While the database is away, full or locked it stands still and tries again, with pauses of up to 5 s. Rows that
 * the database refuses for their content are narrowed down to the record at fault, which is set aside.
 */
export function openDrain(options: DrainOptions): Drain {
  const { database, directory, instance, files, onEvent } = options
  const limits = options.limits ?? defaultLimits
  const waiting: Waiting[] = []
  const completeBefore = new Map<number, EpochMs>()
  /** Their files are removed, the rows that tell of their progress not yet. */
  const goneSegments = new Set<string>()
  const keyUses = openKeyUses()
  const stop = new AbortController()
  let running: Promise<void> | null = null
  let published: EpochMs | null = null
  let problem: string | null = null
  /** Memory of the last segment, for the next: new memory for each made the engine collect all of its own. */
  let spare: Buffer = Buffer.alloc(0)

  const beats = repeat(limits.watermarkMs, publish, stopped)

  function accept({ thread, closed, completeBefore: before }: SpoolMessage): void {
    if (closed !== null) waiting.push({ ...closed, instance, mayBeTorn: false })
    completeBefore.set(thread, before)
    start()
  }

  function acceptLeftover({ segment, bytes, mayBeTorn }: Leftover): void {
    waiting.push({ name: segment.name, instance: segment.instance, bytes, mayBeTorn, oldestAt: null })
    start()
  }

  function start(): void {
    if (running !== null || waiting.length === 0 || stop.signal.aborted) return
    running = run().finally(() => {
      running = null
      start()
    })
  }

  async function run(): Promise<void> {
    let retryMs = limits.firstRetryMs
    for (let segment = waiting[0]; segment !== undefined && !stop.signal.aborted; segment = waiting[0]) {
      try {
        await drainSegment(segment)
        if (!stop.signal.aborted) waiting.shift()
        retryMs = limits.firstRetryMs
        report(null)
      } catch (error) {
        stopped(error)
        await wait(retryMs, undefined, { signal: stop.signal }).catch(() => {})
        retryMs = Math.min(retryMs * 2, limits.longestRetryMs)
      }
    }
  }

  async function drainSegment(segment: Waiting): Promise<void> {
    const path = join(directory, segment.name)
    const read = files.read(path, spare)
    if (read !== null && read.buffer.byteLength > spare.length) spare = Buffer.from(read.buffer)
    const whole = read?.subarray(0, segment.bytes)
    if (whole === undefined) onEvent({ event: 'segment_missing', segment: segment.name })
    else if (!(await drainBytes(segment, whole))) return
    files.remove(path)
    goneSegments.add(segment.name)
  }

  /** False: closed meanwhile. */
  async function drainBytes(segment: Waiting, whole: Buffer): Promise<boolean> {
    let offset = await readProgress(database, segment.name)
    let limit = limits.recordsPerTransaction
    while (offset < whole.length) {
      if (stop.signal.aborted) return false
      const chunk = readChunk(whole, offset, segment.instance, limit)
      if (chunk.records === 0) {
        offset = await stepOverFault(segment, whole, offset, chunk)
        continue
      }
      try {
        offset = await store(segment, whole, offset, chunk)
        limit = Math.min(limit * 2, limits.recordsPerTransaction)
      } catch (error) {
        if (!isRefused(error)) throw error
        if (chunk.records === 1) offset = await setRecordAside(segment, whole, offset, chunk.end)
        else limit = Math.ceil(chunk.records / 2)
      }
    }
    return true
  }

  /** Stores a chunk, or finds it stored, and returns where the next begins. */
  async function store(segment: Waiting, whole: Buffer, began: number, chunk: Chunk): Promise<number> {
    const gone = [...goneSegments]
    const restAt = chunk.records === 0 ? segment.oldestAt : chunk.lastAt
    const at = watermark(chunk.end === whole.length ? Number.POSITIVE_INFINITY : restAt)
    const dueUses = keyUses.due(chunk.facts.keyUses)
    const stored = await commitChunk(database, {
      segment: segment.name,
      instance: segment.instance,
      began,
      chunk,
      keyUses: dueUses,
      goneSegments: gone,
      watermark: at === null ? null : { instance, at },
    })
    if (stored === null) {
      const progress = await readProgress(database, segment.name)
      if (progress <= began) throw new Error(`the progress of ${segment.name} went back to ${progress}`)
      return progress
    }
    for (const name of gone) goneSegments.delete(name)
    keyUses.written(dueUses)
    segment.oldestAt = restAt
    published = at
    report(null)
    options.onStored?.(stored)
    return chunk.end
  }

  async function stepOverFault(
    segment: Waiting,
    whole: Buffer,
    offset: number,
    { fault }: Chunk,
  ): Promise<number> {
    if (fault?.fault === 'unreadable') return setRecordAside(segment, whole, offset, fault.end)
    const bytes = whole.length - offset
    if (fault?.fault === 'torn' && segment.mayBeTorn && !hasFrameBehind(whole, offset)) {
      onEvent({ event: 'torn_tail_cut', segment: segment.name, bytes })
    } else {
      setAside(setAsideName(segment.name), whole.subarray(offset))
    }
    return whole.length
  }

  async function setRecordAside(
    segment: Waiting,
    whole: Buffer,
    offset: number,
    end: number,
  ): Promise<number> {
    setAside(setAsideName(`${segment.name}-${offset}`), whole.subarray(offset, end))
    const nothing = readChunk(whole, offset, segment.instance, 0)
    return store(segment, whole, offset, { ...nothing, end })
  }

  function setAside(name: string, bytes: Buffer): void {
    const file = join(directory, name)
    files.save(file, bytes)
    onEvent({ event: 'set_aside', file, bytes: bytes.length })
  }

  /**
   * Before when all events are stored, supposing that none of the segment in hand before `restAt` is waiting.
   * Null before all spools have reported, or with a segment whose age is not known.
   */
  function watermark(restAt: EpochMs | null): EpochMs | null {
    if (completeBefore.size < options.threads) return null
    let earliest = restAt
    for (const before of completeBefore.values()) earliest = earlier(earliest, before)
    for (const segment of waiting.slice(1)) earliest = earlier(earliest, segment.oldestAt)
    return earliest
  }

  /** With nothing waiting, nobody else would say that the events are complete up to now. */
  async function publish(): Promise<void> {
    const at = watermark(Number.POSITIVE_INFINITY)
    const isNews = at !== published || goneSegments.size > 0
    if (waiting.length > 0 || at === null || !isNews) return
    const gone = [...goneSegments]
    await publishProgress(database, gone, { instance, at })
    for (const name of gone) goneSegments.delete(name)
    published = at
    report(null)
  }

  function stopped(error: unknown): void {
    report(error instanceof Error ? error.message : String(error))
  }

  function report(reason: string | null): void {
    const isNews = (reason === null) !== (problem === null)
    problem = reason
    if (isNews) onEvent(reason === null ? { event: 'resumed' } : { event: 'stopped', reason })
  }

  async function idle(): Promise<void> {
    while (running !== null) await running
  }

  async function close(): Promise<void> {
    stop.abort()
    await Promise.all([idle(), beats.close()])
    await publish().catch(stopped)
  }

  return {
    accept,
    acceptLeftover,
    standing: () => ({
      waitingSegments: waiting.length,
      waitingBytes: waiting.reduce((bytes, segment) => bytes + segment.bytes, 0),
      oldestAt: waiting.length === 0 ? null : waiting.map((segment) => segment.oldestAt).reduce(earlier),
      problem,
    }),
    idle,
    close,
  }
}

/** Null, which is unknown, may be earlier than anything. */
function earlier(left: EpochMs | null, right: EpochMs | null): EpochMs | null {
  return left === null || right === null ? null : Math.min(left, right)
}
