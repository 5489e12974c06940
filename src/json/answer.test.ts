import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openAnswer, stampAnswer } from './answer.ts'
import { type Slot, scanMembers, wantMembers } from './scan.ts'
import { byteByByte, chunked, memberText, objectText, runs, spaces } from './texts.arbitrary.ts'

const stamp = Buffer.from('"slug"')

/** Relays with every chunk in the same memory, which is wiped between two of them, as a shared read buffer would be. */
function relay(chunks: readonly Buffer[], stampModel: Buffer | null = stamp) {
  const answer = openAnswer(stampModel)
  const shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)))
  const out = chunks.map((chunk) => {
    chunk.copy(shared)
    const sent = Buffer.concat(answer.push(shared.subarray(0, chunk.length)))
    shared.fill('"')
    return sent
  })
  return { text: Buffer.concat(out).toString(), usage: answer.usage()?.toString() ?? null }
}

function inEveryWay(text: string) {
  const bytes = Buffer.from(text)
  const whole = relay([bytes])
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(relay([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
  }
  expect(relay(byteByByte(bytes))).toEqual(whole)
  expect(inOnePiece(bytes)).toEqual(whole)
  return whole
}

function inOnePiece(bytes: Buffer, stampModel: Buffer | null = stamp) {
  const answer = stampAnswer(Buffer.from(bytes), stampModel)
  return { text: answer.bytes.toString(), usage: answer.usage?.toString() ?? null }
}

describe('openAnswer', () => {
  it('stamps the model and takes the usage, wherever they stand and however the answer is cut', () => {
    const answer = inEveryWay(
      ' {"usage" : {"total_tokens":[3,"}"]} ,\n"choices":[{"model":"x","usage":1}],"mod\\u0065l" : "a\\"b" }\n',
    )
    expect(answer.text).toBe(
      ' {"usage" : {"total_tokens":[3,"}"]} ,\n"choices":[{"model":"x","usage":1}],"mod\\u0065l" : "slug" }\n',
    )
    expect(answer.usage).toBe('{"total_tokens":[3,"}"]}')
  })

  it('stamps a model that is no string, and every one of several', () => {
    expect(inEveryWay('{"model":{"a":["}"]},"model":null,"model":12}').text).toBe(
      '{"model":"slug","model":"slug","model":"slug"}',
    )
  })

  it('takes the last usage', () => {
    expect(inEveryWay('{"usage":{"a":1},"usage":{"b":2}}').usage).toBe('{"b":2}')
    expect(inEveryWay('{"usage":null,"x":1}').usage).toBe('null')
    expect(inEveryWay('{"usage":{"a":1').usage).toBeNull()
  })

  it.each(['', '[{"model":"x"}]', '"model"', '12', 'not json {"model":"x"}', '{}', '{"a":1}', '{model:"x"}'])(
    'lets %j pass as it is',
    (text) => {
      expect(inEveryWay(text)).toEqual({ text, usage: null })
    },
  )

  it('reads past a byte order mark', () => {
    expect(inEveryWay('\ufeff{"model":"x"}').text).toBe('\ufeff{"model":"slug"}')
  })

  it('lets pass what follows once the answer is no JSON any more', () => {
    expect(inEveryWay('{"model":"x"} {"model":"y"}').text).toBe('{"model":"slug"} {"model":"y"}')
    expect(inEveryWay('{"model":"x";"model":"y"}').text).toBe('{"model":"slug";"model":"y"}')
  })

  it('reports no usage above a mebibyte, and relays it', () => {
    const text = `{"usage":"${'x'.repeat(1 << 20)}","model":1}`
    const bytes = Buffer.from(text)
    const changed = { text: text.replace('1}', '"slug"}'), usage: null }
    expect(relay([bytes.subarray(0, 1000), bytes.subarray(1000)])).toEqual(changed)
    expect(inOnePiece(bytes)).toEqual(changed)
    expect(relay([Buffer.from(`{"usage":"${'x'.repeat((1 << 20) - 2)}"}`)]).usage).toHaveLength(1 << 20)
  })

  it('hands a chunk on as it is where there is nothing to change', () => {
    const chunk = Buffer.from('{"model":"x","usage":{}}')
    expect(openAnswer(null).push(chunk)[0]).toBe(chunk)
  })

  it('changes only the models, in any answer, in any chunks', () => {
    const wanted = wantMembers('model', 'usage')
    const answer = fc
      .tuple(spaces, fc.array(memberText(['model', 'usage']), { maxLength: 6 }).chain(objectText), spaces)
      .map((parts) => Buffer.from(parts.join('')))
      .chain((bytes) => fc.tuple(fc.constant(bytes), chunked(bytes)))
    fc.assert(
      fc.property(answer, ([bytes, chunks]) => {
        scanMembers(bytes, 0, bytes.length, wanted)
        const { model, usage } = wanted.found
        const models: Readonly<Slot>[] = [...wanted.earlier, model].filter(
          (slot) => slot.name === 'model' && slot.keyStart >= 0,
        )
        let expected = ''
        let at = 0
        for (const { valueStart, valueEnd } of models) {
          expected += `${bytes.toString('utf8', at, valueStart)}"slug"`
          at = valueEnd
        }
        const changed = {
          text: expected + bytes.toString('utf8', at),
          usage: usage.keyStart < 0 ? null : bytes.toString('utf8', usage.valueStart, usage.valueEnd),
        }
        expect(relay(chunks)).toEqual(changed)
        expect(inOnePiece(bytes)).toEqual(changed)
      }),
      { numRuns: runs },
    )
  })
})
