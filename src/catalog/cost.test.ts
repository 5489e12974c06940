import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dollarsText, largestPico, readPrice } from '../domain/money.ts'
import { fromPico } from '../domain/quantity.ts'
import { nothingUsed, type PricedUsage } from '../domain/usage.ts'
import { type CallTerms, isPriced, priceOf } from './cost.ts'
import type { CountedField, PriceField } from './price-fields.ts'
import type { PriceSheet } from './price-sheet.ts'
import { dearestRates } from './rates.ts'
import { pricedSheets, sheets, usages } from './sheets.arbitrary.ts'

const chat: CallTerms = { requestType: 'chat_completion', isBatch: false }

/** Dollars per million, as people say prices. */
function perMillion(prices: Partial<Record<PriceField, number>>): PriceSheet {
  return Object.fromEntries(
    Object.entries(prices).map(([field, dollars]) => [field, readPrice(`${dollars}e-6`)]),
  )
}

function dollars(usage: Partial<PricedUsage>, sheet: PriceSheet, terms: CallTerms = chat): string | null {
  const cost = priceOf({ ...nothingUsed, ...usage }, sheet, terms)
  return cost === null ? null : dollarsText(fromPico(cost.costPico))
}

const sonnet = perMillion({
  input_cost_per_token: 3,
  output_cost_per_token: 15,
  cache_read_input_token_cost: 0.3,
  cache_creation_input_token_cost: 3.75,
})

describe('the cost of a call', () => {
  test('cached tokens are charged once, at their own prices', () => {
    const usage = { ...nothingUsed, input: 10_000, cacheRead: 8000, cacheWrite: 1000, output: 500 }
    expect(dollars(usage, sonnet)).toBe('0.01665')
    expect(priceOf(usage, sonnet, chat)?.parts).toEqual([
      { field: 'input_cost_per_token', units: 1000, price: 3_000_000_000_000n },
      { field: 'cache_read_input_token_cost', units: 8000, price: 300_000_000_000n },
      { field: 'cache_creation_input_token_cost', units: 1000, price: 3_750_000_000_000n },
      { field: 'output_cost_per_token', units: 500, price: 15_000_000_000_000n },
    ])
  })

  test('a cache without prices of its own costs what input does', () => {
    const plain = perMillion({ input_cost_per_token: 2, output_cost_per_token: 8 })
    expect(dollars({ input: 1000, cacheRead: 400, cacheWrite: 500, cacheWriteLong: 300 }, plain)).toBe(
      '0.002',
    )
    // What is kept for an hour costs what is kept for minutes.
    expect(dollars({ input: 1000, cacheWrite: 1000, cacheWriteLong: 600 }, sonnet)).toBe('0.00375')
    const withHour = { ...sonnet, ...perMillion({ cache_creation_input_token_cost_above_1hr: 6 }) }
    expect(dollars({ input: 1000, cacheWrite: 1000, cacheWriteLong: 600 }, withHour)).toBe('0.0051')
  })

  test('more cached tokens than the whole prompt leave no negative rest', () => {
    expect(dollars({ input: 100, cacheRead: 1000 }, sonnet)).toBe('0.0003')
  })

  test('reasoning is inside the output unless it has a price', () => {
    expect(dollars({ output: 100, reasoning: 60 }, sonnet)).toBe('0.0015')
    const reasoning = { ...sonnet, ...perMillion({ output_cost_per_reasoning_token: 5 }) }
    expect(dollars({ output: 100, reasoning: 60 }, reasoning)).toBe('0.0009')
    expect(dollars({ output: 100, reasoning: 160 }, reasoning)).toBe('0.0005')
  })

  test('sound and images have their own price, or that of text', () => {
    const usage = { input: 100, inputAudio: 40, inputImage: 10, output: 50, outputAudio: 20, outputImage: 5 }
    expect(dollars(usage, sonnet)).toBe('0.00105')
    const media = perMillion({
      input_cost_per_token: 1,
      output_cost_per_token: 2,
      input_cost_per_audio_token: 100,
      input_cost_per_image_token: 10,
      output_cost_per_audio_token: 200,
      output_cost_per_image_token: 20,
    })
    // 50 + 40·100 + 10·10 + 25·2 + 20·200 + 5·20
    expect(dollars(usage, media)).toBe('0.0083')
    // Of the 100, 80 were read from the cache: no more than 20 are charged again as sound.
    expect(dollars({ input: 100, inputAudio: 40, cacheRead: 80 }, media)).toBe('0.00208')
  })

  test('searches, sessions and what else is counted are added', () => {
    const sheet = perMillion({
      input_cost_per_token: 1,
      output_cost_per_token: 1,
      search_context_cost_per_query: 10_000,
      code_interpreter_cost_per_session: 30_000,
      output_cost_per_image: 40_000,
    })
    expect(dollars({ input: 1_000_000, searches: 3 }, sheet)).toBe('1.03')
    const counted = { code_interpreter_cost_per_session: 1, output_cost_per_image: 2 }
    expect(dollars({ searches: 1 }, sheet, { ...chat, counted })).toBe('0.12')
    // Nobody has set a price on a search: the tokens still have theirs.
    expect(dollars({ input: 1000, searches: 3 }, sonnet)).toBe('0.003')
  })
})

