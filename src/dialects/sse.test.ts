import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteByByte, chunked, runs } from '../json/texts.arbitrary.ts'
import { openSseSplitter, readData } from './sse.ts'

const room = 1 << 16

/** Splits a stream with all chunks in the same memory. The late LF of a CR LF is put back to its event. */
function split(chunks: readonly Buffer[], maxEventBytes = room) {
  const events: string[] = []
  const data: (string | null)[] = []
  const splitter = openSseSplitter(maxEventBytes)
  const shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)))
  const visit = (bytes: Buffer, start: number, end: number, lines: number) => {
    const text = bytes.toString('utf8', start, end)
    if (splitter.isLateLineFeed()) events.push(`${events.pop()}${text}`)
    else {
      events.push(text)
      data.push(dataOf(bytes, start, end, lines))
    }
  }
  const isWhole = chunks.every((chunk) => {
    chunk.copy(shared)
    const goesOn = splitter.push(shared.subarray(0, chunk.length), visit)
    shared.fill(0x0a)
    return goesOn
  })
  splitter.end(visit)
  return { events, data, isWhole }
}

function dataOf(bytes: Buffer, start: number, end: number, lines: number): string | null {
  const data = { bytes, start: 0, end: 0, shift: 0 }
  if (!readData(bytes, start, end, lines, data)) return null
  for (let at = data.start; at < data.end; at += 1) {
    if (data.bytes[at] !== 0x20) expect(data.bytes[at]).toBe(bytes[at + data.shift])
  }
  const text = data.bytes.toString('utf8', data.start, data.end)
  return text.split(/\s+/).filter(Boolean).join(' ')
}

function inEveryWay(text: string) {
  const bytes = Buffer.from(text)
  const whole = split([bytes])
  expect(whole.events.join('')).toBe(text)
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(split([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
  }
  expect(split(byteByByte(bytes))).toEqual(whole)
  return whole
}

describe('openSseSplitter', () => {
  it.each([
    ['data: 1\n\ndata: 2\n\n', ['data: 1\n\n', 'data: 2\n\n']],
    ['data: 1\r\n\r\ndata: 2\r\n\r\n', ['data: 1\r\n\r\n', 'data: 2\r\n\r\n']],
    ['data: 1\r\rdata: 2\r\r', ['data: 1\r\r', 'data: 2\r\r']],
    [
      'data: 1\n\r\ndata: 2\r\n\ndata: 3\r\n\rdata: 4\n\r',
      ['data: 1\n\r\n', 'data: 2\r\n\n', 'data: 3\r\n\r', 'data: 4\n\r'],
    ],
    ['\n\ndata: 1\n\n\n', ['\n', '\n', 'data: 1\n\n', '\n']],
    ['data: 1\r\n', ['data: 1\r\n']],
    ['data: 1\n\ndata: 2', ['data: 1\n\n', 'data: 2']],
    [': hi\r\ndata: 1\r\rid: 7\n\n', [': hi\r\ndata: 1\r\r', 'id: 7\n\n']],
    ['', []],
  ])('cuts %j after its blank lines', (text, events) => {
    expect(inEveryWay(text).events).toEqual(events)
  })

  it('shows an event as soon as its blank line has begun', () => {
    for (const end of ['\n\n', '\r\r', '\r\n\r'])
      expect(shownBeforeEnd(`data: 1${end}`)).toEqual([`data: 1${end}`])
  })

  it('cuts any mixture of lines in the same places, however it comes', () => {
    const line = fc.constantFrom('', '', 'data: x', 'data', ':', 'event: é', 'é')
    const stream = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 12 })
      .map((lines) => Buffer.from(lines.flat().join('')))
      .chain((bytes) => fc.tuple(fc.constant(bytes), chunked(bytes)))
    fc.assert(
      fc.property(stream, ([bytes, chunks]) => {
        const { events, data } = split([bytes])
        expect(split(chunks)).toEqual({ events, data, isWhole: true })
        expect(events.join('')).toBe(bytes.toString())
        for (const event of events)
          expect(event).toMatch(/^(?:[^\r\n]+(?:\r\n|\r|\n))*(?:(?:\r\n|\r|\n)|[^\r\n]*)$/)
      }),
      { numRuns: runs },
    )
  })

  it('gives up on an event above the limit, alike in one chunk and in many', () => {
    const fits = `data: ${'x'.repeat(92)}\n\n`
    const tooLong = `data: ${'x'.repeat(93)}\n\n`
    for (const chunks of [[fits, fits], [fits + fits], [...fits, ...fits]]) {
      expect(
        split(
          chunks.map((chunk) => Buffer.from(chunk)),
          100,
        ),
      ).toMatchObject({ events: [fits, fits], isWhole: true })
    }
    for (const chunks of [[fits, tooLong, fits], [fits + tooLong + fits], [...fits, ...tooLong, ...fits]]) {
      expect(
        split(
          chunks.map((chunk) => Buffer.from(chunk)),
          100,
        ),
      ).toMatchObject({ events: [fits], isWhole: false })
    }
  })
})

describe('readData', () => {
  it.each([
    ['data: {"a":1}\n\n', '{"a":1}'],
    ['data:{"a":1}\r\n\r\n', '{"a":1}'],
    ['event: x\r\ndata: {"a":\rdata:1}\nid: {\n: }\r\n\n', '{"a": 1}'],
    ['\ufeffdata: 1\n\n', '1'],
    ['data\n\n', ''],
    ['data\ndata: 2\n\n', '2'],
    ['data:', ''],
    [': data: 1\n\n', null],
    [' data: 1\n\n', null],
    ['datax: 1\n\n', null],
    ['dat\n\n', null],
    ['\n', null],
  ])('of %j is %j', (text, data) => {
    expect(inEveryWay(text).data).toEqual([data])
  })
})

function shownBeforeEnd(text: string): string[] {
  const events: string[] = []
  openSseSplitter(room).push(Buffer.from(text), (bytes, start, end) =>
    events.push(bytes.toString('utf8', start, end)),
  )
  return events
}
