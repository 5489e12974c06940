import { costOf, type PricedUnits, readCost } from '../domain/money.ts'
import type { RequestType } from '../domain/request-type.ts'
import type { PricedUsage } from '../domain/usage.ts'
import type { CountedField, FlatTokenField, PriceField } from './price-fields.ts'
import type { PriceSheet } from './price-sheet.ts'
import { flatRateOf, type Rate, rateOf, type Serving } from './rates.ts'

/** What the cost of a call depends on besides its usage. */
export interface CallTerms {
  readonly requestType: RequestType
  /** Done in a batch; a provider that calls its service tier `batch` says so itself. */
  readonly isBatch: boolean
  /** Whole units that the call is sold by and that are not among its tokens, by the price that they have. */
  readonly counted?: Readonly<Partial<Record<CountedField, number>>>
}

/** A line of a bill: so many units at the price of a member of the sheet (in a batch, half of it). */
export interface CostPart extends PricedUnits {
  readonly field: PriceField
}

export interface CallCost {
  readonly costPico: bigint
  /** The provider said what it costs: there are no parts. */
  readonly isReported: boolean
  /** They sum up to the cost exactly, but for its one rounding. */
  readonly parts: readonly CostPart[]
}

/**
 * What a usage costs; null if that cannot be known. Not clamped, as `costOf` is not.
 *
 * What the provider reports as cost is believed. Otherwise every token is charged once: at the price of what it is, or,
 * where the sheet has none for that, as plain text.
 */
export function priceOf(usage: PricedUsage, sheet: PriceSheet | null, terms: CallTerms): CallCost | null {
  const reported = usage.reportedCost === null ? null : readCost(usage.reportedCost)
  if (typeof reported === 'bigint') return { costPico: reported, isReported: true, parts: [] }
  if (sheet === null || !isPriced(sheet, terms.requestType)) return null

  const parts: CostPart[] = []
  const serving = servingOf(usage, terms)
  addInput(parts, usage, sheet, serving)
  addOutput(parts, usage, sheet, serving)
  addUnits(parts, usage.searches, sheet, 'search_context_cost_per_query')
  for (const [field, units] of Object.entries(terms.counted ?? {}) as [CountedField, number][]) {
    addUnits(parts, units, sheet, field)
  }
  return { costPico: costOf(parts), isReported: false, parts }
}

function servingOf(usage: PricedUsage, terms: CallTerms): Serving {
  const tier = usage.serviceTier?.toLowerCase()
  return {
    promptTokens: usage.input,
    isBatch: terms.isBatch || tier === 'batch',
    serviceTier: tier === 'flex' || tier === 'priority' ? tier : null,
  }
}

function addInput(parts: CostPart[], usage: PricedUsage, sheet: PriceSheet, serving: Serving): void {
  const text = rateOf(sheet, 'input_cost_per_token', serving)
  const write = rateOf(sheet, 'cache_creation_input_token_cost', serving) ?? text
  const writtenLong = Math.min(usage.cacheWriteLong, usage.cacheWrite)

  // Sound and images may be among the cached tokens: what the cache does not leave of them is charged with it.
  let uncached = Math.max(0, usage.input - usage.cacheRead - usage.cacheWrite)
  uncached -= addApart(parts, usage.inputAudio, uncached, sheet, 'input_cost_per_audio_token', serving)
  uncached -= addApart(parts, usage.inputImage, uncached, sheet, 'input_cost_per_image_token', serving)

  addTokens(parts, uncached, text)
  addTokens(parts, usage.cacheRead, rateOf(sheet, 'cache_read_input_token_cost', serving) ?? text)
  addTokens(parts, usage.cacheWrite - writtenLong, write)
  addTokens(parts, writtenLong, rateOf(sheet, 'cache_creation_input_token_cost_above_1hr', serving) ?? write)
}

function addOutput(parts: CostPart[], usage: PricedUsage, sheet: PriceSheet, serving: Serving): void {
  let rest = usage.output
  rest -= addApart(parts, usage.reasoning, rest, sheet, 'output_cost_per_reasoning_token', serving)
  rest -= addApart(parts, usage.outputAudio, rest, sheet, 'output_cost_per_audio_token', serving)
  rest -= addApart(parts, usage.outputImage, rest, sheet, 'output_cost_per_image_token', serving)
  addTokens(parts, rest, rateOf(sheet, 'output_cost_per_token', serving))
}

/** Charges tokens of a kind, no more than are left, if they have a price of their own. Returns how many it charged. */
function addApart(
  parts: CostPart[],
  tokens: number,
  left: number,
  sheet: PriceSheet,
  field: FlatTokenField,
  serving: Serving,
): number {
  const rate = flatRateOf(sheet, field, serving)
  if (rate === null) return 0
  const charged = Math.min(tokens, left)
  addTokens(parts, charged, rate)
  return charged
}

function addTokens(parts: CostPart[], units: number, rate: Rate | null): void {
  if (units > 0 && rate !== null) parts.push({ field: rate.field, units, price: rate.price })
}

function addUnits(parts: CostPart[], units: number, sheet: PriceSheet, field: PriceField): void {
  const price = sheet[field]
  if (units > 0 && price !== undefined) parts.push({ field, units, price })
}

const textTokens = ['input_cost_per_token', 'output_cost_per_token'] as const
const imagePrices = [
  ['output_cost_per_image'],
  ['input_cost_per_image'],
  ['output_cost_per_pixel'],
  ['input_cost_per_pixel'],
  textTokens,
  ['input_cost_per_token', 'output_cost_per_image_token'],
] as const
const videoPrices = [['output_cost_per_video_per_second'], ['output_cost_per_second'], textTokens] as const

/** What must have a price for a call's cost to be known: all members of one of these. */
const knownBy: Readonly<Record<RequestType, readonly (readonly PriceField[])[]>> = {
  chat_completion: [textTokens],
  text_completion: [textTokens],
  responses: [textTokens],
  embedding: [['input_cost_per_token']],
  rerank: [['search_context_cost_per_query'], ['input_cost_per_token']],
  speech: [
    ['input_cost_per_character'],
    ['output_cost_per_audio_per_second'],
    ['output_cost_per_second'],
    textTokens,
    ['input_cost_per_token', 'output_cost_per_audio_token'],
  ],
  transcription: [['input_cost_per_audio_per_second'], ['input_cost_per_second'], textTokens],
  image_generation: imagePrices,
  image_variation: imagePrices,
  image_edit: imagePrices,
  video_generation: videoPrices,
  video_remix: videoPrices,
}

/** Whether a call of this kind has a known cost at all. 0 is a price. */
export function isPriced(sheet: PriceSheet, requestType: RequestType): boolean {
  return knownBy[requestType].some((fields) => fields.every((field) => sheet[field] !== undefined))
}