describe('tiers', () => {
  const tiered = perMillion({
    input_cost_per_token: 1,
    output_cost_per_token: 10,
    cache_read_input_token_cost: 0.1,
    input_cost_per_token_above_128k_tokens: 2,
    input_cost_per_token_above_272k_tokens: 4,
    output_cost_per_token_above_200k_tokens: 20,
    input_cost_per_token_batches: 0.25,
    input_cost_per_token_priority: 3,
    output_cost_per_token_priority: 30,
    input_cost_per_token_flex: 0.5,
  })

  test.each([
    [{ input: 128_000 }, '0.128'],
    [{ input: 128_001 }, '0.256002'],
    // No price of input begins at 200k, so the one from 128k holds on.
    [{ input: 200_001, output: 1 }, '0.400022'],
    [{ input: 272_000 }, '0.544'],
    [{ input: 272_001 }, '1.088004'],
    // All of the prompt decides, whatever of it was cached.
    [{ input: 200_001, cacheRead: 200_000, output: 1 }, '0.020022'],
  ])('the whole request moves with its prompt: %j', (usage, cost) => {
    expect(dollars(usage, tiered)).toBe(cost)
  })

  test('a batch costs what the sheet says, else half', () => {
    const batch = { ...chat, isBatch: true }
    expect(dollars({ input: 1000, output: 100, cacheRead: 500 }, tiered, batch)).toBe('0.00065')
    expect(dollars({ input: 1000, output: 100, cacheRead: 500, serviceTier: 'batch' }, tiered)).toBe(
      '0.00065',
    )
    // A long prompt moves a batch, too.
    expect(dollars({ input: 300_000 }, tiered, batch)).toBe('0.6')
    // Searches are no tokens.
    const searching = { ...tiered, ...perMillion({ search_context_cost_per_query: 10_000 }) }
    expect(dollars({ searches: 1 }, searching, batch)).toBe('0.01')
  })

  test('the tier that served it decides, where it has a price', () => {
    const usage = { input: 1000, output: 100 }
    expect(dollars({ ...usage, serviceTier: 'priority' }, tiered)).toBe('0.006')
    expect(dollars({ ...usage, serviceTier: 'flex' }, tiered)).toBe('0.0015')
    expect(dollars({ ...usage, serviceTier: 'default' }, tiered)).toBe('0.002')
    expect(dollars({ ...usage, serviceTier: 'priority' }, sonnet)).toBe(dollars(usage, sonnet))
  })
})

describe('what the provider reports as cost', () => {
  test('is used as it is, whatever the sheet says, and without a sheet', () => {
    const usage = { ...nothingUsed, input: 1000, reportedCost: '0.0123' }
    expect(dollars(usage, sonnet)).toBe('0.0123')
    expect(priceOf(usage, null, chat)).toEqual({ costPico: 12_300_000_000n, isReported: true, parts: [] })
    expect(priceOf({ ...usage, reportedCost: '0' }, sonnet, chat)?.costPico).toBe(0n)
    expect(priceOf({ ...usage, reportedCost: '9e9' }, sonnet, chat)?.costPico).toBe(largestPico)
  })

  test.each(['-0.01', '9000000000.1', 'free'])('is ignored if it is %s', (reportedCost) => {
    expect(dollars({ input: 1000, reportedCost }, sonnet)).toBe('0.003')
    expect(priceOf({ ...nothingUsed, reportedCost }, null, chat)).toBeNull()
  })
})

