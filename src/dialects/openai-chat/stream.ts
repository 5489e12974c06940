import type { Failure } from '../../domain/failure.ts'
import type { Usage } from '../../domain/usage.ts'
import { openPieces } from '../../json/pieces.ts'
import { isArray, isEmptyArray, isNull, isObject } from '../../json/read.ts'
import { afterSpace, type Member, type Slot, scanMembers, wantMembers } from '../../json/scan.ts'
import { type EventData, openSseSplitter, readData } from '../sse.ts'
import { readUsage } from './usage.ts'

const openBrace = 0x7b
const comma = 0x2c
const longestUsageBytes = 1 << 20

/** What a relay of a chat stream changes, and how long an event may be. */
export interface ChatStreamOptions {
  /** What `model` becomes in every event that has one: the bytes of a JSON string. Null leaves it. */
  readonly stampModel: Buffer | null
  /** Drops events that carry usage and no choice, for callers who did not ask for them. */
  readonly hideUsageEvent: boolean
  readonly maxEventBytes: number
}

/**
 * What goes out for one chunk. Views of the chunk among them: good until the chunk's memory is used again.
 */
export interface ChatStreamStep {
  readonly now: readonly Buffer[]
  /** From the first byte of `data: [DONE]` on. The call must have been settled before these go out. */
  readonly terminal: readonly Buffer[]
  /** An event is longer than allowed. Nothing comes after what this step brings. */
  readonly failure: Failure | null
}

/** What a stream has told so far, up to its `[DONE]`. */
export interface ChatStreamTally {
  /** Events with at least one choice. */
  contentEvents: number
  /** Events whose data is no JSON object. They pass as they are. */
  unparsableEvents: number
  /** Some choice has a `finish_reason`. */
  hasFinished: boolean
  /** An event with an `error` has come by. */
  hasError: boolean
  isDone: boolean
}

/** A stream of chat completion chunks on its way through. */
export interface ChatStream {
  push(chunk: Buffer): ChatStreamStep
  /** The upstream has ended: gives what was held back, a last event without its blank line. */
  end(): ChatStreamStep
  /** The last usage reported; null for none, or for one that cannot be. */
  usage(): Usage | null
  readonly tally: Readonly<ChatStreamTally>
}

const event = wantMembers('model', 'usage', 'choices', 'error')
const choice = wantMembers('finish_reason')

/**
 * Relays the events of a chat completion stream as they come, changing only what `options` say, and notes
 * what the call's settlement needs. Events are never built anew: a stamp replaces the bytes of one value,
 * everything else goes out byte for byte. A chunk in which nothing changes goes out as it is; of one that
 * changes one copy is made.
 */
