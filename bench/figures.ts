import type { CandidateName } from './candidate.ts'
import type { LoadResult } from './load.ts'
import type { Round } from './rounds.ts'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export type Measure = (result: LoadResult) => number

/** Of the rounds in which the candidate counted; null where there was none. */
export function spread(rounds: readonly Round[], name: CandidateName, measure: Measure): Spread | null {
  return spreadOf(rounds.flatMap((round) => valuesOf(round, [name], measure)))
}

/** How many times as much as another candidate, judged round by round: the machine's mood cancels out. */
export function ratio(
  rounds: readonly Round[],
  name: CandidateName,
  to: CandidateName,
  measure: Measure,
): Spread | null {
  return spreadOf(
    rounds.flatMap((round) => {
      const [own, other] = valuesOf(round, [name, to], measure)
      return own === undefined || other === undefined || other === 0 ? [] : [own / other]
    }),
  )
}

/** How much more than another candidate, judged round by round. */
export function difference(
  rounds: readonly Round[],
  name: CandidateName,
  to: CandidateName,
  measure: Measure,
): Spread | null {
  return spreadOf(
    rounds.flatMap((round) => {
      const [own, other] = valuesOf(round, [name, to], measure)
      return own === undefined || other === undefined ? [] : [own - other]
    }),
  )
}

/** All the candidates' values, or none. */
function valuesOf(round: Round, names: readonly CandidateName[], measure: Measure): number[] {
  const results = names.flatMap((name) => round[name] ?? [])
  return results.length === names.length ? results.map(measure) : []
}

function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  const [low, high] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ]
  if (min === undefined || max === undefined || low === undefined || high === undefined) return null
  return { median: (low + high) / 2, min, max }
}
