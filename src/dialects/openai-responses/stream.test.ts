import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunked, runs } from '../../json/texts.arbitrary.ts'
import { relayInEveryWay, relayInSharedMemory } from '../stream.fixture.ts'
import { openResponsesStream, type ResponsesStreamOptions, responsesErrorFrame } from './stream.ts'

const plain: ResponsesStreamOptions = {
  extraFields: 'none',
  makeExtra: (chunkIndex, isLast) => Buffer.from(`{"chunk_index":${chunkIndex},"last":${isLast}}`),
  maxEventBytes: 1 << 16,
  secrets: ['hunter2'],
}
const edges: ResponsesStreamOptions = { ...plain, extraFields: 'edges' }

function typed(type: string, sequence: number, members = ''): string {
  return `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence}${members && ','}${members}}\n\n`
}

const created = typed('response.created', 0, '"response":{"usage":null}')
const delta = typed('response.output_text.delta', 1, '"delta":"é"')
const completed = typed(
  'response.completed',
  2,
  '"response":{"service_tier":"flex","usage":{"input_tokens":5,"output_tokens":2}}',
)

function relay(chunks: readonly Buffer[], options = plain) {
  const stream = openResponsesStream(options)
  return {
    ...relayInSharedMemory(stream, chunks),
    tally: { ...stream.tally },
    usage: stream.usage(),
    hasBegun: stream.hasBegun(),
    next: stream.nextSequenceNumber(),
  }
}

function inEveryWay(text: string, options = plain) {
  return relayInEveryWay(text, (chunks) => relay(chunks, options))
}

