import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteByByte, chunked, runs, spaces } from '../../json/texts.arbitrary.ts'
import { type ChatStreamOptions, openChatStream } from './stream.ts'

const stamp = Buffer.from('"slug"')
const plain: ChatStreamOptions = { stampModel: null, hideUsageEvent: false, maxEventBytes: 1 << 16 }
const frontier: ChatStreamOptions = { ...plain, stampModel: stamp, hideUsageEvent: true }

const content =
  '{"id":"1","model":"real","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null}'
const finish =
  '{"id":"1","model":"real","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}'
const usage = '{"id":"1","model":"real","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}'
const stream = `data: ${content}\n\ndata: ${finish}\n\ndata: ${usage}\n\ndata: [DONE]\n\n`

/** Relays with every chunk in the same memory, as a shared read buffer would. */
function relay(chunks: readonly Buffer[], options = frontier) {
  const relayed = openChatStream(options)
  const shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)))
  let now = ''
  let terminal = ''
  const take = (step: ReturnType<typeof relayed.push>) => {
    now += Buffer.concat(step.now).toString('latin1')
    terminal += Buffer.concat(step.terminal).toString('latin1')
    return step.failure
  }
  const failures = chunks.map((chunk) => {
    chunk.copy(shared)
    const failure = take(relayed.push(shared.subarray(0, chunk.length)))
    shared.fill('"')
    return failure
  })
  take(relayed.end())
  const utf8 = (text: string) => Buffer.from(text, 'latin1').toString()
  const { tally } = relayed
  return {
    now: utf8(now),
    terminal: utf8(terminal),
    tally: { ...tally },
    usage: relayed.usage(),
    failure: failures.at(-1) ?? null,
  }
}

function inEveryWay(text: string, options = frontier) {
  const bytes = Buffer.from(text)
  const whole = relay([bytes], options)
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(relay([bytes.subarray(0, cut), bytes.subarray(cut)], options)).toEqual(whole)
  }
  expect(relay(byteByByte(bytes), options)).toEqual(whole)
  return whole
}

