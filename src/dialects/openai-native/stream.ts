import type { PricedUsage } from '../../domain/usage.ts'
import { isArray, isEmptyArray, isObject } from '../../json/read.ts'
import { afterSpace, type Member, scanMembers, wantMembers } from '../../json/scan.ts'
import { type EventData, readData } from '../sse.ts'
import { openStreamFrame } from '../stream-frame.ts'
import { type NativeStep, openOutlet, type StreamFailure } from '../stream-outlet.ts'
import { textIn } from './answer.ts'
import { openChoices } from './choices.ts'
import {
  type ExtraFields,
  type MakeExtra,
  relayEvent,
  type ScannedEvent,
  valueOnOneLine,
} from './event-edit.ts'
import { readStreamError } from './upstream-error.ts'
import { readPricedUsage } from './usage.ts'

const quote = 0x22
const openBrace = 0x7b
const longestUsageBytes = 1 << 20
const heartbeatsToEnd = 2
const done = Buffer.from('data: [DONE]\n\n')
const blankLine = Buffer.from('\n\n')
const lineFeed = Buffer.from('\n')

/** What a relay of a stream of chunks changes, and how long an event may be. */
export interface NativeStreamOptions {
  /** The caller did not ask for the event that carries usage alone: its usage goes into the chunk that finishes. */
  readonly hideUsage: boolean
  readonly extraFields: ExtraFields
  readonly makeExtra: MakeExtra
  readonly maxEventBytes: number
  /** What must not be seen in an error of the provider. */
  readonly secrets: readonly string[]
}

/** What a stream has told so far. */
export interface NativeStreamTally {
  /** Events with at least one choice. */
  contentEvents: number
  /** Events whose data is no JSON object. They are left out. */
  parseErrors: number
  /** Each choice that has begun has a `finish_reason`. */
  hasFinished: boolean
  /** The stream is over, or has failed. */
  isDone: boolean
}

/** A stream of chunks of a chat or a text completion on its way through. */
export interface NativeStream {
  push(chunk: Buffer): NativeStep
  /** The upstream has ended, or has been silent too long after everything had finished. */
  end(): NativeStep
  /** The last usage reported; null for none, or for one that cannot be. */
  usage(): PricedUsage | null
  /** Content has come by, so that the call cannot move on to a fallback. Until then nothing goes out. */
  hasBegun(): boolean
  readonly tally: Readonly<NativeStreamTally>
}

const names = ['choices', 'usage', 'error', 'extra_fields', 'service_tier'] as const
const event = wantMembers(...names)
const heldEvent = wantMembers(...names)

/**
 * Relays the events of a stream as they come, whole and byte for byte but for what `options` say.
 *
 * Nothing goes out before the first content, so that a call whose stream fails until then can still move on. A chunk
 * that finishes a choice waits for what comes next, which may be the usage that it is to carry, or the end. The end is one
 * `data: [DONE]` of ours, whether the upstream sent it, ended without it, or sends nothing but signs of life after
 * everything has finished. An upstream that ends before is a failure.
 */
