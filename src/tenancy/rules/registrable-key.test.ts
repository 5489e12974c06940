import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLong } from '../../../test/setup/form.ts'
import { registrableKey } from './registrable-key.ts'

const printable = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index))
const letter = fc.constantFrom(...printable)

/** The definition as textbooks have it, in floating point. */
function entropyBits(text: string): number {
  let bits = 0
  for (const character of new Set(text)) {
    const share = text.split(character).length - 1
    bits -= (share / text.length) * Math.log2(share / text.length)
  }
  return bits
}

/** Texts of 32 to 128 characters over alphabets of 1 to 94, so that entropies lie on both sides of 3 bits. */
const text = fc
  .tuple(fc.uniqueArray(letter, { minLength: 1, maxLength: 94 }), fc.integer({ min: 32, max: 128 }))
  .chain(([alphabet, length]) =>
    fc.array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length }),
  )
  .map((letters) => letters.join(''))

/** Few letters in uneven numbers: entropies near 3 bits. */
const uneven = fc
  .tuple(
    fc.uniqueArray(letter, { minLength: 8, maxLength: 13 }),
    fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 8, maxLength: 13 }),
  )
  .map(([letters, counts]) => letters.map((one, index) => one.repeat(counts[index] ?? 1)).join(''))
  .filter(({ length }) => length >= 32 && length <= 128)

test('passes texts of 3 bits of entropy per character and more, and no others', () => {
  let passed = 0
  let refused = 0
  fc.assert(
    fc.property(fc.oneof(text, uneven), (key) => {
      const bits = entropyBits(key)
      // Nearer to the border than this, floating point cannot tell.
      fc.pre(Math.abs(bits - 3) > 1e-9)
      const failure = registrableKey(key)
      if (bits > 3) expect(failure).toBeNull()
      else expect(failure).toMatchObject({ failure: 'invalid', message: expect.stringContaining('entropy') })
      if (bits > 3) passed += 1
      else refused += 1
    }),
    { numRuns: isLong ? 1000 : 400 },
  )
  expect(Math.min(passed, refused)).toBeGreaterThan(50)
})

test('what is at exactly 3 bits passes, whatever its counts are', () => {
  const counted = (...counts: number[]) =>
    counts.map((count, index) => printable[index]?.repeat(count)).join('')
  const atThreeBits = [
    'abcdefgh'.repeat(4),
    'abcdefgh'.repeat(5),
    'abcdefgh'.repeat(16),
    counted(32, 16, 16, 16, 16, 8, 8, 8, 8),
    // No count is a power of two times the same: 48^48 = 8^48 · 12^12 · 9^9 · 6^6 · 6^6 · 6^6 · 2^2 · 2^2 · 2^2.
    counted(12, 9, 6, 6, 6, 2, 2, 2, 1, 1, 1),
  ]
  for (const key of atThreeBits) {
    expect(entropyBits(key)).toBeCloseTo(3, 12)
    expect(registrableKey(key)).toBeNull()
  }
  expect(entropyBits('abcdefg'.repeat(5))).toBeCloseTo(2.807, 3)
  expect(registrableKey('abcdefg'.repeat(5))).toMatchObject({ message: expect.stringContaining('entropy') })
  // One letter of another kind less, and it falls short.
  expect(registrableKey(counted(12, 9, 6, 6, 6, 2, 2, 2, 2, 1))).not.toBeNull()
})

test('has 32 to 128 characters', () => {
  const ofLength = (length: number) => printable.join('').repeat(2).slice(0, length)
  for (const length of [32, 33, 64, 127, 128]) expect(registrableKey(ofLength(length))).toBeNull()
  for (const length of [0, 1, 31, 129, 188])
    expect(registrableKey(ofLength(length))).toMatchObject({ message: expect.stringContaining('32 to 128') })
})

test('consists of printable ASCII without spaces, all of which are fine', () => {
  expect(registrableKey(printable.join(''))).toBeNull()
  const good = printable.slice(0, 40).join('')
  for (const bad of [' ', '\t', '\n', '\r', '\0', '\x7f', '\x80', 'ä', '’', '\ud800', '😀']) {
    for (const key of [`${bad}${good}`, `${good}${bad}`, `${good}${bad}${good}`]) {
      expect(registrableKey(key)).toMatchObject({ message: expect.stringContaining('printable ASCII') })
    }
  }
})

test('a refusal holds nothing of the key', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }), (key) => {
      const failure = registrableKey(`§${key}`)
      expect(JSON.stringify(failure)).not.toContain('§')
    }),
  )
})
