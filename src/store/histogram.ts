/**
 * Upper ends of the cells that durations are counted in, in milliseconds, each included; a last cell holds what is
 * longer. Closest where models answer. What is stored was counted by these: they do not change.
 */
const cellEndsMs = [
  25, 50, 100, 200, 400, 700, 1000, 1500, 2500, 4000, 6000, 10_000, 20_000, 40_000, 100_000,
] as const

type Cell = (typeof cellEndsMs)[number] | 'more'

/** Calls by duration: a column a cell, null for none, so that an empty cell takes no room. */
export type DurationCells = { [Column in `duration_${Cell}`]: number | null }

/** Streamed calls by the time to their first token. */
export type FirstTokenCells = { [Column in `first_token_${Cell}`]: number | null }

const cells: readonly Cell[] = [...cellEndsMs, 'more']

export const durationColumns = cells.map((cell) => `duration_${cell}` as const)
export const firstTokenColumns = cells.map((cell) => `first_token_${cell}` as const)

/** Which cell a duration falls into: an index of the columns above. */
export function cellOf(durationMs: number): number {
  const index = cellEndsMs.findIndex((end) => durationMs <= end)
  return index === -1 ? cellEndsMs.length : index
}