export function openNativeStream(options: NativeStreamOptions): NativeStream {
  const { hideUsage, extraFields, makeExtra, maxEventBytes, secrets } = options
  const out = openOutlet()
  const choices = openChoices(out.hasBegun)
  const data: EventData = { bytes: blankLine, start: 0, end: 0, shift: 0 }
  const heldData: EventData = { bytes: blankLine, start: 0, end: 0, shift: 0 }
  const tally: NativeStreamTally = { contentEvents: 0, parseErrors: 0, hasFinished: false, isDone: false }
  let usage: Buffer | null = null
  let serviceTier: string | null = null
  let hiddenUsage: Buffer | null = null
  let held: { bytes: Buffer; readonly lines: number; readonly index: number } | null = null
  let chunkIndex = 0
  let heartbeats = 0
  /** Where the last event went, should its LF come late. */
  let isLastOut = false
  let isLastHeld = false
  const frame = openStreamFrame(out, tally, maxEventBytes, {
    take,
    takeLineFeed,
    close,
    release: () => releaseHeld(false),
  })

  function takeLineFeed(bytes: Buffer, start: number, end: number): void {
    if (isLastHeld && held !== null) held.bytes = Buffer.concat([held.bytes, lineFeed])
    else if (isLastOut) out.now.add(bytes, start, end)
  }

  function take(bytes: Buffer, start: number, end: number, lines: number): void {
    isLastOut = false
    isLastHeld = false
    if (!readData(bytes, start, end, lines, data)) {
      takeSignOfLife(bytes, start, end, lines)
      return
    }
    const objectEnd = scanMembers(data.bytes, data.start, data.end, event)
    const isObjectAlone = objectEnd >= 0 && afterSpace(data.bytes, objectEnd, data.end) === data.end
    if (!isObjectAlone) takeOther()
    else if (isError(data.bytes, event.found.error) || (lines > 1 && isNamedError(bytes, start, end))) fail()
    else takeChunk({ bytes, start, end, data, found: event, objectEnd }, lines)
  }

  /** A comment, a blank line, or fields without data. */
  function takeSignOfLife(bytes: Buffer, start: number, end: number, lines: number): void {
    if (tally.hasFinished) {
      if (lines > 0) beat()
      return
    }
    out.now.add(bytes, start, end)
    isLastOut = true
  }

  /** Data that is no object: the end, nothing at all, or what cannot be read. */
  function takeOther(): void {
    const at = afterSpace(data.bytes, data.start, data.end)
    if (data.bytes.toString('latin1', at, Math.min(at + 6, data.end)) === '[DONE]') finish()
    else if (at < data.end) tally.parseErrors += 1
    else beat()
  }

  function beat(): void {
    heartbeats += 1
    if (tally.hasFinished && heartbeats >= heartbeatsToEnd) finish()
  }

  function takeChunk(chunk: ScannedEvent, lines: number): void {
    heartbeats = 0
    const { choices: member, usage: reported, service_tier: tier } = event.found
    const { bytes } = data
    const hasChoices = member.keyStart >= 0 && isArray(bytes, member) && !isEmptyArray(bytes, member)
    const hasUsage = reported.keyStart >= 0 && isObject(bytes, reported)
    const isUsageAlone = hasUsage && member.keyStart >= 0 && isEmptyArray(bytes, member)
    if (tier.keyStart >= 0)
      serviceTier = textIn(bytes.subarray(tier.valueStart, tier.valueEnd)) ?? serviceTier
    if (hasUsage) usage = copyOfUsage(bytes, reported)
    if (isUsageAlone && hideUsage) {
      hiddenUsage = usage
      return
    }
    if (hasChoices) choices.note(bytes, member)
    const hasFinish = hasChoices && choices.last.hasFinish
    if (hasChoices) tally.contentEvents += 1
    tally.hasFinished = choices.haveFinished()
    if (hasFinish || (hasChoices && choices.last.hasContent)) out.begin()
    else out.wait()

    releaseHeld(false)
    if (hasFinish || isUsageAlone) hold(chunk, lines)
    else {
      relayEvent(out.now, chunk, { usage: null, extra: extraOf(chunkIndex, false) })
      isLastOut = true
    }
    chunkIndex += 1
  }

  function hold({ bytes, start, end }: ScannedEvent, lines: number): void {
    held = { bytes: Buffer.from(bytes.subarray(start, end)), lines, index: chunkIndex }
    isLastHeld = true
  }

  function releaseHeld(isLast: boolean): void {
    if (held === null) return
    const { bytes, lines, index } = held
    held = null
    readData(bytes, 0, bytes.length, lines, heldData)
    const objectEnd = scanMembers(heldData.bytes, heldData.start, heldData.end, heldEvent)
    const chunk = { bytes, start: 0, end: bytes.length, data: heldData, found: heldEvent, objectEnd }
    const changes = { usage: hiddenUsage, extra: extraOf(index, isLast) }
    hiddenUsage = null
    relayEvent(isLast ? out.terminal : out.now, chunk, changes)
  }

  function extraOf(index: number, isLast: boolean): Buffer | null {
    const isWanted = extraFields === 'all' || (extraFields === 'edges' && (isLast || index === 0))
    return isWanted ? makeExtra(index, isLast) : null
  }

  function finish(): void {
    out.begin()
    releaseHeld(true)
    out.terminal.add(done, 0, done.length)
    tally.isDone = true
  }

  function fail(): void {
    const { bytes, start, end } = data
    frame.fail({ cause: 'reported', error: readStreamError(bytes.subarray(start, end), secrets) })
  }

  function close(): StreamFailure | null {
    if (!tally.hasFinished) return { cause: 'truncated' }
    finish()
    return null
  }

  return {
    tally,
    push: frame.push,
    end: frame.end,
    usage: () => (usage === null ? null : readPricedUsage(usage, serviceTier)),
    hasBegun: out.hasBegun,
  }
}

function isError(bytes: Buffer, error: Member): boolean {
  const first = bytes[error.valueStart]
  return error.keyStart >= 0 && (first === openBrace || first === quote)
}

function isNamedError(bytes: Buffer, start: number, end: number): boolean {
  return /^event: ?error[\r\n]/m.test(bytes.toString('latin1', start, Math.min(end, start + 256)))
}

function copyOfUsage(bytes: Buffer, usage: Member): Buffer | null {
  return usage.valueEnd - usage.valueStart > longestUsageBytes ? null : valueOnOneLine(bytes, usage)
}
