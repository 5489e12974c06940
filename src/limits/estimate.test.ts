import { expect, test } from 'vitest'
import { newMovingAverage } from './estimate.ts'

test('before the first answer 256 tokens are expected, then a sixteenth of each answer is taken in', () => {
  const average = newMovingAverage()
  expect(average.value).toBe(256)
  average.note(512, 1)
  expect(average.value).toBe(272)
  average.note(0, 1)
  expect(average.value).toBe(255)
})

test('the output of several choices counts as so many answers of their mean', () => {
  const average = newMovingAverage()
  average.note(2048, 4)
  expect(average.value).toBe(272)
})

test('is a whole number of tokens, rounded up', () => {
  const average = newMovingAverage()
  average.note(257, 1)
  expect(average.value).toBe(257)
})
