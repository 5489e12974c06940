import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteByByte, chunked, runs } from '../../json/texts.arbitrary.ts'
import { relayInEveryWay, relayInSharedMemory } from '../stream.fixture.ts'
import { type NativeStreamOptions, openNativeStream } from './stream.ts'

const folded: NativeStreamOptions = {
  hideUsage: true,
  extraFields: 'none',
  makeExtra: (chunkIndex, isLast) => Buffer.from(`{"chunk_index":${chunkIndex},"last":${isLast}}`),
  maxEventBytes: 1 << 16,
  secrets: ['hunter2'],
}
const asked: NativeStreamOptions = { ...folded, hideUsage: false }

const role = '{"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null}}],"usage":null}'
const content = '{"choices":[{"index":0,"delta":{"content":"é"},"finish_reason":null}],"usage":null}'
const finish = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}'
const counts = '{"prompt_tokens":5,"completion_tokens":2}'
const usage = `{"choices":[],"usage":${counts}}`
const done = 'data: [DONE]\n\n'

function sse(...data: string[]): string {
  return data.map((each) => `data: ${each}\n\n`).join('')
}

function relay(chunks: readonly Buffer[], options = folded) {
  const stream = openNativeStream(options)
  return {
    ...relayInSharedMemory(stream, chunks),
    tally: { ...stream.tally },
    usage: stream.usage(),
    hasBegun: stream.hasBegun(),
  }
}

function inEveryWay(text: string, options = folded) {
  return relayInEveryWay(text, (chunks) => relay(chunks, options))
}

