/**
 * Tokens of one answer, in one convention for all providers: `input` includes cached tokens;
 * `cacheRead`, `cacheWrite` and `reasoning` are parts of the totals.
 */
export interface Usage {
  readonly input: number
  readonly output: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly reasoning: number
}

/** What a price tells apart beyond that. All but `searches` and `reportedCost` are parts of the totals. */
export interface PricedUsage extends Usage {
  /** Of `cacheWrite`: what is kept for an hour, where the rest is kept for minutes. */
  readonly cacheWriteLong: number
  readonly inputAudio: number
  readonly outputAudio: number
  readonly inputImage: number
  readonly outputImage: number
  readonly searches: number
  /** What the provider says that it costs: the text of the JSON number, in dollars. Null where it says nothing. */
  readonly reportedCost: string | null
  /** The tier that served it, as the provider names it; null where it says nothing. */
  readonly serviceTier: string | null
}

/** The usage of a call that has used nothing. */
export const nothingUsed: PricedUsage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  cacheWriteLong: 0,
  inputAudio: 0,
  outputAudio: 0,
  inputImage: 0,
  outputImage: 0,
  searches: 0,
  reportedCost: null,
  serviceTier: null,
}
