import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costOf, dollarsText, largestPico, readCeiling, readCost, readPrice, toDollars } from './money.ts'
import { fromPico } from './quantity.ts'

describe('a price is read in 1e-18 dollars', () => {
  test.each([
    ['0', 0n],
    ['-0.0', 0n],
    ['0.0000025', 2_500_000_000_000n],
    ['2.5e-6', 2_500_000_000_000n],
    ['2.5E-06', 2_500_000_000_000n],
    ['25e-7', 2_500_000_000_000n],
    ['1e-18', 1n],
    ['4.9e-19', 0n],
    ['5e-19', 1n],
    ['1.5e-18', 2n],
    ['0.1000000000000000004999', 100_000_000_000_000_000n],
    ['0.1000000000000000005', 100_000_000_000_000_001n],
    ['1e6', 10n ** 24n],
    ['1e-999999999999', 0n],
  ])('%s', (text, price) => {
    expect(readPrice(text)).toBe(price)
  })

  test.each([
    ['1000000.0000000000000000001', 'too_large'],
    ['1000001', 'too_large'],
    ['1e999999999999', 'too_large'],
    ['-1e-30', 'negative'],
    ['', 'malformed'],
    ['.5', 'malformed'],
    ['1.', 'malformed'],
    ['01', 'malformed'],
    ['+1', 'malformed'],
    ['0x10', 'malformed'],
    ['NaN', 'malformed'],
    ['1\n', 'malformed'],
  ])('%s is refused', (text, fault) => {
    expect(readPrice(text)).toBe(fault)
  })

  test('a million digits cost no arithmetic', () => {
    expect(readPrice(`0.${'0'.repeat(1_000_000)}1`)).toBe(0n)
    expect(readPrice('9'.repeat(1_000_000))).toBe('too_large')
  })
})

describe('a ceiling is read in dollars', () => {
  test.each([
    ['0', { whole: 0, pico: 0 }],
    ['10000', { whole: 10_000_000_000, pico: 0 }],
    ['0.000000000001', { whole: 0, pico: 1 }],
    ['12.3456789', { whole: 12_345_678, pico: 900_000 }],
    ['9e9', { whole: 9e15, pico: 0 }],
  ])('%s', (text, quantity) => {
    expect(readCeiling(text)).toEqual(quantity)
  })

  test.each([
    ['0.0000000000009', 'too_small'],
    ['1e-400', 'too_small'],
    ['9000000000.0000000000001', 'too_large'],
    ['9000000001', 'too_large'],
    ['-1', 'negative'],
  ])('%s is refused', (text, fault) => {
    expect(readCeiling(text)).toBe(fault)
  })
})

test('a reported cost may be nothing, or round to nothing, but not be above nine billion dollars', () => {
  expect(readCost('0')).toBe(0n)
  expect(readCost('4e-13')).toBe(0n)
  expect(readCost('5e-13')).toBe(1n)
  expect(readCost('9e9')).toBe(largestPico)
  expect(readCost('9000000000.000000000001')).toBe('too_large')
})

test('a cost is summed exactly and rounded half up once', () => {
  const third = 333_333n
  expect(costOf([])).toBe(0n)
  expect(costOf([{ units: 1, price: 499_999n }])).toBe(0n)
  expect(costOf([{ units: 1, price: 500_000n }])).toBe(1n)
  // Each part alone rounds to nothing.
  expect(
    costOf([
      { units: 1, price: third },
      { units: 1, price: third },
      { units: 1, price: third },
    ]),
  ).toBe(1n)
  expect(costOf([{ units: 2 ** 40, price: 10n ** 24n }])).toBe(BigInt(2 ** 40) * 10n ** 18n)
})

test('dollars are written in exact digits and read back unchanged', () => {
  expect(dollarsText({ whole: 12_500_000, pico: 0 })).toBe('12.5')
  expect(dollarsText({ whole: 0, pico: 1 })).toBe('0.000000000001')
  expect(dollarsText({ whole: -1, pico: -500_000 })).toBe('-0.0000015')
  expect(dollarsText({ whole: 0, pico: 0 })).toBe('0')
  expect(toDollars({ whole: 12_500_000, pico: 0 })).toBe(12.5)
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: largestPico }), (pico) => {
      const money = fromPico(pico)
      expect(readCost(dollarsText(money))).toBe(pico)
      expect(readCeiling(dollarsText(money))).toEqual(money)
      expect(Number(JSON.stringify(toDollars(money)))).toBe(toDollars(money))
    }),
  )
})
