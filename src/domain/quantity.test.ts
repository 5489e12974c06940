import fc from 'fast-check'
import { expect, test } from 'vitest'
import { add, compare, fromPico, isZero, negate, quantityOf, subtract, toPico, zero } from './quantity.ts'

const picodollars = fc.bigInt({ min: -9n * 10n ** 21n, max: 9n * 10n ** 21n })

test('the rest is carried at a million picodollars', () => {
  expect(add({ whole: 1, pico: 999_999 }, { whole: 0, pico: 1 })).toEqual({ whole: 2, pico: 0 })
  expect(subtract({ whole: 2, pico: 0 }, { whole: 0, pico: 1 })).toEqual({ whole: 1, pico: 999_999 })
})

test('both parts have one sign', () => {
  expect(subtract({ whole: 0, pico: 1 }, { whole: 1, pico: 0 })).toEqual({ whole: 0, pico: -999_999 })
  expect(subtract({ whole: 1, pico: 1 }, { whole: 3, pico: 0 })).toEqual({ whole: -1, pico: -999_999 })
  expect(quantityOf(-1, 1_000_001)).toEqual({ whole: 0, pico: 1 })
})

test('nothing is never minus nothing', () => {
  expect(negate(zero)).toEqual(zero)
  expect(subtract({ whole: 5, pico: 7 }, { whole: 5, pico: 7 })).toEqual(zero)
  expect(add({ whole: 0, pico: -999_999 }, { whole: 0, pico: -1 })).toEqual({ whole: -1, pico: 0 })
  expect(isZero(zero)).toBe(true)
  expect(isZero({ whole: 0, pico: 1 })).toBe(false)
})

test('picodollars go there and back unchanged, up to nine billion dollars', () => {
  fc.assert(fc.property(picodollars, (pico) => toPico(fromPico(pico)) === pico))
})

test('sums, differences, negation and order are those of picodollars', () => {
  const halves = picodollars.map((pico) => pico / 2n)
  fc.assert(
    fc.property(halves, halves, (left, right) => {
      expect(add(fromPico(left), fromPico(right))).toEqual(fromPico(left + right))
      expect(subtract(fromPico(left), fromPico(right))).toEqual(fromPico(left - right))
      expect(negate(fromPico(left))).toEqual(fromPico(-left))
      expect(Math.sign(compare(fromPico(left), fromPico(right)))).toBe(
        Number(left > right) - Number(left < right),
      )
    }),
  )
})
