import fc from 'fast-check'
import type { PricedUsage } from '../domain/usage.ts'
import { type PriceField, priceFields } from './price-fields.ts'
import type { PriceSheet } from './price-sheet.ts'

const price = fc.oneof(fc.bigInt({ min: 0n, max: 9n }), fc.bigInt({ min: 0n, max: 10n ** 14n }))

const anyField = Object.fromEntries(priceFields.map((field) => [field, price])) as Record<
  PriceField,
  typeof price
>

/** Sheets with any members at all. */
export const sheets: fc.Arbitrary<PriceSheet> = fc.record(anyField, { requiredKeys: [] })

/** Sheets that price text. */
export const pricedSheets: fc.Arbitrary<PriceSheet> = fc.record(anyField, {
  requiredKeys: ['input_cost_per_token', 'output_cost_per_token'],
})

const tokens = fc.oneof(fc.nat(20), fc.nat(300_000))

/** Usages whose parts may be more than their totals: providers do report that. */
export const usages: fc.Arbitrary<PricedUsage> = fc.record({
  input: fc.oneof(tokens, fc.constantFrom(128_000, 128_001, 200_000, 200_001, 272_000, 272_001)),
  output: tokens,
  cacheRead: tokens,
  cacheWrite: tokens,
  cacheWriteLong: tokens,
  reasoning: tokens,
  inputAudio: tokens,
  outputAudio: tokens,
  inputImage: tokens,
  outputImage: tokens,
  searches: fc.nat(5),
  reportedCost: fc.constant(null),
  serviceTier: fc.constantFrom(null, 'default', 'priority', 'flex', 'FLEX', 'batch'),
})