describe('whether a cost can be known', () => {
  test('0 is a price', () => {
    const free = perMillion({ input_cost_per_token: 0, output_cost_per_token: 0 })
    expect(isPriced(free, 'chat_completion')).toBe(true)
    expect(dollars({ input: 5, output: 5 }, free)).toBe('0')
  })

  test.each<[PriceField[], Parameters<typeof isPriced>[1], boolean]>([
    [[], 'chat_completion', false],
    [['input_cost_per_token'], 'chat_completion', false],
    [['output_cost_per_token'], 'responses', false],
    [['input_cost_per_token', 'output_cost_per_token'], 'responses', true],
    [['input_cost_per_token_batches', 'output_cost_per_token_batches'], 'chat_completion', false],
    [['input_cost_per_token'], 'embedding', true],
    [['search_context_cost_per_query'], 'rerank', true],
    [['search_context_cost_per_query'], 'chat_completion', false],
    [['output_cost_per_image'], 'image_edit', true],
    [['input_cost_per_character'], 'speech', true],
    [['input_cost_per_second'], 'transcription', true],
    [['output_cost_per_video_per_second'], 'video_generation', true],
    [['output_cost_per_image'], 'video_generation', false],
  ])('%j for %s: %s', (fields, requestType, known) => {
    const sheet = Object.fromEntries(fields.map((field) => [field, 1n]))
    expect(isPriced(sheet, requestType)).toBe(known)
    expect(priceOf(nothingUsed, sheet, { requestType, isBatch: false }) !== null).toBe(known)
  })
})

describe('any sheet and any usage', () => {
  const terms = fc.record({
    requestType: fc.constantFrom('chat_completion' as const, 'embedding' as const, 'image_edit' as const),
    isBatch: fc.boolean(),
    counted: fc.record(
      { output_cost_per_image: fc.nat(9), input_cost_per_second: fc.nat(9) },
      { requiredKeys: [] },
    ),
  })

  test('costs what the formula says, summed term by term', () => {
    fc.assert(
      fc.property(usages, fc.oneof(sheets, pricedSheets), terms, (usage, sheet, call) => {
        const cost = priceOf(usage, sheet, call)
        expect(cost === null).toBe(!isPriced(sheet, call.requestType))
        if (cost !== null) expect(cost.costPico).toBe(formula(usage, sheet, call))
      }),
    )
  })

  test('at one price for all, a token is charged once', () => {
    const one = fc.bigInt({ min: 0n, max: 10n ** 14n })
    fc.assert(
      fc.property(usages, one, (usage, price) => {
        const sheet = { ...everyTokenField(price) }
        const cost = priceOf({ ...usage, serviceTier: null }, sheet, chat)
        const tokens = Math.max(usage.input, usage.cacheRead + usage.cacheWrite) + usage.output
        expect(cost?.costPico).toBe((BigInt(tokens) * price + 500_000n) / 1_000_000n)
      }),
    )
  })

  test('no token costs more than the dearest rate', () => {
    fc.assert(
      fc.property(usages, pricedSheets, fc.boolean(), (usage, sheet, isBatch) => {
        const dearest = dearestRates(sheet)
        const input = Math.max(usage.input, usage.cacheRead + usage.cacheWrite)
        const most = BigInt(input) * dearest.input + BigInt(usage.output) * dearest.output
        const cost = priceOf({ ...usage, searches: 0 }, sheet, { ...chat, isBatch })
        expect(cost?.costPico).toBeLessThanOrEqual((most + 500_000n) / 1_000_000n)
      }),
    )
  })

  test('its parts sum up to it', () => {
    fc.assert(
      fc.property(usages, pricedSheets, (usage, sheet) => {
        const cost = priceOf(usage, sheet, chat)
        const sum = cost?.parts.reduce((total, part) => total + BigInt(part.units) * part.price, 500_000n)
        expect((sum ?? 0n) / 1_000_000n).toBe(cost?.costPico)
        expect(cost?.parts.every((part) => part.units > 0)).toBe(true)
      }),
    )
  })
})

test('a cost of any size is exact', () => {
  const sheet = { input_cost_per_token: 1n, output_cost_per_token: 10n ** 24n }
  expect(priceOf({ ...nothingUsed, input: 499_999 }, sheet, chat)?.costPico).toBe(0n)
  expect(priceOf({ ...nothingUsed, input: 500_000 }, sheet, chat)?.costPico).toBe(1n)
  expect(priceOf({ ...nothingUsed, output: 2 ** 40 }, sheet, chat)?.costPico).toBe(
    BigInt(2 ** 40) * 10n ** 18n,
  )
})

