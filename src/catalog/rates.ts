import {
  type FlatTokenField,
  type PriceField,
  priceFields,
  type TokenRate,
  tokenRates,
} from './price-fields.ts'
import type { PriceSheet } from './price-sheet.ts'

/** How a call was served, as far as its prices depend on it. */
export interface Serving {
  /** All tokens of the prompt, cached ones included. */
  readonly promptTokens: number
  readonly isBatch: boolean
  readonly serviceTier: 'flex' | 'priority' | null
}

/** A price that holds, and the member of the sheet that it comes from. */
export interface Rate {
  readonly field: PriceField
  /** 1e-18 dollars per token. */
  readonly price: bigint
}

interface Tiers {
  readonly batches: PriceField
  readonly priority: PriceField
  readonly flex: PriceField
  /** Longest prompts first. */
  readonly above: readonly { readonly tokens: number; readonly field: PriceField }[]
}

const tiersOf = Object.fromEntries(tokenRates.map((rate) => [rate, tiersOfRate(rate)])) as Readonly<
  Record<TokenRate, Tiers>
>

function tiersOfRate(rate: TokenRate): Tiers {
  return {
    batches: `${rate}_batches`,
    priority: `${rate}_priority`,
    flex: `${rate}_flex`,
    above: [
      { tokens: 272_000, field: `${rate}_above_272k_tokens` },
      { tokens: 200_000, field: `${rate}_above_200k_tokens` },
      { tokens: 128_000, field: `${rate}_above_128k_tokens` },
    ],
  }
}

/**
 * The price of a rate as the call was served; null if the sheet has none.
 *
 * A flex price holds for prompts of any length. Otherwise the length of the whole prompt decides, then the batch, then
 * the tier. A batch costs half of what it would cost alone, unless the sheet says what it costs.
 */
export function rateOf(sheet: PriceSheet, rate: TokenRate, serving: Serving): Rate | null {
  const tiers = tiersOf[rate]
  if (serving.serviceTier === 'flex') {
    const flex = rateAt(sheet, tiers.flex)
    if (flex !== null) return flex
  }
  for (const { tokens, field } of tiers.above) {
    if (serving.promptTokens <= tokens) continue
    const longPrompt = rateAt(sheet, field)
    if (longPrompt !== null) return inBatch(longPrompt, serving)
  }
  if (serving.isBatch) return rateAt(sheet, tiers.batches) ?? inBatch(rateAt(sheet, rate), serving)
  if (serving.serviceTier === 'priority') {
    const priority = rateAt(sheet, tiers.priority)
    if (priority !== null) return priority
  }
  return rateAt(sheet, rate)
}

/** The price of tokens that have one price in all tiers; null if the sheet has none. */
export function flatRateOf(sheet: PriceSheet, field: FlatTokenField, serving: Serving): Rate | null {
  return inBatch(rateAt(sheet, field), serving)
}

function rateAt(sheet: PriceSheet, field: PriceField): Rate | null {
  const price = sheet[field]
  return price === undefined ? null : { field, price }
}

/** A half is a price like any other: in whole units of 1e-18 dollars, rounded half up. */
function inBatch<R extends Rate | null>(rate: R, { isBatch }: Serving): R {
  return rate !== null && isBatch ? { ...rate, price: (rate.price + 1n) / 2n } : rate
}

const outputTokenFields = priceFields.filter((field) => /^output_cost_per_(?:\w+_)?token/.test(field))
const inputTokenFields = priceFields.filter((field) =>
  /^(?:input_cost_per_(?:\w+_)?token|cache_)/.test(field),
)

/** The dearest that a token can cost, whatever it is and however it is served, in 1e-18 dollars. 0 without a price. */
export function dearestRates(sheet: PriceSheet): { readonly input: bigint; readonly output: bigint } {
  return { input: dearestOf(sheet, inputTokenFields), output: dearestOf(sheet, outputTokenFields) }
}

function dearestOf(sheet: PriceSheet, fields: readonly PriceField[]): bigint {
  let dearest = 0n
  for (const field of fields) {
    const price = sheet[field]
    if (price !== undefined && price > dearest) dearest = price
  }
  return dearest
}
