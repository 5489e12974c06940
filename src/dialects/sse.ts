const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const colon = 0x3a

/**
 * Takes one event: [start, end) of `bytes`, the blank line that ends it included, and how many of its lines
 * are not blank (none: a blank line on its own). The bytes stand until the chunk that was pushed is used
 * again.
 */
export type VisitEvent = (bytes: Buffer, start: number, end: number, lines: number) => void

/** Cuts a stream of server-sent events between its events. */
export interface SseSplitter {
  /**
   * Shows each event that `chunk` completes and keeps a copy of what it begins. False once an event is too
   * long: nothing is shown any more.
   */
  push(chunk: Buffer, visit: VisitEvent): boolean
  /** Shows what is left, a last event without its blank line. */
  end(visit: VisitEvent): void
  /** Whether what is being shown is no event, but the late LF of a CR LF whose CR ended the event before. */
  isLateLineFeed(): boolean
}

/**
 * Lines end in LF, CR or CR LF, and events in a blank line, in any mixture. A CR at the end of a chunk ends
 * its event at once, so that streams with bare CRs do not lag; should its LF follow, it is shown on its own.
 *
 * No event may be longer than `maxEventBytes`. Events that lie within one chunk are shown in place. Others
 * are copied once, and again as often as the copy has to double.
 */
export function openSseSplitter(maxEventBytes: number): SseSplitter {
  let held: Buffer | null = null
  let heldBytes = 0
  let lines = 0
  let isAtLineStart = true
  let endedInCarriageReturn = false
  let isLateLineFeed = false
  let isTooLong = false

  function hold(chunk: Buffer, start: number, end: number): void {
    const neededBytes = heldBytes + end - start
    if (neededBytes > maxEventBytes) {
      isTooLong = true
      held = null
    }
    if (isTooLong || start === end) return
    if (held === null || held.length < neededBytes) {
      const roomier = Buffer.allocUnsafe(Math.max(1024, Math.min(2 * neededBytes, maxEventBytes)))
      held?.copy(roomier, 0, 0, heldBytes)
      held = roomier
    }
    chunk.copy(held, heldBytes, start, end)
    heldBytes = neededBytes
  }

  function show(chunk: Buffer, start: number, end: number, visit: VisitEvent): void {
    if (heldBytes > 0) {
      hold(chunk, start, end)
      if (!isTooLong) release(visit)
    } else if (end - start > maxEventBytes) isTooLong = true
    else visit(chunk, start, end, lines)
    lines = 0
  }

  function release(visit: VisitEvent): void {
    const event = held
    const length = heldBytes
    held = null
    heldBytes = 0
    if (event !== null) visit(event, 0, length, lines)
  }

  /** Deals with the LF that completes the CR at the end of the last chunk. Returns its length. */
  function finishLine(chunk: Buffer, visit: VisitEvent): number {
    if (!endedInCarriageReturn || chunk.length === 0) return 0
    endedInCarriageReturn = false
    if (chunk[0] !== lineFeed) return 0
    if (lines > 0) hold(chunk, 0, 1)
    else {
      isLateLineFeed = true
      visit(chunk, 0, 1, 0)
      isLateLineFeed = false
    }
    return 1
  }

  function push(chunk: Buffer, visit: VisitEvent): boolean {
    const end = chunk.length
    const hasCarriages = chunk.includes(carriageReturn)
    let at = isTooLong ? end : finishLine(chunk, visit)
    let eventStart = at
    while (at < end && !isTooLong) {
      if (isAtLineStart && !endsLine(chunk[at])) {
        isAtLineStart = false
        lines += 1
      }
      const lineEnd = hasCarriages ? lineEndFrom(chunk, at) : chunk.indexOf(lineFeed, at)
      if (lineEnd < at || lineEnd >= end) break
      at = lineEnd + 1
      if (chunk[lineEnd] === carriageReturn) {
        if (at === end) endedInCarriageReturn = true
        else if (chunk[at] === lineFeed) at += 1
      }
      if (isAtLineStart) {
        show(chunk, eventStart, at, visit)
        eventStart = at
      }
      isAtLineStart = true
    }
    hold(chunk, eventStart, end)
    return !isTooLong
  }

  return {
    push,
    end(visit) {
      if (!isTooLong) release(visit)
    },
    isLateLineFeed: () => isLateLineFeed,
  }
}

/**
 * The data of an event: [start, end) of `bytes`. What stands at a position p there stands at p + `shift` in
 * the event's own buffer.
 */
export interface EventData {
  bytes: Buffer
  start: number
  end: number
  shift: number
}

/**
 * Finds the data of an event as JSON text: the line ends around and between its lines are left in, as white
 * space.
 *
 * An event of one `data` line, perhaps after a line of another field, is read in place. Of any other a copy is made in which all that is not data is
 * blanked with spaces, so that positions stay comparable. False if the event has no data.
 */
export function readData(bytes: Buffer, start: number, end: number, lines: number, into: EventData): boolean {
  if (lines === 0) return false
  if (lines === 1 && dataNameEnd(bytes, start, end) === start + 5) {
    into.bytes = bytes
    into.start = start + 5
    into.end = end
    into.shift = 0
    return true
  }
  const second = lines === 2 ? secondLine(bytes, start, end) : end
  if (second < end && dataNameEnd(bytes, second, end) === second + 5) {
    into.bytes = bytes
    into.start = second + 5
    into.end = end
    into.shift = 0
    return true
  }
  into.bytes = Buffer.from(bytes.subarray(start, end))
  into.start = 0
  into.end = into.bytes.length
  into.shift = start
  return blankAllButData(into.bytes)
}

/** Where the second line of an event begins, if the first holds no data and no byte order mark; else `end`. */
function secondLine(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] === 0xef) return end
  const firstEnd = lineEndFrom(bytes.subarray(0, end), start)
  if (firstEnd === end || dataNameEnd(bytes, start, firstEnd) > start) return end
  const next = firstEnd + 1
  return bytes[firstEnd] === carriageReturn && bytes[next] === lineFeed ? next + 1 : next
}

function blankAllButData(text: Buffer): boolean {
  let hasData = false
  let at = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0
  text.fill(space, 0, at)
  while (at < text.length) {
    let lineEnd = at
    while (lineEnd < text.length && !endsLine(text[lineEnd])) lineEnd += 1
    const nameEnd = dataNameEnd(text, at, lineEnd)
    hasData ||= nameEnd > at
    text.fill(space, at, nameEnd > at ? nameEnd : lineEnd)
    at = lineEnd + 1
  }
  return hasData
}

/** After `data:`, or after `data` on a line of its own; `start` if neither stands there. */
function dataNameEnd(bytes: Buffer, start: number, end: number): number {
  const isData =
    end - start >= 4 &&
    bytes[start] === 0x64 &&
    bytes[start + 1] === 0x61 &&
    bytes[start + 2] === 0x74 &&
    bytes[start + 3] === 0x61
  if (!isData) return start
  if (end - start === 4) return end
  return bytes[start + 4] === colon ? start + 5 : start
}

function endsLine(byte: number | undefined): boolean {
  return byte === lineFeed || byte === carriageReturn
}

/** The first line end from `from` on, or the length. Only for short lines, and chunks with a CR in them, which are rare. */
function lineEndFrom(chunk: Buffer, from: number): number {
  let at = from
  while (at < chunk.length && !endsLine(chunk[at])) at += 1
  return at
}
