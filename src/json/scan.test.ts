import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { afterSpace, malformed, notObject, scanMembers, wantMembers, wantMembersAndOthers } from './scan.ts'
import { memberText, objectText, runs, spaces } from './texts.arbitrary.ts'

const wanted = wantMembers('model', 'n', 'stream')

function scan(text: string | Buffer): number {
  const bytes = Buffer.from(text)
  return scanMembers(bytes, 0, bytes.length, wanted)
}

function found(text: string, name: 'model' | 'n' | 'stream'): string | null {
  const bytes = Buffer.from(text)
  scanMembers(bytes, 0, bytes.length, wanted)
  const { keyStart, valueStart, valueEnd } = wanted.found[name]
  return keyStart < 0 ? null : bytes.toString('utf8', valueStart, valueEnd)
}

describe('scanMembers', () => {
  it('finds values of every kind where they stand', () => {
    const text = ' { "n" : -1.5e+3 ,"x":{"model":"inner"}, "model":"a\\"b", "stream":\ttrue}'
    expect(found(text, 'model')).toBe('"a\\"b"')
    expect(found(text, 'n')).toBe('-1.5e+3')
    expect(found(text, 'stream')).toBe('true')
    expect(found('{"n":[{"n":1}]}', 'n')).toBe('[{"n":1}]')
    expect(found('{"x":1}', 'model')).toBeNull()
  })

  it('tells where a member may be inserted', () => {
    scan(' { } ')
    expect([wanted.insertAt, wanted.isEmpty]).toEqual([2, true])
    scan('{ "a":1}')
    expect([wanted.insertAt, wanted.isEmpty]).toEqual([1, false])
  })

  it('reads keys as they decode', () => {
    expect(found('{"mod\\u0065l":1}', 'model')).toBe('1')
    expect(found('{"\\u006D\\u006f\\u0064\\u0065\\u006c":1}', 'model')).toBe('1')
    expect(found('{"mod\\\\u0065l":1}', 'model')).toBeNull()
    expect(found('{"\\u006e":1}', 'n')).toBe('1')
  })

  it('notes every occurrence', () => {
    scan('{"model":1,"x":0,"mod\\u0065l":2,"model":3}')
    expect(wanted.earlier.map((slot) => [slot.name, slot.valueStart])).toEqual([
      ['model', 9],
      ['model', 30],
    ])
    expect(wanted.found.model.valueStart).toBe(40)
    scan('{"model":1}')
    expect(wanted.earlier).toEqual([])
  })

  it.each(['', ' ', '1', '"x"', '[]', 'null', '\ufeff{}', 'x{}'])('says that %j is no object', (text) => {
    expect(scan(text)).toBe(notObject)
  })

  it.each([
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{,}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{a:1}',
    "{'a':1}",
    '{"a":}',
    '{"a":[}',
    '{"a":[1}',
    '{"a":{]}',
    '{"a":[{]}]}',
    '{"a":"x',
    '{"a":"x\\"}',
    '{"a":"x\\',
    '{"a\n":1}',
    '{"\\x":1}',
    '{"\\u12":1}',
    '{"a":tru}',
    '{"a":truex}',
    '{"a":nul',
    '{"a":NaN}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":1e}',
    '{"a":1e+}',
    '{"a":-}',
    '{"a":+1}',
    '{"a":1x}',
    '{"a":]}',
  ])('refuses %j', (text) => {
    expect(scan(text)).toBe(malformed)
  })

  it('stays within its bounds', () => {
    const bytes = Buffer.from('[{"model":"x"}]"{"')
    expect(scanMembers(bytes, 1, bytes.length, wanted)).toBe(14)
    for (let end = 1; end < 14; end += 1) expect(scanMembers(bytes, 1, end, wanted)).toBeLessThan(0)
  })

  it('follows nesting of a hundred thousand levels, and no end of it', () => {
    const deep = 100_000
    expect(scan(`{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`)).toBe(2 * deep + 6)
    expect(scan(`{"a":${'[{"b":'.repeat(deep)}1${'}]'.repeat(deep)}}`)).toBeGreaterThan(0)
    expect(scan(`{"a":${'['.repeat(deep)}${']'.repeat(deep - 1)}}}`)).toBe(malformed)
    expect(scan(`{"a":${'['.repeat((1 << 20) + 1)}`)).toBe(malformed)
  })

  it('is not fooled by runs of backslashes before a quote, short or long', () => {
    for (const length of [0, 1, 2, 3, 23, 24, 25, 26, 31, 32, 33, 599, 600, 601]) {
      for (const filler of ['', 'x'.repeat(40), 'x'.repeat(700)]) {
        const text = `{"a":"${filler}${'\\'.repeat(length)}","model":"y"}`
        expect(scan(text) > 0).toBe(length % 2 === 0)
      }
    }
  })

  it('agrees with JSON.parse on objects with any members, spelled in any way', () => {
    const object = fc.array(memberText(['model', 'n', 'stream']), { maxLength: 8 }).chain(objectText)
    fc.assert(
      fc.property(spaces, object, spaces, (before, text, after) => {
        const bytes = Buffer.from(before + text + after)
        const end = scanMembers(bytes, 0, bytes.length, wanted)
        expect(afterSpace(bytes, end, bytes.length)).toBe(bytes.length)
        const parsed = JSON.parse(text) as Record<string, unknown>
        for (const slot of Object.values(wanted.found)) {
          expect(slot.keyStart >= 0).toBe(Object.hasOwn(parsed, slot.name))
          if (slot.keyStart < 0) continue
          expect(JSON.parse(bytes.toString('utf8', slot.valueStart, slot.valueEnd))).toEqual(
            parsed[slot.name],
          )
        }
      }),
      { numRuns: runs },
    )
  })

  it('refuses no text that JSON.parse reads as an object, and every cut of it', () => {
    const object = fc.array(memberText(['model']), { minLength: 1, maxLength: 4 }).chain(objectText)
    fc.assert(
      fc.property(object, fc.nat(), fc.constantFrom(...'{}[]",:\\0x '), (text, place, intruder) => {
        const cut = place % text.length
        expect(scan(text.slice(0, cut))).toBeLessThan(0)
        const changed = Buffer.from(text.slice(0, cut) + intruder + text.slice(cut + 1))
        const end = scan(changed)
        if (isJson(changed)) expect(afterSpace(changed, end, changed.length)).toBe(changed.length)
      }),
      { numRuns: runs },
    )
  })

  it('collects the members that nobody named, each time anew', () => {
    const all = wantMembersAndOthers('a')
    const texts = (text: string) => {
      const bytes = Buffer.from(text)
      scanMembers(bytes, 0, bytes.length, all)
      return all.others?.map(({ keyStart, valueEnd }) => bytes.toString('utf8', keyStart, valueEnd))
    }
    expect(texts('{"b":1,"a":2, "\\u0063" : [3] ,"b":{}}')).toEqual(['"b":1', '"\\u0063" : [3]', '"b":{}'])
    expect(texts('{"\\u0061":1}')).toEqual([])
  })
})

function isJson(bytes: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
