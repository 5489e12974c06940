import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { randomText } from './random-text.ts'

test('random text favours no letter', () => {
  const everyByte = (count: number) => Buffer.from(Array.from({ length: count }, (_, byte) => byte % 256))
  const text = randomText(everyByte, 62 * 4)
  const counts = new Map<string, number>()
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  expect(counts.size).toBe(62)
  expect(new Set(counts.values())).toEqual(new Set([4]))
  expect(randomText(randomBytes, 43)).toMatch(/^[0-9A-Za-z]{43}$/)
})
