import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isEmptyArray, isNull, isObject, readBoolean, readCount, readString } from './read.ts'
import { runs, valueText } from './texts.arbitrary.ts'

function place(text: string) {
  const bytes = Buffer.from(`{"a": ${text} }`)
  return [bytes, { keyStart: 1, valueStart: 6, valueEnd: bytes.length - 2 }] as const
}

describe('readers', () => {
  it.each([
    ['0', 0],
    ['7', 7],
    ['1.0', 1],
    ['1e2', 100],
    ['1.5e1', 15],
    ['-0', 0],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', null],
    ['1.5', null],
    ['-1', null],
    ['1e400', null],
    ['"1"', null],
    ['null', null],
    ['true', null],
    ['[1]', null],
  ])('reads the count in %s as %s', (text, count) => {
    expect(readCount(...place(text))).toBe(count)
  })

  it('reads no string that JSON.parse would not', () => {
    expect(readString(...place('"a\\x"'))).toBeNull()
    expect(readString(...place('"a\nb"'))).toBeNull()
  })

  it('agrees with JSON.parse on any value', () => {
    fc.assert(
      fc.property(valueText, (text) => {
        const value: unknown = JSON.parse(text)
        const [bytes, member] = place(text)
        expect(readString(bytes, member)).toBe(typeof value === 'string' ? value : null)
        expect(readBoolean(bytes, member)).toBe(typeof value === 'boolean' ? value : null)
        expect(readCount(bytes, member)).toBe(
          Number.isSafeInteger(value) && (value as number) >= 0 ? Math.abs(value as number) : null,
        )
        expect(isNull(bytes, member)).toBe(value === null)
        expect(isObject(bytes, member)).toBe(
          typeof value === 'object' && value !== null && !Array.isArray(value),
        )
        expect(isEmptyArray(bytes, member)).toBe(Array.isArray(value) && value.length === 0)
      }),
      { numRuns: runs },
    )
  })
})
