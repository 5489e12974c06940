/** What tokens of text cost, and tokens that a cache takes in or gives out. Each has a price of its own in every tier. */
export const tokenRates = [
  'input_cost_per_token',
  'output_cost_per_token',
  'cache_read_input_token_cost',
  'cache_creation_input_token_cost',
  'cache_creation_input_token_cost_above_1hr',
] as const

/** Where a rate differs: work done in a batch, a service tier that was served, a prompt longer than so many tokens. */
const tierSuffixes = [
  '_batches',
  '_priority',
  '_flex',
  '_above_128k_tokens',
  '_above_200k_tokens',
  '_above_272k_tokens',
] as const

/** Tokens that have one price, if any: without it they cost what tokens of text do. */
const flatTokenFields = [
  'output_cost_per_reasoning_token',
  'input_cost_per_audio_token',
  'output_cost_per_audio_token',
  'input_cost_per_image_token',
  'output_cost_per_image_token',
] as const

/** What is counted apart from tokens, by whoever knows that a call is sold by it. */
const countedFields = [
  'input_cost_per_image',
  'output_cost_per_image',
  'input_cost_per_pixel',
  'output_cost_per_pixel',
  'input_cost_per_second',
  'output_cost_per_second',
  'input_cost_per_audio_per_second',
  'output_cost_per_audio_per_second',
  'input_cost_per_video_per_second',
  'output_cost_per_video_per_second',
  'input_cost_per_character',
  'output_cost_per_character',
  'code_interpreter_cost_per_session',
] as const

export type TokenRate = (typeof tokenRates)[number]
export type FlatTokenField = (typeof flatTokenFields)[number]
export type CountedField = (typeof countedFields)[number]
type TierField = `${TokenRate}${(typeof tierSuffixes)[number]}`

/** What a price sheet and a price override may set. */
export type PriceField =
  | TokenRate
  | TierField
  | FlatTokenField
  | CountedField
  | 'search_context_cost_per_query'

/** All of them, each rate with its tiers. */
export const priceFields: readonly PriceField[] = [
  ...tokenRates.flatMap((rate) => [rate, ...tierSuffixes.map((suffix): TierField => `${rate}${suffix}`)]),
  ...flatTokenFields,
  ...countedFields,
  'search_context_cost_per_query',
]

const known: ReadonlySet<string> = new Set(priceFields)

export function isPriceField(name: string): name is PriceField {
  return known.has(name)
}
