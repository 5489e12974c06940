import { join } from 'node:path'
import type { InstanceId } from '../domain/ids.ts'

/** A spool file's name, taken apart. */
export interface SegmentName {
  readonly name: string
  readonly instance: InstanceId
  readonly thread: number
  /** Never repeats, and sorts by age within a thread. */
  readonly ulid: string
}

export function spoolDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'spool')
}

export function segmentName(instance: InstanceId, thread: number, ulid: string): string {
  return `${instance}-${thread}-${ulid}`
}

/** Null for any other file, such as what was set aside as damaged. */
export function parseSegmentName(name: string): SegmentName | null {
  const [, instance, thread, ulid] = /^(.+)-(\d+)-([0-9A-HJKMNP-TV-Z]{26})$/.exec(name) ?? []
  if (instance === undefined || thread === undefined || ulid === undefined) return null
  return { name, instance: instance as InstanceId, thread: Number(thread), ulid }
}

/** Where the unreadable rest of a segment is kept for an engineer to look at. */
export function setAsideName(segment: string): string {
  return `${segment}.bad`
}

/** What a spool tells the drain, in this order: a message never overtakes an earlier one. */
export interface SpoolMessage {
  readonly thread: number
  /** A segment that will not grow any more, in which the first `bytes` are whole records. */
  readonly closed: ClosedSegment | null
  /** All records of this thread with an earlier instant are in segments that were closed by now. */
  readonly completeBefore: number
}

export interface ClosedSegment {
  readonly name: string
  readonly bytes: number
  /** The instant of its first record; none in it is older. */
  readonly oldestAt: number
}
