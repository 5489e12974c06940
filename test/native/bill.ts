// What calls cost by hand: prices as their digits say, parts one by one, rounded once. Shares nothing with the gateway.

/** Tokens by what they are: each is one of these only. */
export interface Parts {
  readonly text: number
  readonly inputAudio: number
  readonly inputImage: number
  readonly cacheRead: number
  /** Kept for minutes. */
  readonly cacheWrite: number
  /** Kept for an hour. */
  readonly cacheWriteLong: number
  readonly answer: number
  readonly reasoning: number
  readonly outputAudio: number
  readonly outputImage: number
  readonly searches: number
}

/** Dollars per unit, each as the text of a JSON number. */
export type Sheet = Readonly<Record<string, string>>

export type Tier = 'default' | 'flex' | 'priority' | 'batch' | null

/** So many 1/10^digits, as the text says, half a one rounded up. */
export function scaled(text: string, digits: number): bigint {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const shift = digits + Number(exponent) - fraction.length
  const all = BigInt(whole + fraction)
  if (shift >= 0) return all * 10n ** BigInt(shift)
  const unit = 10n ** BigInt(-shift)
  return (2n * all + unit) / (2n * unit)
}

export function inputOf(parts: Parts): number {
  const { text, inputAudio, inputImage, cacheRead, cacheWrite, cacheWriteLong } = parts
  return text + inputAudio + inputImage + cacheRead + cacheWrite + cacheWriteLong
}

export function outputOf({ answer, reasoning, outputAudio, outputImage }: Parts): number {
  return answer + reasoning + outputAudio + outputImage
}

/** In picodollars. */
export function billOf(parts: Parts, sheet: Sheet, tier: Tier): bigint {
  const prompt = inputOf(parts)
  const price = (field: string) => (sheet[field] === undefined ? null : scaled(sheet[field], 18))
  const half = (amount: bigint | null) => (amount === null || tier !== 'batch' ? amount : (amount + 1n) / 2n)
  const tiered = (field: string): bigint | null => {
    if (tier === 'flex' && sheet[`${field}_flex`] !== undefined) return price(`${field}_flex`)
    for (const thousands of [272, 200, 128]) {
      const long = price(`${field}_above_${thousands}k_tokens`)
      if (prompt > thousands * 1000 && long !== null) return half(long)
    }
    if (tier === 'batch') return price(`${field}_batches`) ?? half(price(field))
    if (tier === 'priority') return price(`${field}_priority`) ?? price(field)
    return price(field)
  }
  const input = tiered('input_cost_per_token') ?? 0n
  const output = tiered('output_cost_per_token') ?? 0n
  const written = tiered('cache_creation_input_token_cost') ?? input
  const lines: readonly (readonly [units: number, price: bigint])[] = [
    [parts.text, input],
    [parts.inputAudio, half(price('input_cost_per_audio_token')) ?? input],
    [parts.inputImage, half(price('input_cost_per_image_token')) ?? input],
    [parts.cacheRead, tiered('cache_read_input_token_cost') ?? input],
    [parts.cacheWrite, written],
    [parts.cacheWriteLong, tiered('cache_creation_input_token_cost_above_1hr') ?? written],
    [parts.answer, output],
    [parts.reasoning, half(price('output_cost_per_reasoning_token')) ?? output],
    [parts.outputAudio, half(price('output_cost_per_audio_token')) ?? output],
    [parts.outputImage, half(price('output_cost_per_image_token')) ?? output],
    [parts.searches, price('search_context_cost_per_query') ?? 0n],
  ]
  const total = lines.reduce((sum, [units, each]) => sum + BigInt(units) * each, 0n)
  return (total + 500_000n) / 1_000_000n
}
