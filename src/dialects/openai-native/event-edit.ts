import type { Pieces } from '../../json/pieces.ts'
import type { Member, Wanted } from '../../json/scan.ts'
import { cutMembers, type Edit, replaceValue } from '../../json/splice.ts'
import type { EventData } from '../sse.ts'

/** Which events of a stream carry `extra_fields`: the first and the last, each, or none. */
export type ExtraFields = 'edges' | 'all' | 'none'

/** Builds the JSON object for the event of this number, counted from 0. */
export type MakeExtra = (chunkIndex: number, isLast: boolean) => Buffer

/** An event whose data is an object that has been scanned. */
export interface ScannedEvent {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly data: EventData
  readonly found: Wanted<'extra_fields' | 'usage'>
  /** After the object's closing brace, in the data. */
  readonly objectEnd: number
}

/** Members that an event is given; null leaves `usage` as it is, but `extra_fields` away. */
export interface EventChanges {
  readonly usage: Buffer | null
  readonly extra: Buffer | null
}

/** Relays an event with its members changed, and everything else as it came. */
export function relayEvent(out: Pieces, event: ScannedEvent, { usage, extra }: EventChanges): void {
  const { data, found, objectEnd } = event
  const edits: Edit[] = []
  const { extra_fields: extraSlot, usage: usageSlot } = found.found
  if (usage !== null) edits.push(setMember('usage', usageSlot, usage, objectEnd, false))
  if (extra !== null) edits.push(setMember('extra_fields', extraSlot, extra, objectEnd, found.isEmpty))
  else if (extraSlot.keyStart >= 0) edits.push(...cutMembers(data.bytes, [extraSlot]))
  let from = event.start
  for (const edit of edits.sort((one, other) => one.start - other.start)) {
    out.add(event.bytes, from, edit.start + data.shift)
    out.add(edit.bytes, 0, edit.bytes.length)
    from = edit.end + data.shift
  }
  out.add(event.bytes, from, event.end)
}

/** Gives a member its value where it stands, or adds it behind all others. */
function setMember(name: string, there: Member, value: Buffer, objectEnd: number, isOnly: boolean): Edit {
  if (there.keyStart >= 0) return replaceValue(there, value)
  const at = objectEnd - 1
  return { start: at, end: at, bytes: Buffer.concat([Buffer.from(`${isOnly ? '' : ','}"${name}":`), value]) }
}

/** A copy of a value, without the line ends that several lines of data leave in it. */
export function valueOnOneLine(bytes: Buffer, { valueStart, valueEnd }: Member): Buffer {
  const value = Buffer.from(bytes.subarray(valueStart, valueEnd))
  for (let at = 0; at < value.length; at += 1) {
    if (value[at] === 0x0a || value[at] === 0x0d) value[at] = 0x20
  }
  return value
}