describe('openResponsesStream', () => {
  it('relays the events as they are and sets the last one apart, however the stream is cut', () => {
    const relayed = inEveryWay(created + delta + completed)
    expect(relayed).toMatchObject({
      now: created + delta,
      terminal: completed,
      usage: { input: 5, output: 2, serviceTier: 'flex' },
      failure: null,
      next: 3,
      tally: { contentEvents: 1, parseErrors: 0, hasFailed: false, isDone: true },
    })
  })

  it.each(['\r\n', '\r'])('does the same where lines end in %j', (lineEnd) => {
    const text = (created + delta + completed).replaceAll('\n', lineEnd)
    expect(inEveryWay(text).text).toBe(text)
  })

  it('sends no marker, and nothing after the last event', () => {
    const text = created + delta + completed
    expect(inEveryWay(`${text}data: [DONE]\n\n`).text).toBe(text)
    expect(inEveryWay(`${created}data: [DONE]\n\n${delta}${completed}${delta}`)).toMatchObject({
      text,
      tally: { parseErrors: 0 },
    })
    expect(inEveryWay(text.trimEnd()).text).toBe(text)
  })

  it('holds everything back until there is output', () => {
    const stream = openResponsesStream(plain)
    const progress = typed('response.in_progress', 1)
    expect(stream.push(Buffer.from(`${created}: hi\n\n${progress}`)).now).toEqual([])
    expect(stream.hasBegun()).toBe(false)
    expect(Buffer.concat([...stream.push(Buffer.from(delta)).now]).toString()).toBe(
      `${created}: hi\n\n${progress}${delta}`,
    )
    expect(stream.hasBegun()).toBe(true)
    const other = openResponsesStream(plain)
    other.push(Buffer.from(typed('response.output_item.added', 1)))
    expect(other.hasBegun()).toBe(true)
  })

  it('tells of a failure before any output, by event or by response', () => {
    const failed = typed(
      'response.failed',
      1,
      '"response":{"error":{"code":"rate_limit_exceeded","message":"hunter2"}}',
    )
    const error = typed('error', 1, '"code":"server_error","message":"hunter2","param":null')
    expect(inEveryWay(created + failed)).toMatchObject({
      text: '',
      hasBegun: false,
      failure: {
        cause: 'reported',
        error: { status: 429, code: 'rate_limit_exceeded', message: '[secret]' },
      },
    })
    expect(inEveryWay(created + error)).toMatchObject({
      text: '',
      hasBegun: false,
      failure: { cause: 'reported', error: { status: 500, code: 'server_error', message: '[secret]' } },
    })
    expect(inEveryWay('data: {"error":{"message":"m","code":503}}\n\n')).toMatchObject({
      failure: { error: { status: 503, message: 'm' } },
    })
    expect(inEveryWay(created + delta + error + completed)).toMatchObject({
      text: created + delta,
      failure: { error: { code: 'server_error' } },
      next: 2,
    })
    expect(inEveryWay(created + delta + failed)).toMatchObject({
      now: created + delta,
      terminal: failed,
      failure: null,
      tally: { hasFailed: true },
    })
  })

  it('does not take a stream for complete that was cut', () => {
    expect(inEveryWay(created + delta)).toMatchObject({
      text: created + delta,
      failure: { cause: 'truncated' },
    })
    expect(inEveryWay(created)).toMatchObject({ text: '', failure: { cause: 'truncated' }, hasBegun: false })
  })

  it('takes an incomplete response for complete', () => {
    const incomplete = completed.replaceAll('response.completed', 'response.incomplete')
    expect(inEveryWay(delta + incomplete)).toMatchObject({ terminal: incomplete, usage: { input: 5 } })
  })

  it('leaves out what cannot be read, and counts it', () => {
    expect(inEveryWay(`${created}event: x\ndata: {"a":\n\n${delta}data:\n\n${completed}`)).toMatchObject({
      text: created + delta + completed,
      tally: { parseErrors: 1 },
    })
  })

  it('puts extra fields at both ends', () => {
    const at = (text: string, index: number, isLast: boolean) =>
      text.replace(/\}\n\n$/, `,"extra_fields":{"chunk_index":${index},"last":${isLast}}}\n\n`)
    expect(inEveryWay(created + delta + completed, edges).text).toBe(
      at(created, 0, false) + delta + at(completed, 2, true),
    )
    expect(inEveryWay(created + delta + completed, { ...plain, extraFields: 'all' }).text).toBe(
      at(created, 0, false) + at(delta, 1, false) + at(completed, 2, true),
    )
    expect(inEveryWay(completed, edges).text).toBe(at(completed, 0, true))
  })

  it('ends in a failure at an event that is too long', () => {
    const text = delta + typed('response.output_text.delta', 2, `"delta":"${'x'.repeat(300)}"`)
    expect(inEveryWay(text, { ...plain, maxEventBytes: 200 })).toMatchObject({
      text: delta,
      failure: { cause: 'too_long', limitBytes: 200 },
    })
  })

  it('gives the same bytes and notes for any stream in any chunks', () => {
    const error = typed('error', 3, '"message":"m"')
    const event = fc
      .tuple(
        fc.constantFrom(created, delta, completed, error, ': c\n\n', 'data: [DONE]\n\n', 'data: x\n\n'),
        fc.constantFrom('\n', '\r\n', '\r'),
      )
      .map(([text, lineEnd]) => text.replaceAll('\n', lineEnd))
    const stream = fc.array(event, { maxLength: 6 }).map((parts) => Buffer.from(parts.join('')))
    fc.assert(
      fc.property(
        stream.chain((bytes) => fc.tuple(fc.constant(bytes), chunked(bytes))),
        fc.constantFrom(plain, edges),
        ([bytes, chunks], options) => {
          const whole = relay([bytes], options)
          expect(relay(chunks, options)).toEqual(whole)
          expect(whole.now + whole.terminal).not.toContain('DONE')
          expect(whole.terminal === '').toBe(whole.failure !== null)
        },
      ),
      { numRuns: runs },
    )
  })
})

describe('responsesErrorFrame', () => {
  it('is a typed event', () => {
    expect(
      responsesErrorFrame({ code: 'stream_truncated', message: 'm', sequenceNumber: 7 }).toString(),
    ).toBe(
      'event: error\ndata: {"type":"error","code":"stream_truncated","message":"m","param":null,"sequence_number":7}\n\n',
    )
  })
})
