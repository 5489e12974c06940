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