export function openChatStream({ stampModel, hideUsageEvent, maxEventBytes }: ChatStreamOptions): ChatStream {
  const events = openSseSplitter(maxEventBytes)
  const now = openPieces()
  const terminal = openPieces()
  const data: EventData = { bytes: Buffer.alloc(0), start: 0, end: 0, shift: 0 }
  let usage: Buffer | null = null
  let isLastHidden = false
  const tally: ChatStreamTally = {
    contentEvents: 0,
    unparsableEvents: 0,
    hasFinished: false,
    hasError: false,
    isDone: false,
  }

  function visit(bytes: Buffer, start: number, end: number, lines: number): void {
    if (events.isLateLineFeed()) {
      if (!isLastHidden) relay(bytes, start, end)
      return
    }
    const isJson = isJsonEvent(bytes, start, end, lines)
    if (isJson && !tally.isDone) note()
    isLastHidden = isJson && hideUsageEvent && isUsageEvent(data.bytes)
    if (isLastHidden) return
    const from = isJson && stampModel !== null ? relayStamped(bytes, start, stampModel) : start
    relay(bytes, from, end)
  }

  /** Whether `event` tells of this event's data; notes what else the data may be. */
  function isJsonEvent(bytes: Buffer, start: number, end: number, lines: number): boolean {
    if (!readData(bytes, start, end, lines, data)) return false
    const objectEnd = scanMembers(data.bytes, data.start, data.end, event)
    if (objectEnd >= 0 && afterSpace(data.bytes, objectEnd, data.end) === data.end) return true
    if (tally.isDone) return false
    tally.isDone = isDoneMarker(data)
    if (!tally.isDone) tally.unparsableEvents += 1
    return false
  }

  function note(): void {
    const { choices, error, usage: reported } = event.found
    const { bytes } = data
    if (choices.keyStart >= 0 && isArray(bytes, choices) && !isEmptyArray(bytes, choices)) {
      tally.contentEvents += 1
      tally.hasFinished ||= hasFinishReason(bytes, choices)
    }
    if (error.keyStart >= 0 && !isNull(bytes, error)) tally.hasError = true
    if (reported.keyStart >= 0 && isObject(bytes, reported)) usage = copyOfUsage(bytes, reported)
  }

  /** Relays the event up to the end of its last `model`, stamped. Returns where the rest begins. */
  function relayStamped(bytes: Buffer, start: number, stamp: Buffer): number {
    let from = start
    for (const slot of event.earlier) if (slot.name === 'model') from = relayStamp(bytes, from, slot, stamp)
    const { model } = event.found
    return model.keyStart >= 0 ? relayStamp(bytes, from, model, stamp) : from
  }

  function relayStamp(bytes: Buffer, from: number, { valueStart, valueEnd }: Member, stamp: Buffer): number {
    const start = valueStart + data.shift
    const end = valueEnd + data.shift
    if (end - start === stamp.length && stamp.compare(bytes, start, end) === 0) return from
    relay(bytes, from, start)
    relay(stamp, 0, stamp.length)
    return end
  }

  function relay(bytes: Buffer, start: number, end: number): void {
    if (tally.isDone) terminal.add(bytes, start, end)
    else now.add(bytes, start, end)
  }

  function step(failure: Failure | null): ChatStreamStep {
    return { now: now.take(), terminal: terminal.take(), failure }
  }

  return {
    tally,
    push: (chunk) => step(events.push(chunk, visit) ? null : tooLong(maxEventBytes)),
    end() {
      events.end(visit)
      return step(null)
    },
    usage: () => (usage === null ? null : readUsage(usage)),
  }
}

function tooLong(maxEventBytes: number): Failure {
  const message = `The provider sent an event of more than ${maxEventBytes} bytes.`
  return { failure: 'upstream', problem: 'garbage', message }
}

function isDoneMarker({ bytes, start, end }: EventData): boolean {
  const at = afterSpace(bytes, start, end)
  return end - at >= 6 && bytes.toString('latin1', at, at + 6) === '[DONE]'
}

function isUsageEvent(bytes: Buffer): boolean {
  const { choices, usage } = event.found
  if (choices.keyStart < 0 || usage.keyStart < 0) return false
  return isObject(bytes, usage) && isEmptyArray(bytes, choices)
}

function copyOfUsage(bytes: Buffer, { valueStart, valueEnd }: Slot): Buffer | null {
  if (valueEnd - valueStart > longestUsageBytes) return null
  return Buffer.from(bytes.subarray(valueStart, valueEnd))
}

function hasFinishReason(bytes: Buffer, choices: Member): boolean {
  let at = afterSpace(bytes, choices.valueStart + 1, choices.valueEnd)
  while (bytes[at] === openBrace) {
    at = scanMembers(bytes, at, choices.valueEnd, choice)
    if (at < 0) return false
    const reason = choice.found.finish_reason
    if (reason.keyStart >= 0 && !isNull(bytes, reason)) return true
    at = afterSpace(bytes, at, choices.valueEnd)
    if (bytes[at] !== comma) return false
    at = afterSpace(bytes, at + 1, choices.valueEnd)
  }
  return false
}
