import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { amendAnswer, amendmentOf, openAmended } from './amend.ts'
import { scanMembers, wantMembersAndOthers } from './scan.ts'
import { byteByByte, chunked, memberText, objectText, runs, spaces } from './texts.arbitrary.ts'

const change = amendmentOf('extra', { usage: 64, tier: 8 })
const value = Buffer.from('{"a":1}')

/** Relays with every chunk in the same memory, which is wiped between two of them, as a shared read buffer would be. */
function relay(chunks: readonly Buffer[]) {
  const answer = openAmended(change)
  const shared = Buffer.alloc(Math.max(1, ...chunks.map((chunk) => chunk.length)))
  const out = chunks.map((chunk) => {
    chunk.copy(shared)
    const sent = Buffer.concat(answer.push(shared.subarray(0, chunk.length)))
    shared.fill('"')
    return sent
  })
  const { bytes, isWhole } = answer.end(value)
  return told(Buffer.concat([...out, bytes]), isWhole, answer.noted)
}

function inOnePiece(bytes: Buffer) {
  const answer = amendAnswer(Buffer.from(bytes), change, value)
  return told(answer.bytes, answer.isWhole, answer.noted)
}

function told(bytes: Buffer, isWhole: boolean, noted: (name: string) => Buffer | null) {
  return {
    text: bytes.toString(),
    isWhole,
    usage: noted('usage')?.toString() ?? null,
    tier: noted('tier')?.toString() ?? null,
  }
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

describe('openAmended', () => {
  it.each([
    ['{"x":[1,"}"]}', '{"x":[1,"}"],"extra":{"a":1}}'],
    [' { "x" : "\\"}" } \n', ' { "x" : "\\"}" ,"extra":{"a":1}} \n'],
    ['{}', '{"extra":{"a":1}}'],
    ['{ }\n', '{ "extra":{"a":1}}\n'],
    ['{"extra":{"b":[2]},"x":1}', '{"x":1,"extra":{"a":1}}'],
    ['{"x":1,"extra":2,"y":3}', '{"x":1,"y":3,"extra":{"a":1}}'],
    ['{"x":1, "\\u0065xtra" : null }', '{"x":1 ,"extra":{"a":1}}'],
    ['{"extra":1,"extra":"}","x":{"extra":7}}', '{"x":{"extra":7},"extra":{"a":1}}'],
    ['{"extra":1}', '{"extra":{"a":1}}'],
    ['\ufeff{"x":1}', '\ufeff{"x":1,"extra":{"a":1}}'],
  ])('makes %j into %j', (text, amended) => {
    const relayed = inEveryWay(text)
    expect(relayed.text).toBe(amended)
    expect(relayed.isWhole).toBe(true)
  })

  it.each([
    '',
    '[{"x":1}]',
    'bad',
    '{"x":1',
    '{"x":1}}',
    '{"x":1} {}',
    '{"x" 1}',
    '{"x":1,}',
    '{"extra" 1}',
    '{,}',
  ])('leaves %j as it is', (text) => {
    expect(inEveryWay(text)).toMatchObject({ text, isWhole: false })
  })

  it('notes the last value of what it is asked for, if that is not too long', () => {
    expect(inEveryWay('{"usage":{"a":[1,"}"]},"x":{"usage":7},"tier":"flex"}')).toMatchObject({
      usage: '{"a":[1,"}"]}',
      tier: '"flex"',
    })
    expect(inEveryWay('{"usage":1,"usage":2}').usage).toBe('2')
    expect(inEveryWay(`{"tier":"${'x'.repeat(9)}"}`).tier).toBeNull()
  })

  it('lets the last chunks but the brace go before the end', () => {
    const answer = openAmended(change)
    const sent = (text: string) => Buffer.concat(answer.push(Buffer.from(text))).toString()
    expect(sent('{"x":"long')).toBe('{"x":"long')
    expect(sent(' text","y')).toBe(' text"')
    expect(sent('":2}')).toBe(',"y":2')
    expect(sent(' \n')).toBe('')
    expect(answer.end(value).bytes.toString()).toBe(',"extra":{"a":1}} \n')
  })

  it('holds back only so much white space', () => {
    const answer = openAmended(change)
    const blank = Buffer.alloc(1 << 14, ' ')
    expect(Buffer.concat([...answer.push(Buffer.from('{"x":1}')), ...answer.push(blank)])).toHaveLength(
      7 + blank.length,
    )
    expect(answer.end(value)).toEqual({ bytes: Buffer.alloc(0), isWhole: false })
    const other = openAmended(change)
    const text = `{"x":1,${' '.repeat(1 << 14)}`
    expect(Buffer.concat(other.push(Buffer.from(text))).toString()).toBe(text)
    expect(Buffer.concat(other.push(Buffer.from('"extra":1}'))).toString()).toBe('"extra":1')
    expect(other.end(value).bytes.toString()).toBe(',"extra":{"a":1}}')
  })

  it('changes nothing but the added member, in any answer, in any chunks', () => {
    const text = fc
      .array(memberText(['extra', 'usage', 'tier', 'x']), { maxLength: 5 })
      .chain((members) => fc.tuple(spaces, objectText(members), spaces))
      .map((parts) => Buffer.from(parts.join('')))
    fc.assert(
      fc.property(
        text.chain((bytes) => fc.tuple(fc.constant(bytes), chunked(bytes))),
        ([bytes, chunks]) => {
          const whole = relay([bytes])
          expect(relay(chunks)).toEqual(whole)
          expect(inOnePiece(bytes)).toEqual(whole)
          const others = membersOf(bytes.toString()).filter(([name]) => name !== 'extra')
          expect(membersOf(whole.text)).toEqual([...others, ['extra', '{"a":1}']])
          if (others.length === membersOf(bytes.toString()).length) {
            expect(whole.text.replace(/,?"extra":\{"a":1\}(?=\}\s*$)/, '')).toBe(bytes.toString())
          }
        },
      ),
      { numRuns: runs },
    )
  })

  it('passes what is no JSON in any chunks as in one', () => {
    const text = fc
      .array(memberText(['extra', 'x']), { maxLength: 4 })
      .chain((members) => objectText(members))
      .chain((json) =>
        fc.tuple(fc.constant(json), fc.nat(json.length), fc.constantFrom('', '}', '"', ',', 'x')),
      )
      .map(([json, cut, odd]) => Buffer.from(json.slice(0, cut) + odd + json.slice(cut)))
    fc.assert(
      fc.property(
        text.chain((bytes) => fc.tuple(fc.constant(bytes), chunked(bytes))),
        ([bytes, chunks]) => {
          expect(relay(chunks)).toEqual(relay([bytes]))
        },
      ),
      { numRuns: runs },
    )
  })
})

const all = wantMembersAndOthers('unheard of')

/** The members of an object: what each key decodes to, and the bytes of each value. */
function membersOf(text: string): [string, string][] {
  const bytes = Buffer.from(text)
  expect(scanMembers(bytes, 0, bytes.length, all)).toBeGreaterThan(0)
  return (all.others ?? []).map(({ keyStart, valueStart, valueEnd }) => {
    const key = bytes.toString('utf8', keyStart, valueStart).replace(/\s*:\s*$/, '')
    return [JSON.parse(key), bytes.toString('utf8', valueStart, valueEnd)]
  })
}
