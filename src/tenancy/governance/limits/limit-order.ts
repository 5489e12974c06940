import { parseResetDuration } from '../../../limits/duration.ts'
import type { BudgetFact } from '../facts.ts'

/** The order in which an owner's budgets are shown and judged: by length of their windows, then by age. */
export function shortestFirst(left: BudgetFact, right: BudgetFact): number {
  return lengthOf(left) - lengthOf(right) || left.createdAt - right.createdAt || (left.id < right.id ? -1 : 1)
}

function lengthOf({ resetDuration }: BudgetFact): number {
  return parseResetDuration(resetDuration)?.lengthMs ?? Number.POSITIVE_INFINITY
}
