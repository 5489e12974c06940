import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Member, scanMembers, wantMembers } from './scan.ts'
import { cutMembers, type Edit, insertMember, replaceValue, splice } from './splice.ts'
import { keyText, objectText, otherKeyText, runs, valueText } from './texts.arbitrary.ts'

const wanted = wantMembers('a', 'b', 'c')

function scan(body: Buffer): Member[] {
  scanMembers(body, 0, body.length, wanted)
  return Object.values(wanted.found)
    .filter((slot) => slot.keyStart >= 0)
    .map((slot) => ({ ...slot }))
    .sort((one, other) => one.keyStart - other.keyStart)
}

function edited(body: Buffer, edits: readonly Edit[]): string {
  const { pieces, byteLength } = splice(body, edits)
  const whole = Buffer.concat(pieces)
  expect(byteLength).toBe(whole.length)
  return whole.toString()
}

function without(text: string): string {
  const body = Buffer.from(text)
  return edited(body, cutMembers(body, scan(body)))
}

describe('splice', () => {
  it('copies nothing that stays', () => {
    const body = Buffer.from('{"a":1}')
    expect(splice(body, []).pieces[0]).toBe(body)
    const [first] = splice(body, [{ start: 5, end: 6, bytes: Buffer.from('2') }]).pieces
    expect(first?.buffer).toBe(body.buffer)
  })

  it('cuts each member with one comma', () => {
    expect(without('{"a":1}')).toBe('{}')
    expect(without('{ "a":1 , "b":2,\n"c":3 }')).toBe('{  \n }')
    expect(without('{"a":1,"x":0}')).toBe('{"x":0}')
    expect(without('{"x":0 , "a":1}')).toBe('{"x":0 }')
    expect(without('{"a":1,"x":0,"b":2,"c":3}')).toBe('{"x":0}')
    expect(without('{"x":0,"a":1,"y":[","],"b":2}')).toBe('{"x":0,"y":[","]}')
  })

  it('inserts in front, with a comma where something follows', () => {
    const body = Buffer.from('{ }')
    expect(edited(body, [insertMember(1, true, 'n', '1')])).toBe('{"n":1 }')
    expect(edited(Buffer.from('{"a":1}'), [insertMember(1, false, 'n', '1')])).toBe('{"n":1,"a":1}')
  })

  it('throws for edits that overlap', () => {
    const edit = { start: 1, end: 3, bytes: Buffer.alloc(0) }
    expect(() => splice(Buffer.from('{"a":1}'), [edit, { ...edit, start: 2 }])).toThrow()
  })

  it('changes exactly the members it is told to, whatever stands around them', () => {
    const keys = fc.subarray(['a', 'b', 'c'], { minLength: 1 })
    const ours = keys.chain((names) => fc.tuple(...names.map((name) => fc.tuple(keyText(name), valueText))))
    const others = fc.array(
      fc.tuple(
        otherKeyText.filter((text) => JSON.parse(text).length > 1),
        valueText,
      ),
      { minLength: 1, maxLength: 3 },
    )
    const object = fc
      .tuple(ours, others)
      .chain(([one, other]) =>
        fc.shuffledSubarray([...one, ...other], { minLength: one.length + other.length }),
      )
      .chain((members) => fc.tuple(objectText(members), fc.constant(members)))
    fc.assert(
      fc.property(object, fc.subarray(['a', 'b', 'c']), ([text, members], cut) => {
        const body = Buffer.from(text)
        expect(edited(body, [])).toBe(text)
        const places = scan(body) as (Member & { name: string })[]
        const isCut = (name: string) => cut.includes(name)
        const edits = [
          insertMember(wanted.insertAt, false, 'inserted', '[]'),
          ...cutMembers(
            body,
            places.filter(({ name }) => isCut(name)),
          ),
          ...places
            .filter(({ name }) => !isCut(name))
            .map((member) => replaceValue(member, Buffer.from('"new"'))),
        ]
        const expected = members.flatMap(([key, value]) => {
          const name = JSON.parse(key) as string
          if (name.length > 1) return [`${key}:${value}`]
          return isCut(name) ? [] : [`${key}:"new"`]
        })
        const result = edited(body, edits)
        expect(bare(result)).toBe(bare(`{"inserted":[],${expected.join(',')}}`))
        expect(JSON.parse(result)).toHaveProperty('inserted', [])
      }),
      { numRuns: runs },
    )
  })
})

/** The text without white space outside strings. */
function bare(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/gs, '$1')
}