describe('openChatStream', () => {
  it('stamps the model, hides the usage event and sets the end apart, however the stream is cut', () => {
    const relayed = inEveryWay(stream)
    expect(relayed.now).toBe(`data: ${content}\n\ndata: ${finish}\n\n`.replaceAll('"real"', '"slug"'))
    expect(relayed.terminal).toBe('data: [DONE]\n\n')
    expect(relayed.usage).toEqual({ input: 5, output: 2, cacheRead: 0, cacheWrite: 0, reasoning: 0 })
    expect(relayed.tally).toEqual({
      contentEvents: 2,
      unparsableEvents: 0,
      hasFinished: true,
      hasError: false,
      isDone: true,
    })
  })

  it.each(['\r\n', '\r'])('does the same where lines end in %j', (lineEnd) => {
    const other = inEveryWay(stream.replaceAll('\n', lineEnd))
    const same = inEveryWay(stream)
    expect(other).toEqual({
      ...same,
      now: same.now.replaceAll('\n', lineEnd),
      terminal: same.terminal.replaceAll('\n', lineEnd),
    })
  })

  it('leaves everything as it is where nothing is to be changed, and still takes notes', () => {
    const relayed = inEveryWay(stream, plain)
    expect(relayed.now + relayed.terminal).toBe(stream)
    expect(relayed).toMatchObject({
      usage: { input: 5, output: 2 },
      tally: { contentEvents: 2, hasFinished: true, isDone: true },
    })
  })

  it('hands a chunk on as it is where nothing in it changes', () => {
    const chunk = Buffer.from(`data: ${content}\n\n`.replace('real', 'slug'))
    expect(openChatStream(plain).push(chunk).now[0]).toBe(chunk)
    expect(openChatStream(frontier).push(chunk).now).toEqual([chunk])
    expect(openChatStream(frontier).push(chunk).now[0]).toBe(chunk)
    const [view] = openChatStream(plain).push(Buffer.concat([chunk, chunk.subarray(0, 9)])).now
    expect(view).toEqual(chunk)
  })

  it('keeps events apart from the end as they arrive', () => {
    const relayed = openChatStream(plain)
    expect(relayed.push(Buffer.from(`data: ${content}\n\ndata: [DO`))).toMatchObject({ terminal: [] })
    const step = relayed.push(Buffer.from('NE]\n\n: bye\n\n'))
    expect(step.now).toEqual([])
    expect(Buffer.concat([...step.terminal]).toString()).toBe('data: [DONE]\n\n: bye\n\n')
    expect(relayed.end()).toEqual({ now: [], terminal: [], failure: null })
  })

  it('reads comments, other fields, several data lines and a last event without its blank line', () => {
    const text = `\ufeff: hi\n\nevent: chunk\ndata: {"model":\ndata:"real","choices":\ndata: [{}]}\nid: 7\n\n: ping\n\ndata:[DONE]`
    const relayed = inEveryWay(text)
    expect(relayed.now + relayed.terminal).toBe(text.replace('"real"', '"slug"'))
    expect(relayed.terminal).toBe('data:[DONE]')
    expect(relayed.tally).toMatchObject({ contentEvents: 1, unparsableEvents: 0, isDone: true })
  })

  it.each([
    '{"model":1,"x":{"model":"x"}}',
    '{"mod\\u0065l" : {"a":["}"]} }',
    '{"model":"a","model":"b","mod\\u0065l":"c","usage":{},"usage":{}}',
  ])('stamps every top-level model of %s', (json) => {
    const expected = {
      '{"model":1': '{"model":"slug","x":{"model":"x"}}',
      '{"mod\\u00': '{"mod\\u0065l" : "slug" }',
    }
    const many = '{"model":"slug","model":"slug","mod\\u0065l":"slug","usage":{},"usage":{}}'
    expect(inEveryWay(`data: ${json}\n\n`).now).toBe(
      `data: ${Object.entries(expected).find(([start]) => json.startsWith(start))?.[1] ?? many}\n\n`,
    )
  })

  it.each([
    ['{"choices":[],"usage":{"prompt_tokens":1}}', true],
    ['{"usage":{"prompt_tokens":1},"x":"y","choices":[ ]}', true],
    ['{"choices":[],"usage":null}', false],
    ['{"choices":[{}],"usage":{"prompt_tokens":1}}', false],
    ['{"choices":[]}', false],
    ['{"usage":{"prompt_tokens":1}}', false],
    ['{"choices":null,"usage":{}}', false],
  ])('hides %s: %s', (json, isHidden) => {
    expect(inEveryWay(`data: ${json}\n\n`).now).toBe(isHidden ? '' : `data: ${json}\n\n`)
    expect(inEveryWay(`data: ${json}\r\n\r\n`).now).toBe(isHidden ? '' : `data: ${json}\r\n\r\n`)
  })

  it('keeps the last usage, whatever event it came in, and takes no null for one', () => {
    const reported = (tokens: string) => `data: {"choices":[{}],"usage":{"prompt_tokens":${tokens}}}\n\n`
    expect(inEveryWay(`${reported('1')}${reported('2')}data: ${content}\n\n`).usage?.input).toBe(2)
    expect(inEveryWay(`${reported('1')}${reported('-2')}`).usage).toBeNull()
    expect(inEveryWay(`data: [DONE]\n\n${reported('1')}`).usage).toBeNull()
    const huge = `data: {"usage":{"prompt_tokens":1,"x":"${'x'.repeat(1 << 20)}"}}\n\n`
    expect(relay([Buffer.from(reported('1') + huge)], { ...plain, maxEventBytes: 1 << 24 }).usage).toBeNull()
  })

  it.each([
    ['{"choices":[{"finish_reason":null},{"delta":{"finish_reason":"x"},"finish_reason":"length"}]}', true],
    ['{"choices":[{"finish_reason":"stop"},{"finish_reason":null}]}', true],
    ['{"choices":[{"delta":{"finish_reason":"x"}}]}', false],
    ['{"finish_reason":"stop","choices":[{}]}', false],
    ['{"choices":[1,{"finish_reason":"stop"}]}', false],
    ['{"choices":{"finish_reason":"stop"}}', false],
  ])('sees whether %s has finished: %s', (json, hasFinished) => {
    expect(inEveryWay(`data: ${json}\n\n`).tally.hasFinished).toBe(hasFinished)
  })

  it('notes errors, and lets what it cannot read pass', () => {
    expect(inEveryWay('data: {"error":{"message":"x"}}\n\n').tally.hasError).toBe(true)
    expect(inEveryWay('data: {"error":null}\n\n').tally.hasError).toBe(false)
    const odd = 'data: {"model":"x"\n\ndata: 12\n\ndata: {"model":"x"}}\n\ndata: ping\n\n'
    const relayed = inEveryWay(`${odd}data: ${content}\n\n`, frontier)
    expect(relayed.now).toBe(`${odd}data: ${content}\n\n`.replace('"real"', '"slug"'))
    expect(relayed.tally).toMatchObject({ unparsableEvents: 4, contentEvents: 1 })
  })

  it('ends in a failure at an event that is too long, after what came before it', () => {
    const text = `data: ${content}\n\ndata: ${'x'.repeat(300)}\n\ndata: [DONE]\n\n`
    const relayed = inEveryWay(text, { ...plain, maxEventBytes: 200 })
    expect(relayed).toMatchObject({
      now: `data: ${content}\n\n`,
      terminal: '',
      failure: { failure: 'upstream' },
    })
  })

  it('passes an event of ten mebibytes', () => {
    const text = Buffer.from(`data: {"model":"real","x":"${'x'.repeat(10 << 20)}"}\n\n`)
    const chunks = Array.from({ length: Math.ceil(text.length / 65_536) }, (_, i) =>
      text.subarray(i << 16, (i + 1) << 16),
    )
    const relayed = relay(chunks, { ...frontier, maxEventBytes: 1 << 24 })
    expect(relayed.now === text.toString().replace('"real"', '"slug"')).toBe(true)
  })

  it('gives the same bytes and notes for any stream in any chunks', () => {
    const data = fc.constantFrom(
      content,
      finish,
      usage,
      '{"a":1}',
      '[DONE]',
      'x',
      '{"error":1}',
      content.replace(':"a"', ':"é\\n"'),
    )
    const event = fc
      .tuple(
        fc.constantFrom('', ': c', 'event: x'),
        fc.constantFrom('data:', 'data: '),
        data,
        spaces,
        fc.constantFrom('\n', '\r\n', '\r'),
      )
      .map(
        ([before, prefix, text, space, end]) =>
          `${before && before + end}${prefix}${text}${space.replace(/[\r\n]/g, '')}${end}${end}`,
      )
    const events = fc.array(event, { maxLength: 5 }).map((parts) => Buffer.from(parts.join('')))
    fc.assert(
      fc.property(
        events.chain((bytes) => fc.tuple(fc.constant(bytes), chunked(bytes))),
        ([bytes, chunks]) => {
          const whole = relay([bytes])
          expect(relay(chunks)).toEqual(whole)
          const untouched = relay(chunks, plain)
          expect(untouched.now + untouched.terminal).toBe(bytes.toString())
          expect({ ...untouched, now: '', terminal: '' }).toEqual({ ...whole, now: '', terminal: '' })
          const kept = bytes
            .toString()
            .replace(
              /(?:(?:: c|event: x)(?:\n|\r\n?))?data: ?\{[^\n\r]*"choices":\[\][^\n\r]*(?:\n\n|\r\n\r\n|\r\r)/g,
              '',
            )
          expect(whole.now + whole.terminal).toBe(kept.replaceAll('"real"', '"slug"'))
        },
      ),
      { numRuns: runs },
    )
  })
})
