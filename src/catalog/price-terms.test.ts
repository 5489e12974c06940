import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nothingUsed, type PricedUsage } from '../domain/usage.ts'
import { priceOf } from './cost.ts'
import { isSheetFault, readSheet } from './price-sheet.ts'
import { priceTermsText, readPriceTerms } from './price-terms.ts'

const plain: PricedUsage = { ...nothingUsed, input: 1000, output: 200 }
const sheet = readSheet({ input_cost_per_token: '0.000001', output_cost_per_token: '0.000002' })
if (isSheetFault(sheet)) throw new Error(sheet.field)

test('what a plain call rests on is no more than whose prices they were, and how many units of each', () => {
  const cost = priceOf(plain, sheet, { requestType: 'chat_completion', isBatch: false })
  const parts = [
    ['input_cost_per_token', 1000, '0.000001'],
    ['output_cost_per_token', 200, '0.000002'],
  ]
  const textOf = (overrideId: string | null) =>
    JSON.parse(priceTermsText(plain, { isBatch: false }, cost, overrideId))
  expect(textOf(null)).toEqual({ source: 'catalog', parts })
  expect(textOf('o1')).toEqual({ source: 'override', override_id: 'o1', parts })
  expect(JSON.parse(priceTermsText(plain, { isBatch: false }, null, null))).toEqual({ source: 'none' })
})

test('a cost that the provider reported is known as such', () => {
  const usage = { ...plain, reportedCost: '0.25' }
  const cost = priceOf(usage, sheet, { requestType: 'chat_completion', isBatch: false })
  const terms = readPriceTerms(priceTermsText(usage, { isBatch: false }, cost, null))
  expect(terms).toMatchObject({ isReported: true, fine: { reportedCost: '0.25' } })
})

test('all that a price tells apart of a usage is read as it was written', () => {
  const count = fc.nat(1_000_000)
  const usages = fc.record({
    ...Object.fromEntries(
      (['cacheWriteLong', 'inputAudio', 'outputAudio', 'inputImage', 'outputImage', 'searches'] as const).map(
        (name) => [name, count],
      ),
    ),
    reportedCost: fc.constantFrom(null, '0.5', '1e-7'),
    serviceTier: fc.constantFrom(null, 'flex', 'priority'),
  })
  const seconds = fc.option(fc.record({ input_cost_per_second: count }), { nil: undefined })
  fc.assert(
    fc.property(usages, fc.boolean(), seconds, (fine, isBatch, counted) => {
      const text = priceTermsText(
        { ...plain, ...fine },
        { isBatch, ...(counted === undefined ? {} : { counted }) },
        null,
        null,
      )
      expect(readPriceTerms(text)).toEqual({ isReported: false, fine, isBatch, counted: counted ?? {} })
    }),
  )
})