describe('the dearest rates', () => {
  test('are those of any tier, cache or kind of token', () => {
    expect(dearestRates(sonnet)).toEqual({ input: 3_750_000_000_000n, output: 15_000_000_000_000n })
    for (const field of [
      'cache_creation_input_token_cost_above_1hr',
      'input_cost_per_audio_token',
    ] as const) {
      expect(dearestRates({ ...sonnet, [field]: 10n ** 15n }).input).toBe(10n ** 15n)
    }
    for (const field of ['output_cost_per_token_priority', 'output_cost_per_reasoning_token'] as const) {
      expect(dearestRates({ ...sonnet, [field]: 10n ** 15n }).output).toBe(10n ** 15n)
    }
  })

  test('leave out what is no token', () => {
    const units = { search_context_cost_per_query: 10n ** 18n, output_cost_per_image: 10n ** 18n }
    expect(dearestRates({ ...sonnet, ...units })).toEqual(dearestRates(sonnet))
    expect(dearestRates({})).toEqual({ input: 0n, output: 0n })
  })
})

function everyTokenField(price: bigint): PriceSheet {
  return {
    input_cost_per_token: price,
    output_cost_per_token: price,
    cache_read_input_token_cost: price,
    cache_creation_input_token_cost: price,
    cache_creation_input_token_cost_above_1hr: price,
    input_cost_per_audio_token: price,
    input_cost_per_image_token: price,
    output_cost_per_audio_token: price,
    output_cost_per_image_token: price,
    output_cost_per_reasoning_token: price,
  }
}

/** The formula once more, written out over the names of the members, all terms in one sum. */
function formula(usage: PricedUsage, sheet: PriceSheet, terms: CallTerms): bigint {
  const prices = sheet as Readonly<Record<string, bigint | undefined>>
  const tier = (usage.serviceTier ?? '').toLowerCase()
  const isBatch = terms.isBatch || tier === 'batch'
  const halve = (price: bigint): bigint => (isBatch ? price / 2n + (price % 2n) : price)

  function rate(name: string): bigint | undefined {
    const flex = prices[`${name}_flex`]
    if (tier === 'flex' && flex !== undefined) return flex
    let above: bigint | undefined
    for (const thousands of [128, 200, 272]) {
      if (usage.input > thousands * 1000) above = prices[`${name}_above_${thousands}k_tokens`] ?? above
    }
    if (above !== undefined) return halve(above)
    const batches = prices[`${name}_batches`]
    if (isBatch && batches !== undefined) return batches
    const priority = prices[`${name}_priority`]
    if (!isBatch && tier === 'priority' && priority !== undefined) return priority
    const base = prices[name]
    return base === undefined ? undefined : halve(base)
  }
  const flat = (name: string): bigint | undefined => {
    const price = prices[name]
    return price === undefined ? undefined : halve(price)
  }

  const pIn = rate('input_cost_per_token') ?? 0n
  const pOut = rate('output_cost_per_token') ?? 0n
  const pRead = rate('cache_read_input_token_cost') ?? pIn
  const pWrite = rate('cache_creation_input_token_cost') ?? pIn
  const pWriteLong = rate('cache_creation_input_token_cost_above_1hr') ?? pWrite
  const pReason = flat('output_cost_per_reasoning_token')
  const pInAudio = flat('input_cost_per_audio_token')
  const pInImage = flat('input_cost_per_image_token')
  const pOutAudio = flat('output_cost_per_audio_token')
  const pOutImage = flat('output_cost_per_image_token')

  const big = (count: number): bigint => BigInt(Math.max(0, count))
  const long = Math.min(usage.cacheWriteLong, usage.cacheWrite)
  const uncached = Math.max(0, usage.input - usage.cacheRead - usage.cacheWrite)
  const inAudio = pInAudio === undefined ? 0 : Math.min(usage.inputAudio, uncached)
  const inImage = pInImage === undefined ? 0 : Math.min(usage.inputImage, uncached - inAudio)
  const reason = pReason === undefined ? 0 : Math.min(usage.reasoning, usage.output)
  const outAudio = pOutAudio === undefined ? 0 : Math.min(usage.outputAudio, usage.output - reason)
  const outImage = pOutImage === undefined ? 0 : Math.min(usage.outputImage, usage.output - reason - outAudio)

  let total =
    big(uncached - inAudio - inImage) * pIn +
    big(inAudio) * (pInAudio ?? 0n) +
    big(inImage) * (pInImage ?? 0n) +
    big(usage.cacheRead) * pRead +
    big(usage.cacheWrite - long) * pWrite +
    big(long) * pWriteLong +
    big(usage.output - reason - outAudio - outImage) * pOut +
    big(reason) * (pReason ?? 0n) +
    big(outAudio) * (pOutAudio ?? 0n) +
    big(outImage) * (pOutImage ?? 0n) +
    big(usage.searches) * (sheet.search_context_cost_per_query ?? 0n)
  for (const [field, units] of Object.entries(terms.counted ?? {})) {
    total += big(units) * (sheet[field as CountedField] ?? 0n)
  }
  return (2n * total + 1_000_000n) / 2_000_000n
}