describe('openNativeStream', () => {
  it('gives the finishing chunk the usage that the caller did not ask for, however the stream is cut', () => {
    const relayed = inEveryWay(sse(role, content, finish, usage) + done)
    expect(relayed.now).toBe(sse(role, content))
    expect(relayed.terminal).toBe(sse(finish.replace('"usage":null', `"usage":${counts}`)) + done)
    expect(relayed.usage).toMatchObject({ input: 5, output: 2 })
    expect(relayed.tally).toEqual({ contentEvents: 3, parseErrors: 0, hasFinished: true, isDone: true })
    expect(inEveryWay(sse(content, finish.replace(',"usage":null', ''), usage) + done).terminal).toBe(
      sse(finish.replace('"usage":null', `"usage":${counts}`)) + done,
    )
  })

  it('leaves everything as it is for a caller who asked for usage', () => {
    const text = sse(role, content, finish, usage) + done
    const relayed = inEveryWay(text, asked)
    expect(relayed.text).toBe(text)
    expect(relayed.now).toBe(sse(role, content, finish))
    expect(relayed.usage).toMatchObject({ input: 5, output: 2 })
  })

  it.each(['\r\n', '\r'])('does the same where lines end in %j', (lineEnd) => {
    const text = sse(role, content, finish, usage).replaceAll('\n', lineEnd) + done
    expect(inEveryWay(text, asked).text).toBe(text)
    expect(inEveryWay(text).text).toBe(
      sse(role, content, finish.replace('"usage":null', `"usage":${counts}`)).replaceAll('\n', lineEnd) +
        done,
    )
  })

  it('keeps a last chunk with content, finish and usage one chunk', () => {
    const last = `{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}],"usage":${counts}}`
    for (const options of [folded, asked]) {
      expect(inEveryWay(sse(content, last) + done, options).text).toBe(sse(content, last) + done)
    }
  })

  it('invents no usage', () => {
    const text =
      sse('{"choices":[{"delta":{"content":"x"}}]}', '{"choices":[{"finish_reason":"stop"}]}') + done
    const relayed = inEveryWay(text)
    expect(relayed.text).toBe(text)
    expect(relayed.usage).toBeNull()
  })

  it.each(['stream', 'stream-tools', 'stream-reasoning'])('relays a recorded stream: %s', (name) => {
    const bytes = readFileSync(`test/corpus/openai-chat/${name}.answer.sse`)
    const whole = relay([bytes], asked)
    expect(whole.now + whole.terminal).toBe(`${bytes.toString().trimEnd()}\n\n`)
    expect(relay(byteByByte(bytes), asked)).toEqual(whole)
    const hidden = relay([bytes])
    expect(hidden.now + hidden.terminal).not.toContain('"choices":[]')
    expect(hidden.terminal).toMatch(/"usage":\{.*\n\ndata: \[DONE\]\n\n$/)
    expect({ ...hidden, now: '', terminal: '' }).toEqual({ ...whole, now: '', terminal: '' })
  })

  it('ends what ended without its marker, and what shows nothing but signs of life', () => {
    const text = sse(content, finish.replace('"usage":null', `"usage":${counts}`)) + done
    expect(inEveryWay(sse(content, finish, usage)).text).toBe(text)
    expect(inEveryWay(sse(content, finish, usage).trimEnd()).text).toBe(text)
    const alive = openNativeStream(folded)
    alive.push(Buffer.from(sse(content, finish, usage)))
    expect(alive.push(Buffer.from(': ping\n\n')).terminal).toEqual([])
    expect(Buffer.concat([...alive.push(Buffer.from(': ping\n\n')).terminal]).toString()).toContain('[DONE]')
    expect(alive.end()).toEqual({ now: [], terminal: [], failure: null })
    expect(inEveryWay(sse(content, finish) + done + done + sse(content)).text.match(/DONE/g)).toHaveLength(1)
  })

  it('waits for every choice that has begun', () => {
    const second = content.replace('"index":0', '"index":1')
    const pings = ': ping\n\n'.repeat(3)
    expect(inEveryWay(sse(content, second, finish) + pings)).toMatchObject({
      failure: { cause: 'truncated' },
      terminal: '',
    })
    const both = sse(content, second, finish, second, finish.replace('"index":0', '"index":1'))
    expect(inEveryWay(both + done).text).toBe(both + done)
  })

  it('does not take a stream for complete that was cut', () => {
    expect(inEveryWay(sse(content))).toMatchObject({
      text: sse(content),
      failure: { cause: 'truncated' },
      hasBegun: true,
    })
    expect(inEveryWay(sse(role))).toMatchObject({
      text: '',
      failure: { cause: 'truncated' },
      hasBegun: false,
    })
    expect(inEveryWay('')).toMatchObject({ failure: { cause: 'truncated' }, hasBegun: false })
  })

  it('leaves out what cannot be read, counts it and goes on', () => {
    const odd = 'data: {"choices":[\n\ndata: nonsense\n\ndata: 12\n\n'
    expect(inEveryWay(sse(content) + odd + sse(finish) + done)).toMatchObject({
      text: sse(content, finish) + done,
      tally: { parseErrors: 3 },
    })
    expect(inEveryWay(`${sse(content)}data:\n\n${sse(finish)}${done}`)).toMatchObject({
      text: sse(content, finish) + done,
      tally: { parseErrors: 0 },
    })
  })

  it('reads comments, other fields, several data lines, bare data and a last event without its blank line', () => {
    const start = `\ufeff: hi\r\n\r\nevent: chunk\ndata:${content}\n\nid: 7\ndata: {"choices":\ndata:[{"delta":{"content":"x"}}]}\n\n`
    const relayed = inEveryWay(`${start}data:${finish}`)
    expect(relayed.text).toBe(`${start}data:${finish}\n\n${done}`)
    const torn = `data: {"choices":[],"usage":{"prompt_tokens":5,\ndata: "completion_tokens":2}}\n\n`
    expect(inEveryWay(sse(content, finish) + torn + done).terminal).toMatch(
      /^data: \{.*"usage":\{"prompt_tokens":5, +"completion_tokens":2\}\}\n\ndata: \[DONE\]\n\n$/,
    )
  })

  it('holds everything back until there is content', () => {
    const stream = openNativeStream(folded)
    expect(stream.push(Buffer.from(`: hi\n\n${sse(role)}`)).now).toEqual([])
    expect(stream.hasBegun()).toBe(false)
    const { now } = stream.push(Buffer.from(sse(content)))
    expect(Buffer.concat([...now]).toString()).toBe(`: hi\n\n${sse(role, content)}`)
    expect(stream.hasBegun()).toBe(true)
  })

  it.each([
    ['{"choices":[{"delta":{"role":"assistant"}}]}', false],
    ['{"choices":[{"delta":{"role":"assistant","content":"","tool_calls":[],"refusal":null}}]}', false],
    ['{"choices":[{"delta":{}}]}', false],
    ['{"choices":[{"text":""}]}', false],
    ['{"choices":[],"prompt_filter_results":[{}]}', false],
    [usage, false],
    ['{"choices":[{"text":"x"}]}', true],
    ['{"choices":[{"delta":{"content":" "}}]}', true],
    ['{"choices":[{"delta":{"role":"assistant","tool_calls":[{}]}}]}', true],
    ['{"choices":[{"delta":{"reasoning_content":"x"}}]}', true],
    ['{"choices":[{"delta":{}},{"index":1,"delta":{"content":"x"}}]}', true],
    ['{"choices":[{"delta":{},"finish_reason":"stop"}]}', true],
  ])('finds whether %s has content: %s', (json, isContent) => {
    const stream = openNativeStream(folded)
    stream.push(Buffer.from(sse(json)))
    expect(stream.hasBegun()).toBe(isContent)
  })

  it('does not hold back without end', () => {
    const many = openNativeStream(folded)
    const steps = Array.from({ length: 65 }, () => many.push(Buffer.from(sse(role))))
    expect(steps.slice(0, 64).every(({ now }) => now.length === 0)).toBe(true)
    expect(Buffer.concat([...(steps[64]?.now ?? [])]).toString()).toBe(sse(role).repeat(65))
    const large = openNativeStream(folded)
    const comment = Buffer.from(`: ${'x'.repeat(60_000)}\n\n`)
    for (let i = 0; i < 4; i += 1) expect(large.push(comment).now).toEqual([])
    expect(Buffer.concat([...large.push(comment).now])).toHaveLength(5 * comment.length)
  })

  it('tells of an error within the stream, before any content and after', () => {
    const error = '{"error":{"message":"Bad hunter2","code":429}}'
    const failure = { cause: 'reported', error: { status: 429, code: '429', message: 'Bad [secret]' } }
    expect(inEveryWay(sse(role, error, content) + done)).toMatchObject({ text: '', failure, hasBegun: false })
    expect(inEveryWay(sse(role, content, error, content) + done)).toMatchObject({
      text: sse(role, content),
      failure,
    })
    expect(inEveryWay(`event: error\ndata: {"message":"m","code":"x"}\n\n`)).toMatchObject({
      text: '',
      failure: { error: { message: 'm', code: 'x', status: 500 } },
    })
    expect(inEveryWay(sse(content.replace('{', '{"error":null,'), finish) + done).failure).toBeNull()
  })

  it('puts extra fields at both ends, everywhere or nowhere', () => {
    const extra = (index: number, isLast = false) =>
      `,"extra_fields":{"chunk_index":${index},"last":${isLast}}}`
    const at = (json: string, index: number, isLast = false) => json.slice(0, -1) + extra(index, isLast)
    const last = finish.replace('"usage":null', `"usage":${counts}`)
    const text = sse(role, content, finish, usage) + done
    expect(inEveryWay(text, { ...folded, extraFields: 'edges' }).text).toBe(
      sse(at(role, 0), content, at(last, 2, true)) + done,
    )
    expect(inEveryWay(text, { ...folded, extraFields: 'all' }).text).toBe(
      sse(at(role, 0), at(content, 1), at(last, 2, true)) + done,
    )
    expect(inEveryWay(text, { ...asked, extraFields: 'edges' }).text).toBe(
      sse(at(role, 0), content, finish, at(usage, 3, true)) + done,
    )
    expect(inEveryWay(sse(finish) + done, { ...asked, extraFields: 'edges' }).text).toBe(
      sse(at(finish, 0, true)) + done,
    )
  })

  it('puts ours in the place of those of an upstream that is a gateway itself', () => {
    const foreign = (json: string) => json.replace('{', '{"extra_fields":{"a":"}"},')
    const text = sse(foreign(content), foreign(content), foreign(finish)) + done
    expect(inEveryWay(text).text).toBe(sse(content, content, finish) + done)
    const ours = (json: string, index: number, isLast: boolean) =>
      json.replace('{', `{"extra_fields":{"chunk_index":${index},"last":${isLast}},`)
    expect(inEveryWay(text, { ...folded, extraFields: 'edges' }).text).toBe(
      sse(ours(content, 0, false), content, ours(finish, 2, true)) + done,
    )
  })

  it('ends in a failure at an event that is too long, after what came before it', () => {
    const text = sse(content, 'x'.repeat(300), finish) + done
    expect(inEveryWay(text, { ...folded, maxEventBytes: 200 })).toMatchObject({
      text: sse(content),
      failure: { cause: 'too_long', limitBytes: 200 },
    })
  })

  it('passes an event of ten mebibytes', () => {
    const text = Buffer.from(sse(`{"choices":[{"delta":{"content":"${'x'.repeat(10 << 20)}"}}]}`))
    const chunks = Array.from({ length: Math.ceil(text.length / 65_536) }, (_, i) =>
      text.subarray(i << 16, (i + 1) << 16),
    )
    const relayed = relay(chunks, { ...asked, maxEventBytes: 1 << 24 })
    expect(relayed.now === text.toString()).toBe(true)
  })

  it('gives the same bytes and notes for any stream in any chunks', () => {
    const data = fc.constantFrom(
      role,
      content,
      finish,
      usage,
      '{"a":1}',
      '[DONE]',
      'x',
      '',
      '{"error":"x"}',
      '{}',
    )
    const line = fc.tuple(
      fc.constantFrom('', ': c', 'event: x', 'id: 1'),
      fc.constantFrom('data:', 'data: '),
      data,
      fc.constantFrom('\n', '\r\n', '\r'),
    )
    const event = line.map(
      ([before, prefix, text, end]) => `${before && before + end}${prefix}${text}${end}${end}`,
    )
    const stream = fc.array(event, { maxLength: 6 }).map((parts) => Buffer.from(parts.join('')))
    const anyOptions = fc.record({
      hideUsage: fc.boolean(),
      extraFields: fc.constantFrom('edges' as const, 'all' as const, 'none' as const),
    })
    fc.assert(
      fc.property(
        stream.chain((bytes) => fc.tuple(fc.constant(bytes), chunked(bytes))),
        anyOptions,
        ([bytes, chunks], some) => {
          const whole = relay([bytes], { ...folded, ...some })
          expect(relay(chunks, { ...folded, ...some })).toEqual(whole)
          const sent = (whole.now + whole.terminal).match(/DONE/g)?.length ?? 0
          expect(sent).toBe(whole.failure === null ? 1 : 0)
        },
      ),
      { numRuns: runs },
    )
  })
})
