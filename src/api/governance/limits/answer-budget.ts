import { toDollars } from '../../../domain/money.ts'
import type { BudgetFact } from '../../../tenancy/governance/facts.ts'
import type { Owned } from '../../../tenancy/governance/limits/limit-owners.ts'
import { ceilingOf } from '../../../tenancy/governance/limits/limit-rows.ts'
import type { GovernanceVisit } from '../route.ts'
import { readCounted, toBudget } from './shape.ts'

/** One budget, and what it allows for now. */
export async function answerBudget(
  { counters, clock }: GovernanceVisit,
  { limit, owner }: Owned<BudgetFact>,
) {
  const counted = await readCounted(counters, [{ budgets: [limit], rateLimit: null }], clock())
  return {
    budget: toBudget(limit, owner, counted),
    effective_max_limit: toDollars(ceilingOf(limit, counted.now)),
  }
}
