import type { PricedUsage } from '../../domain/usage.ts'
import { isNull, isObject, readCount, readString } from '../../json/read.ts'
import { afterSpace, type Member, scanMembers, wantMembers } from '../../json/scan.ts'
import { textIn } from '../openai-native/answer.ts'
import { type ExtraFields, type MakeExtra, relayEvent, valueOnOneLine } from '../openai-native/event-edit.ts'
import { readStreamError } from '../openai-native/upstream-error.ts'
import { readPricedUsage } from '../openai-native/usage.ts'
import { type EventData, readData } from '../sse.ts'
import { openStreamFrame } from '../stream-frame.ts'
import { type NativeStep, openOutlet } from '../stream-outlet.ts'

const longestUsageBytes = 1 << 20
const blankLine = Buffer.from('\n\n')

/** What a relay of a stream of the Responses API changes, and how long an event may be. */
export interface ResponsesStreamOptions {
  readonly extraFields: ExtraFields
  readonly makeExtra: MakeExtra
  readonly maxEventBytes: number
  /** What must not be seen in an error of the provider. */
  readonly secrets: readonly string[]
}

/** What a stream has told so far. */
export interface ResponsesStreamTally {
  /** Events that bring a piece of output. */
  contentEvents: number
  /** Events whose data is no JSON object. They are left out. */
  parseErrors: number
  /** The terminal event has come, and said that the response has failed. */
  hasFailed: boolean
  /** The stream is over, or has failed. */
  isDone: boolean
}

/** A stream of the Responses API on its way through. */
export interface ResponsesStream {
  push(chunk: Buffer): NativeStep
  /** The upstream has ended. */
  end(): NativeStep
  /** The usage reported; null for none, or for one that cannot be. */
  usage(): PricedUsage | null
  /** Output has begun, so that the call cannot move on to a fallback. Until then nothing goes out. */
  hasBegun(): boolean
  /** The number that an event of ours would have. */
  nextSequenceNumber(): number
  readonly tally: Readonly<ResponsesStreamTally>
}

/** What an error within a stream says to the caller. */
export interface ResponsesStreamError {
  readonly code: string | null
  readonly message: string
  readonly sequenceNumber: number
}

const event = wantMembers('type', 'response', 'error', 'sequence_number', 'usage', 'extra_fields')
const response = wantMembers('usage', 'service_tier')

/** Events that come before any output. */
const metadata: ReadonlySet<string> = new Set([
  'response.created',
  'response.queued',
  'response.in_progress',
  'keepalive',
])
const terminals: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
  'response.cancelled',
])

/**
 * Relays the typed events of a stream as they come, whole and byte for byte but for `extra_fields`.
 *
 * Nothing goes out before the first output, so that a call whose stream fails until then can still move on: as an
 * `error`, or as a response that has failed. Afterwards only the former is a failure, for the latter is a terminal event
 * that callers know. The last event is the end: a marker that some servers send after it is left out. An upstream that
 * ends without one is a failure.
 */
export function openResponsesStream(options: ResponsesStreamOptions): ResponsesStream {
  const { extraFields, makeExtra, maxEventBytes, secrets } = options
  const out = openOutlet()
  const data: EventData = { bytes: blankLine, start: 0, end: 0, shift: 0 }
  const tally: ResponsesStreamTally = { contentEvents: 0, parseErrors: 0, hasFailed: false, isDone: false }
  let usage: Buffer | null = null
  let serviceTier: string | null = null
  let sequenceNumber = -1
  let chunkIndex = 0
  let isLastOut = false
  const frame = openStreamFrame(out, tally, maxEventBytes, {
    take,
    takeLineFeed(bytes, start, end) {
      if (isLastOut) out.now.add(bytes, start, end)
    },
    close: () => ({ cause: 'truncated' }),
    release() {},
  })

  function take(bytes: Buffer, start: number, end: number, lines: number): void {
    isLastOut = false
    if (!readData(bytes, start, end, lines, data)) {
      out.now.add(bytes, start, end)
      isLastOut = true
      return
    }
    const objectEnd = scanMembers(data.bytes, data.start, data.end, event)
    if (objectEnd < 0 || afterSpace(data.bytes, objectEnd, data.end) < data.end) {
      if (!isMarker(data)) tally.parseErrors += 1
      return
    }
    takeEvent(bytes, start, end, objectEnd)
  }

  function takeEvent(bytes: Buffer, start: number, end: number, objectEnd: number): void {
    const { type: member, error, response: holder, sequence_number: number } = event.found
    const type = (member.keyStart >= 0 ? readString(data.bytes, member) : null) ?? ''
    const isTerminal = terminals.has(type)
    if (number.keyStart >= 0) sequenceNumber = readCount(data.bytes, number) ?? sequenceNumber
    if (isTerminal && holder.keyStart >= 0) noteResponse(holder)
    const isUntyped = type === '' && error.keyStart >= 0 && !isNull(data.bytes, error)
    tally.hasFailed = type === 'response.failed'
    if (type === 'error' || isUntyped || (tally.hasFailed && !out.hasBegun())) {
      fail()
      return
    }
    if (type.endsWith('.delta')) tally.contentEvents += 1
    if (metadata.has(type)) out.wait()
    else out.begin()

    const scanned = { bytes, start, end, data, found: event, objectEnd }
    const isWanted = extraFields === 'all' || (extraFields === 'edges' && (isTerminal || chunkIndex === 0))
    const extra = isWanted ? makeExtra(chunkIndex, isTerminal) : null
    relayEvent(isTerminal ? out.terminal : out.now, scanned, { usage: null, extra })
    isLastOut = true
    chunkIndex += 1
    if (!isTerminal) return
    tally.isDone = true
    // The LF of the last CR LF may still be on its way, and nobody waits for it.
    if (bytes.toString('latin1', end - 3, end) === '\r\n\r') out.terminal.add(blankLine, 0, 1)
  }

  function noteResponse(holder: Member): void {
    const { bytes } = data
    if (scanMembers(bytes, holder.valueStart, holder.valueEnd, response) < 0) return
    const { usage: reported, service_tier: tier } = response.found
    if (tier.keyStart >= 0) serviceTier = textIn(bytes.subarray(tier.valueStart, tier.valueEnd))
    const isShort = reported.valueEnd - reported.valueStart <= longestUsageBytes
    if (reported.keyStart >= 0 && isShort && isObject(bytes, reported))
      usage = valueOnOneLine(bytes, reported)
  }

  function fail(): void {
    const { bytes, start, end } = data
    frame.fail({ cause: 'reported', error: readStreamError(bytes.subarray(start, end), secrets) })
  }

  return {
    tally,
    push: frame.push,
    end: frame.end,
    usage: () => (usage === null ? null : readPricedUsage(usage, serviceTier)),
    hasBegun: out.hasBegun,
    nextSequenceNumber: () => sequenceNumber + 1,
  }
}

/** The error event that ends a stream which has begun. */
export function responsesErrorFrame({ code, message, sequenceNumber }: ResponsesStreamError): Buffer {
  const body = { type: 'error', code, message, param: null, sequence_number: sequenceNumber }
  return Buffer.from(`event: error\ndata: ${JSON.stringify(body)}\n\n`)
}

/** `[DONE]`, or nothing at all. */
function isMarker({ bytes, start, end }: EventData): boolean {
  const at = afterSpace(bytes, start, end)
  return at === end || bytes.toString('latin1', at, Math.min(at + 6, end)) === '[DONE]'
}
