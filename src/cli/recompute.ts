import { dollarsText, toDollars } from '../domain/money.ts'
import { compare, type Quantity, subtract, zero } from '../domain/quantity.ts'
import type { EpochMs } from '../domain/time.ts'

/** What became of the calls whose costs were computed anew. */
interface Recomputed {
  readonly calls: number
  readonly changed: number
  readonly reported: number
  readonly unpriced: number
  readonly before: Quantity
  readonly after: Quantity
}

/** What the command prints. */
export function reportRecomputed(
  { calls, changed, reported, unpriced, before, after }: Recomputed,
  isDryRun: boolean,
  asJson: boolean,
): string {
  const difference = subtract(after, before)
  if (asJson) {
    return JSON.stringify({
      dry_run: isDryRun,
      calls,
      changed,
      reported,
      unpriced,
      cost_before: toDollars(before),
      cost_after: toDollars(after),
      difference: toDollars(difference),
    })
  }
  const sign = compare(difference, zero) < 0 ? '' : '+'
  return [
    `${calls} calls, of which ${changed} ${isDryRun ? 'would cost' : 'cost'} something else now.`,
    `${reported} cost what their provider said, and ${unpriced} have no price now: these are as they were.`,
    `Before $${dollarsText(before)}, ${isDryRun ? 'then' : 'now'} $${dollarsText(after)} (${sign}${dollarsText(difference)}).`,
  ].join('\n')
}

const day = /^\d{4}-\d\d-\d\d$/
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/

/** A day, which begins at midnight in UTC, or an instant with its offset; null for anything else. */
export function readInstant(text: string): EpochMs | null {
  if (!day.test(text) && !instant.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at
}
