import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringEnd, unended, unendedInEscape } from './strings.ts'
import { runs } from './texts.arbitrary.ts'

/** The same byte by byte. */
function plainEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1
  if (at < end) return at + 1
  return at > end ? unendedInEscape : unended
}

describe('stringEnd', () => {
  it('finds the same end as a plain loop, in short and long strings, from any place inside', () => {
    const stretch = fc.oneof(
      fc.constantFrom('"', '\\', '\\"', '\\\\', 'x'),
      fc.nat(60).map((length) => 'x'.repeat(length)),
      fc.nat(60).map((length) => '\\'.repeat(length)),
      fc.nat(1200).map((length) => 'x'.repeat(length)),
    )
    const text = fc.array(stretch, { maxLength: 12 }).map((stretches) => Buffer.from(stretches.join('')))
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), (bytes, one, other) => {
        const end = one % (bytes.length + 1)
        const from = other % (end + 1)
        expect(stringEnd(bytes, from, end)).toBe(plainEnd(bytes, from, end))
      }),
      { numRuns: 4 * runs },
    )
  })

  it('tells whether the string broke off within an escape', () => {
    for (const length of [0, 10, 100]) {
      const text = 'x'.repeat(length)
      expect(stringEnd(Buffer.from(text), 0, length)).toBe(unended)
      expect(stringEnd(Buffer.from(`${text}\\`), 0, length + 1)).toBe(unendedInEscape)
      expect(stringEnd(Buffer.from(`${text}\\\\`), 0, length + 2)).toBe(unended)
      expect(stringEnd(Buffer.from(`${text}\\"`), 0, length + 2)).toBe(unended)
    }
  })
})
