import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readPrice } from '../domain/money.ts'
import { isPriceField, priceFields } from './price-fields.ts'
import { applyPatch, isSheetFault, priceText, readSheet } from './price-sheet.ts'
import { sheets } from './sheets.arbitrary.ts'

test('a sheet is read from the texts of its numbers', () => {
  const sheet = readSheet({ input_cost_per_token: '2.5e-6', output_cost_per_token: '0' })
  expect(sheet).toEqual({ input_cost_per_token: 2_500_000_000_000n, output_cost_per_token: 0n })
  expect(isSheetFault(sheet)).toBe(false)
})

test.each([
  ['input_cost_per_token', '-1e-6', 'negative'],
  ['input_cost_per_token', 'cheap', 'malformed'],
  ['output_cost_per_image', '1000001', 'too_large'],
  ['input_cost_per_tokens', '1', 'unknown'],
  ['toString', '1', 'unknown'],
])('%s: %s is refused', (field, text, fault) => {
  const sheet = readSheet({ output_cost_per_token: '1', [field]: text })
  expect(sheet).toEqual({ field, fault })
  expect(isSheetFault(sheet)).toBe(true)
})

test('prices are written in exact digits and read back unchanged', () => {
  expect(priceText(0n)).toBe('0')
  expect(priceText(1n)).toBe('0.000000000000000001')
  expect(priceText(75_000_000_000n)).toBe('0.000000075')
  expect(priceText(10n ** 24n)).toBe('1000000')
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n }), (price) => {
      expect(readPrice(priceText(price))).toBe(price)
    }),
  )
})

test('a patch replaces what it sets and nothing else', () => {
  fc.assert(
    fc.property(sheets, sheets, (sheet, patch) => {
      const patched = applyPatch(sheet, patch)
      for (const field of priceFields) expect(patched[field]).toBe(patch[field] ?? sheet[field])
    }),
  )
  expect(applyPatch(null, { input_cost_per_token: 0n })).toEqual({ input_cost_per_token: 0n })
})

test('each member stands once, and each rate in all its tiers', () => {
  expect(new Set(priceFields).size).toBe(priceFields.length)
  expect(priceFields).toHaveLength(5 * 7 + 5 + 13 + 1)
  for (const field of [
    'input_cost_per_token_batches',
    'output_cost_per_token_above_272k_tokens',
    'cache_read_input_token_cost_priority',
    'cache_creation_input_token_cost_above_200k_tokens',
    'cache_creation_input_token_cost_above_1hr',
    'output_cost_per_reasoning_token',
    'input_cost_per_audio_token',
    'output_cost_per_video_per_second',
    'input_cost_per_character',
    'search_context_cost_per_query',
    'code_interpreter_cost_per_session',
  ]) {
    expect(isPriceField(field), field).toBe(true)
  }
})
